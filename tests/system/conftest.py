"""The product in this process, with a real sandbox as its Stripe."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import db
from tests.sandbox.client import Sandbox
from tests.system.shop import Shop
from tests.world import application


@pytest.fixture
def shop(database_url: str, instance_dir: Path, sandbox: Sandbox) -> Iterator[Shop]:
    app = application(database_url, instance_dir, stripe_api_base=sandbox.url)
    with app.app_context():
        yield Shop(app, sandbox)
        db.session.remove()
        db.engine.dispose()
