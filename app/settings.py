"""Every environment variable, its type and its default, on one page."""

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from app.errors import ConfigurationError
from app.sso_settings import SingleSignOn, single_sign_on

API_VERSION = "2026-10-28.endive"
STRIPE_API_BASE = "https://api.stripe.com"
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_WEAK = frozenset({"dev", "secret", "changeme", "change-me", "test", "password"})


class Secret(str):
    """Text that never shows itself by accident: its repr is three stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


_NONE = Secret()


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment said, checked. Build it with `Settings.from_env()`.

    database_url: SQLAlchemy URL; empty means the embedded server under `instance_dir`/pg.
    stripe_secret_key: empty means sandbox mode: the same SDK talks to `stripe_api_base`.
    webhook_secrets: each accepted while a secret is being rolled; without one, webhooks are answered 503.
    domain: public base URL; links and redirects are built from it, never from the Host header.
    """

    database_url: str
    stripe_secret_key: Secret
    stripe_publishable_key: str
    webhook_secrets: tuple[Secret, ...]
    stripe_api_base: str
    secret_key: Secret
    domain: str
    port: int
    sandbox_port: int
    instance_dir: Path
    redis_url: str
    sentry_dsn: Secret
    log_level: str
    # Proxies in front of us whose X-Forwarded-* headers are believed; 0 believes none.
    trusted_proxies: int = 0
    # smtp://, smtp+starttls:// or smtps://user:password@host:port; empty: nothing is sent.
    smtp_url: Secret = _NONE
    # Who our letters come from: `Name <address>`.
    mail_from: str = "Counterfoil <counterfoil@localhost>"
    # Where the head of the audit trail is noted each day, and who is mailed it; better not within reach of the database's owner.
    audit_anchors_dir: Path = Path("instance/audit")
    audit_anchors_to: str = ""
    # Alerts may go to a receiver on this machine; in sandbox mode only.
    alerts_local: bool = False
    # Origins within our own network, like https://hooks.internal:8443, that alerts may go to all the same.
    alerts_internal: frozenset[str] = frozenset()
    # Signing in at an identity provider; None: with a password only.
    sso: SingleSignOn | None = None
    testing: bool = field(default=False, compare=False)

    @property
    def sandbox(self) -> bool:
        """Without a key everything happens against the sandbox."""
        return not self.stripe_secret_key

    @property
    def livemode(self) -> bool:
        """Real money moves."""
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def mode(self) -> str:
        """`sandbox`, `test` or `live`, as the banner says it."""
        return "sandbox" if self.sandbox else "live" if self.livemode else "test"

    @property
    def api_key(self) -> str:
        """What the SDK signs in with; the sandbox takes any test key."""
        return self.stripe_secret_key or "sk_test_sandbox"

    @property
    def https(self) -> bool:
        return self.domain.startswith("https://")

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read and check the environment.

        Raises:
            ConfigurationError: one line naming the variable, never its value.
        """
        env = {name: value.strip() for name, value in (os.environ if environment is None else environment).items()}
        instance = Path(env.get("INSTANCE_DIR") or "instance").absolute()
        key = Secret(env.get("STRIPE_SECRET_KEY", ""))
        sandbox_port = _port(env, "SANDBOX_PORT", 12111)
        port = _port(env, "PORT", 4242)
        sandbox_base = f"http://127.0.0.1:{sandbox_port}"
        settings = cls(
            database_url=database_url(env.get("DATABASE_URL", "")),
            stripe_secret_key=key,
            stripe_publishable_key=env.get("STRIPE_PUBLISHABLE_KEY", ""),
            webhook_secrets=_webhook_secrets(env, instance, sandbox=not key),
            stripe_api_base=env.get("STRIPE_API_BASE") or (STRIPE_API_BASE if key else sandbox_base),
            secret_key=_secret_key(env, instance, sandbox=not key),
            domain=(env.get("DOMAIN") or f"http://localhost:{port}").rstrip("/"),
            port=port,
            sandbox_port=sandbox_port,
            instance_dir=instance,
            redis_url=env.get("REDIS_URL", ""),
            sentry_dsn=Secret(env.get("SENTRY_DSN", "")),
            log_level=(env.get("LOG_LEVEL") or "INFO").upper(),
            trusted_proxies=_number(env, "TRUSTED_PROXIES", 0),
            smtp_url=_smtp_url(env),
            mail_from=_mail_from(env),
            sso=single_sign_on(env),
            audit_anchors_dir=Path(env.get("AUDIT_ANCHORS_DIR") or instance / "audit").absolute(),
            audit_anchors_to=_anchors_to(env),
            alerts_internal=_alerts_internal(env),
            alerts_local=env.get("ALERTS_MAY_STAY_LOCAL", "") not in {"", "0"},
        )
        settings._check(debug=env.get("FLASK_DEBUG", "") not in {"", "0"} or env.get("DEBUG", "") not in {"", "0"})
        return settings

    def _check(self, *, debug: bool) -> None:
        """Refuse what cannot be meant; test and live are never mixed."""
        _check_key(self.stripe_secret_key)
        _check_url("STRIPE_API_BASE", self.stripe_api_base)
        _check_url("DOMAIN", self.domain)
        if self.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}:
            raise ConfigurationError("LOG_LEVEL must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
        if self.sandbox and urlsplit(self.stripe_api_base).hostname == "api.stripe.com":
            raise ConfigurationError("STRIPE_API_BASE names Stripe itself, but STRIPE_SECRET_KEY is not set.")
        if self.alerts_local and not self.sandbox:
            raise ConfigurationError("ALERTS_MAY_STAY_LOCAL is for sandbox mode only: unset it.")
        if self.livemode:
            self._check_live(debug=debug)

    def _check_live(self, *, debug: bool) -> None:
        if self.stripe_api_base != STRIPE_API_BASE:
            raise ConfigurationError("STRIPE_SECRET_KEY is a live key, but STRIPE_API_BASE is not Stripe's: unset one.")
        if self.stripe_publishable_key.startswith("pk_test_"):
            raise ConfigurationError("STRIPE_SECRET_KEY is a live key, but STRIPE_PUBLISHABLE_KEY is a test key.")
        if not self.webhook_secrets:
            raise ConfigurationError("STRIPE_WEBHOOK_SECRET must be set with a live key.")
        if any(secret.startswith("whsec_test_") for secret in self.webhook_secrets):
            raise ConfigurationError("STRIPE_WEBHOOK_SECRET holds a test secret, but STRIPE_SECRET_KEY is a live key.")
        if not self.https:
            raise ConfigurationError("DOMAIN must start with https:// with a live key.")
        if debug:
            raise ConfigurationError("DEBUG and FLASK_DEBUG must be off with a live key.")


def _check_key(key: str) -> None:
    if key and not key.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
        raise ConfigurationError(
            "STRIPE_SECRET_KEY is not a secret key: it starts with sk_test_, sk_live_, rk_test_ or rk_live_."
        )


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"{name} must be a URL like https://pay.example.com.")
    if name == "STRIPE_API_BASE" and parts.scheme == "http" and parts.hostname not in _LOCAL:
        raise ConfigurationError(
            "STRIPE_API_BASE must be https unless it is on this machine: the key travels with each call."
        )


def database_url(url: str) -> str:
    """The URL with our driver named, whichever spelling of the scheme came; only PostgreSQL.

    Without a name SQLAlchemy takes another driver, which binds parameters in another way.
    """
    if not url:
        return ""
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgres", "postgresql", "postgresql+psycopg2"}:
        raise ConfigurationError("DATABASE_URL must be a PostgreSQL URL: postgresql://user:password@host/name.")
    return f"postgresql+psycopg2://{rest}"


def _webhook_secrets(env: Mapping[str, str], instance: Path, *, sandbox: bool) -> tuple[Secret, ...]:
    given = env.get("STRIPE_WEBHOOK_SECRET", "")
    kept = instance / "webhook_secret"
    if not given and sandbox and kept.is_file():
        given = kept.read_text().strip()
    return tuple(Secret(part.strip()) for part in given.split(",") if part.strip())


def _secret_key(env: Mapping[str, str], instance: Path, *, sandbox: bool) -> Secret:
    """The key that signs cookies: given, or made once and kept beside the sandbox's data."""
    given = env.get("SECRET_KEY", "")
    if given:
        if not sandbox and (len(given) < 32 or given.lower() in _WEAK):  # noqa: PLR2004 - 32 characters, said in the message
            raise ConfigurationError("SECRET_KEY must have at least 32 characters: `openssl rand -hex 32` makes one.")
        return Secret(given)
    if not sandbox:
        raise ConfigurationError("SECRET_KEY must be set: `openssl rand -hex 32` makes one.")
    return Secret(_kept_secret(instance / "secret_key"))


