"""A wrong configuration does not start, says why in one line, and shows no secret (case O08)."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.settings import Secret, Settings

ROOT = Path(__file__).parents[2]
LIVE = {
    "STRIPE_SECRET_KEY": "sk_live_51marker",
    "STRIPE_WEBHOOK_SECRET": "whsec_marker",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "DOMAIN": "https://desk.example.com",
    "DATABASE_URL": "postgresql://someone@db.example.com/counterfoil",
}


def test_without_a_key_it_is_the_sandbox_and_says_so(tmp_path: Path) -> None:
    settings = Settings.from_env({"INSTANCE_DIR": str(tmp_path)})

    assert (settings.mode, settings.livemode, settings.stripe_api_base) == ("sandbox", False, "http://127.0.0.1:12111")
    assert settings.webhook_secrets == ()


def test_a_live_configuration_that_is_whole_starts(tmp_path: Path) -> None:
    settings = Settings.from_env({**LIVE, "INSTANCE_DIR": str(tmp_path)})

    assert (settings.mode, settings.stripe_api_base) == ("live", "https://api.stripe.com")
    assert settings.database_url == "postgresql+psycopg2://someone@db.example.com/counterfoil"


def test_several_webhook_secrets_while_one_is_rolled(tmp_path: Path) -> None:
    settings = Settings.from_env({"INSTANCE_DIR": str(tmp_path), "STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old,,"})

    assert settings.webhook_secrets == (Secret("whsec_new"), Secret("whsec_old"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"STRIPE_API_BASE": "http://127.0.0.1:12111"}, "STRIPE_API_BASE is not Stripe's"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET must be set"),
        ({"STRIPE_WEBHOOK_SECRET": " "}, "STRIPE_WEBHOOK_SECRET must be set"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_test_marker"}, "STRIPE_WEBHOOK_SECRET holds a test secret"),
        ({"STRIPE_PUBLISHABLE_KEY": "pk_test_x"}, "STRIPE_PUBLISHABLE_KEY is a test key"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"FLASK_DEBUG": "1"}, "FLASK_DEBUG"),
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "dev"}, "SECRET_KEY must have at least 32 characters"),
        ({"DOMAIN": "http://desk.example.com"}, "DOMAIN must start with https"),
        ({"STRIPE_SECRET_KEY": "pk_live_marker"}, "STRIPE_SECRET_KEY is not a secret key"),
        ({"STRIPE_SECRET_KEY": "", "STRIPE_API_BASE": "https://api.stripe.com"}, "STRIPE_SECRET_KEY is not set"),
        ({"STRIPE_API_BASE": "http://stripe.example.com", "STRIPE_SECRET_KEY": "sk_test_marker"}, "must be https"),
        ({"DATABASE_URL": "sqlite:///x.db"}, "DATABASE_URL must be a PostgreSQL URL"),
        ({"PORT": "http"}, "PORT must be a whole number"),
        ({"PORT": "70000"}, "PORT must be a port"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refusal:
        Settings.from_env({**LIVE, "INSTANCE_DIR": str(tmp_path), **changes})

    assert "\n" not in str(refusal.value)
    assert "marker" not in str(refusal.value)


def test_the_program_ends_with_that_line_and_no_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, **LIVE, "INSTANCE_DIR": str(tmp_path), "DEBUG": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", "import wsgi"], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 1
    assert ended.stderr.strip() == "Counterfoil does not start: DEBUG and FLASK_DEBUG must be off with a live key."


def test_settings_never_show_their_secrets(tmp_path: Path) -> None:
    shown = repr(Settings.from_env({**LIVE, "INSTANCE_DIR": str(tmp_path)}))

    assert "marker" not in shown
    assert LIVE["SECRET_KEY"] not in shown


def test_the_key_made_for_the_sandbox_is_private_and_stays(tmp_path: Path) -> None:
    first = Settings.from_env({"INSTANCE_DIR": str(tmp_path)})
    second = Settings.from_env({"INSTANCE_DIR": str(tmp_path)})

    assert len(first.secret_key) == 64
    assert first.secret_key == second.secret_key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SMTP_URL": "http://mail.example.com"}, "SMTP_URL must be like"),
        ({"SMTP_URL": "mail.example.com:25"}, "SMTP_URL must be like"),
        ({"SMTP_URL": "smtp://"}, "SMTP_URL must be like"),
        ({"SMTP_URL": "smtp://desk:pwmarker@host:70000"}, "SMTP_URL must be like"),
        ({"SMTP_URL": "smtps://desk:pwmarker@host/box"}, "SMTP_URL must be like"),
        ({"SMTP_URL": "smtp://desk:pwmarker@mail.example.com"}, "no encryption"),
        ({"SMTP_URL": "smtp+starttls://desk:pwmarker@mail.example.com", "MAIL_FROM": ""}, "MAIL_FROM must be set"),
        (
            {"ALERTS_MAY_STAY_LOCAL": "1", "STRIPE_SECRET_KEY": "sk_test_marker", "SECRET_KEY": "x" * 40},
            "sandbox mode only",
        ),
        ({"MAIL_FROM": "the desk"}, "MAIL_FROM must be one address"),
        ({"MAIL_FROM": "desk@shop.example\nBcc: x@y.example"}, "MAIL_FROM must be one address"),
    ],
)
def test_a_mail_server_that_cannot_be_meant_is_refused(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    plain = {"MAIL_FROM": "desk@shop.example", "INSTANCE_DIR": str(tmp_path)}

    with pytest.raises(ConfigurationError, match=words) as refusal:
        Settings.from_env(plain | changes)

    assert "pwmarker" not in str(refusal.value)


def test_a_mail_servers_password_is_never_shown(tmp_path: Path) -> None:
    given = {"SMTP_URL": "smtps://desk:pwmarker@mail.example.com", "MAIL_FROM": "Shop <desk@shop.example>"}

    settings = Settings.from_env(given | {"INSTANCE_DIR": str(tmp_path)})

    assert settings.smtp_url == given["SMTP_URL"]
    assert "pwmarker" not in repr(settings)


OIDC = {"OIDC_ISSUER": "https://login.example.com", "OIDC_CLIENT_ID": "desk", "OIDC_CLIENT_SECRET": "pwmarker"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"OIDC_ISSUER": ""}, "OIDC_ISSUER must be set for single sign-on"),
        ({"OIDC_CLIENT_SECRET": ""}, "OIDC_CLIENT_SECRET must be set"),
        (dict.fromkeys(OIDC, "") | {"OIDC_ONLY": "1"}, "OIDC_ISSUER must be set"),
        ({"OIDC_ISSUER": "http://login.example.com"}, "OIDC_ISSUER must be a URL like https"),
        ({"OIDC_ISSUER": "https://login.example.com/.well-known/openid-configuration"}, "the issuer itself"),
        ({"OIDC_ROLES": "admins"}, "OIDC_ROLES must be like"),
        ({"OIDC_ROLES": "=admin"}, "OIDC_ROLES must be like"),
        ({"OIDC_CREATE": "1"}, "OIDC_CREATE needs OIDC_ROLES"),
    ],
)
def test_half_a_single_sign_on_is_refused(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refusal:
        Settings.from_env(OIDC | {"INSTANCE_DIR": str(tmp_path)} | changes)

    assert "pwmarker" not in str(refusal.value)


def test_a_whole_single_sign_on_is_read_and_hides_its_secret(tmp_path: Path) -> None:
    roles = {"OIDC_ROLES": "Desk = admins=admin, helpers=support", "OIDC_CREATE": "1", "OIDC_ONLY": "0"}

    settings = Settings.from_env(OIDC | roles | {"INSTANCE_DIR": str(tmp_path)})

    assert settings.sso
    assert settings.sso.roles == (("Desk = admins", "admin"), ("helpers", "support"))
    assert (settings.sso.creates, settings.sso.only, settings.sso.groups_claim) == (True, False, "groups")
    assert "pwmarker" not in repr(settings)
