"""A shop to be copied: the product on a database of its own, its gateway pointed at a canned Stripe or at the sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from app.cli import take_in
from app.database import db
from app.gateways.current import gateway
from app.mirror import accounts
from app.sync import check, operations
from app.sync.check import Report
from app.sync.operations import Outcome, Wish
from tests.canned import Canned
from tests.sandbox.client import Sandbox
from tests.world import application


@dataclass
class Copy:
    """The product beside the Stripe it copies."""

    app: Flask

    def sync(self, *kinds: str, full: bool = False) -> Outcome:
        return operations.run(gateway().background, livemode=False, take_in=take_in, wish=Wish(kinds, full=full))

    def check(self, *kinds: str, heal: bool = False) -> Report:
        account_id = accounts.current(livemode=False).id
        db.session.rollback()
        return check.check(gateway().background, account_id, kinds=kinds, heal=heal)


@pytest.fixture
def canned() -> Iterator[Canned]:
    with Canned() as canned:
        yield canned


@pytest.fixture
def copy_of_canned(database_url: str, instance_dir: Path, canned: Canned) -> Iterator[Copy]:
    yield from _copy(database_url, instance_dir, canned.url)


@pytest.fixture
def copy_of_sandbox(database_url: str, instance_dir: Path, sandbox: Sandbox) -> Iterator[Copy]:
    yield from _copy(database_url, instance_dir, sandbox.url)


def _copy(database_url: str, instance_dir: Path, stripe_url: str) -> Iterator[Copy]:
    app = application(database_url, instance_dir, stripe_api_base=stripe_url)
    with app.app_context():
        yield Copy(app)
        db.session.remove()
        db.engine.dispose()
