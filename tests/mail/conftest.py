"""A mail server and settings that name it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app.settings import Secret, Settings
from tests.mail.catcher import Caught, catching


@pytest.fixture
def server() -> Iterator[Caught]:
    with catching() as caught:
        yield caught


@pytest.fixture
def mailing(app: Flask, server: Caught) -> Settings:
    """The application's settings with this mail server."""
    return with_server(app, server.url)


def with_server(app: Flask, url: str) -> Settings:
    plain: Settings = app.extensions["settings"]
    return replace(plain, smtp_url=Secret(url), mail_from="Counterfoil <desk@shop.example>")
