"""Settings and applications for the tests: the real factory on a database of their own."""

from dataclasses import replace
from pathlib import Path

from flask import Flask

from app.factory import create_app
from app.settings import Secret, Settings
from jobs.timetable import TIMETABLE

WEBHOOK_SECRET = "whsec_test_first"


def settings(database_url: str, instance_dir: Path, **changes: object) -> Settings:
    """Sandbox mode on this database; `changes` replace single fields."""
    plain = Settings.from_env(
        {
            "DATABASE_URL": database_url,
            "INSTANCE_DIR": str(instance_dir),
            "SECRET_KEY": "a key for tests that is long enough to be one",
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "LOG_LEVEL": "WARNING",
        }
    )
    return replace(plain, testing=True, **changes)  # type: ignore[arg-type]


def live_settings(database_url: str, instance_dir: Path) -> Settings:
    """As if real money moved; nothing that calls Stripe may be used with it."""
    return settings(
        database_url,
        instance_dir,
        stripe_secret_key=Secret("sk_live_neverused"),
        stripe_api_base="https://api.stripe.com",
        domain="https://desk.example.com",
    )


def application(database_url: str, instance_dir: Path, **changes: object) -> Flask:
    """The whole product on this database."""
    return create_app(settings(database_url, instance_dir, **changes), TIMETABLE)