def _kept_secret(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        # A link either appears whole or not at all: of two processes that start at once, both read what the first wrote.
        with suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text().strip()


def _smtp_url(env: Mapping[str, str]) -> Secret:
    """The mail server's address, which may hold a password: the refusals never show it."""
    url = env.get("SMTP_URL", "")
    if not url:
        return Secret()
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"smtp", "smtp+starttls", "smtps"} and parts.hostname and parts.port != 0
    except ValueError:
        known = False
    if not known or parts.path.strip("/") or parts.query or parts.fragment:
        raise ConfigurationError("SMTP_URL must be like smtp+starttls://user:password@mail.example.com:587.")
    if parts.password and parts.scheme == "smtp" and parts.hostname not in _LOCAL:
        raise ConfigurationError(
            "SMTP_URL holds a password and no encryption: use smtp+starttls:// or smtps:// unless the server is on this machine."
        )
    return Secret(url)


def _mail_from(env: Mapping[str, str]) -> str:
    given = env.get("MAIL_FROM", "")
    if not given and env.get("SMTP_URL"):
        raise ConfigurationError(
            "MAIL_FROM must be set with SMTP_URL: who mails come from, like Shop <desk@example.com>."
        )
    if not given:
        return "Counterfoil <counterfoil@localhost>"
    name, at, host = parseaddr(given)[1].rpartition("@")
    if not (name and at and host) or not given.isprintable() or not f"{name}{host}".isascii() or " " in name + host:
        raise ConfigurationError("MAIL_FROM must be one address, like Shop <desk@example.com>.")
    return given


def _alerts_internal(env: Mapping[str, str]) -> frozenset[str]:
    given = [part.strip().lower() for part in env.get("ALERTS_INTERNAL", "").split(",") if part.strip()]
    for origin in given:
        try:
            parts = urlsplit(origin)
            plain = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and "@" not in origin
        except ValueError:
            plain = False
        if not plain or parts.path or parts.query or parts.fragment:
            raise ConfigurationError(
                "ALERTS_INTERNAL must list addresses like https://hooks.internal:8443, with commas."
            )
    return frozenset(given)


def _anchors_to(env: Mapping[str, str]) -> str:
    address = env.get("AUDIT_ANCHORS_TO", "")
    if address and not re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", address, re.ASCII):
        raise ConfigurationError("AUDIT_ANCHORS_TO must be one address, like auditor@example.com.")
    return address


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    port = _number(env, name, default)
    if not 1 <= port <= 65_535:  # noqa: PLR2004 - the range of TCP ports
        raise ConfigurationError(f"{name} must be a port between 1 and 65535.")
    return port


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{name} must be a whole number.")
    return int(text)
