"""Is everything in order? Each question is a function; each answer a line."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from smtplib import SMTPException

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app import clock
from app.audit import anchors, chain
from app.database import db
from app.errors import ConfigurationError, DomainError
from app.mail import relay
from app.mirror import accounts
from app.settings import Settings
from app.sync.check import check
from app.sync.operations import Source
from app.sync.progress import Progress

# Stripe's own check of signatures forgives 300 s; from 60 s on a clock is worth a look.
_SKEW = timedelta(seconds=60)
_FIRST_VERSION = 150_000
# Letters wait longer only when nobody sends them; a server that is away moves them on.
_MAIL_LATE = timedelta(minutes=15)
# A job notes the head each night.
_NOTED_LATELY = timedelta(days=2)
# Drifts that are shown one by one.
_SHOWN = 20


class Health(Enum):
    GOOD = "ok"
    ODD = "warning"
    BAD = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor."""

    health: Health
    what: str

    def __str__(self) -> str:
        return f"{self.health.value:>7}  {self.what}"


def examine(
    gateway: Source, settings: Settings, *, migrations: Path, full: bool, progress: Progress | None = None
) -> Iterator[Finding]:
    """Ask every question, in order of dependence; without a database or with an old one the rest has no sense."""
    yield Finding(Health.GOOD, f"Configuration: {settings.mode} mode, Stripe at {settings.stripe_api_base}.")
    try:
        yield _database()
        migrated = _migrations(migrations)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        yield Finding(Health.BAD, f"The database does not answer ({type(error).__name__}).")
        return
    yield migrated
    if migrated.health is Health.BAD:
        return
    reachable = yield from _stripe(gateway, settings)
    for question in (
        _events,
        _refunds_without_answer,
        _last_sync,
        _refunds_fit,
        lambda: _audit(settings),
        lambda: _mail(settings),
    ):
        yield from question()
        db.session.rollback()
    if reachable and (full or settings.sandbox):
        yield from _mirror(gateway, settings, progress)


def _database() -> Finding:
    version = int(db.session.execute(text("SHOW server_version_num")).scalar_one())
    name = db.session.execute(text("SHOW server_version")).scalar_one()
    db.session.rollback()
    if version < _FIRST_VERSION:
        return Finding(Health.BAD, f"PostgreSQL {name} is too old: 15 or newer is needed.")
    return Finding(Health.GOOD, f"Database: PostgreSQL {name}.")


def _migrations(folder: Path) -> Finding:
    config = Config()
    config.set_main_option("script_location", str(folder))
    head = ScriptDirectory.from_config(config).get_current_head()
    there = db.session.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL")).scalar_one()
    present = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar() if there else None
    db.session.rollback()
    if present != head:
        return Finding(
            Health.BAD,
            f"Migrations: the database is at {present or 'none'}, the program at {head}. Run `flask db upgrade`.",
        )
    return Finding(Health.GOOD, f"Migrations: at {head}.")


def _stripe(gateway: Source, settings: Settings) -> Generator[Finding, None, bool]:
    try:
        answer = gateway.account()
    except DomainError as error:
        yield Finding(Health.BAD, f"Stripe at {settings.stripe_api_base}: {error}")
        return False
    yield Finding(Health.GOOD, f"Stripe answers: account {answer.body.get('id')}.")
    skew = answer.heard_at + answer.elapsed - answer.stripe_now
    if abs(skew) <= _SKEW:
        yield Finding(Health.GOOD, f"Clock: {abs(skew).total_seconds():.0f} s from Stripe's.")
    else:
        side = "ahead of" if skew > timedelta() else "behind"
        # The sandbox's clock is moved on purpose, Stripe's never.
        health = Health.ODD if settings.sandbox else Health.BAD
        yield Finding(
            health, f"Clock: {abs(skew).total_seconds():.0f} s {side} Stripe's; over 300 s webhooks are refused."
        )
    return True


def _events() -> Iterator[Finding]:
    query = """
        SELECT count(*) FILTER (WHERE state = 'waiting' AND received_at < :old), count(*) FILTER (WHERE state = 'dead')
        FROM webhook_events"""
    waiting, dead = db.session.execute(text(query), {"old": clock.now() - timedelta(seconds=60)}).one()
    if waiting:
        yield Finding(
            Health.BAD, f"Events: {waiting} wait for more than a minute. Is a worker running (`flask jobs start`)?"
        )
    if dead:
        yield Finding(Health.BAD, f"Events: {dead} were given up. Look at them and replay (`flask webhooks replay`).")
    if not waiting and not dead:
        yield Finding(Health.GOOD, "Events: none waits, none was given up.")


def _refunds_without_answer() -> Iterator[Finding]:
    query = "SELECT count(*) FROM refunds WHERE status = 'requested' AND requested_at < :old"
    count = db.session.execute(text(query), {"old": clock.now() - timedelta(minutes=10)}).scalar_one()
    if count:
        yield Finding(Health.BAD, f"Refunds: {count} have had no certain answer from Stripe for ten minutes.")
    else:
        yield Finding(Health.GOOD, "Refunds: each has its answer.")


def _last_sync() -> Iterator[Finding]:
    query = "SELECT finished_at, error FROM sync_runs ORDER BY id DESC LIMIT 1"
    last = db.session.execute(text(query)).first()
    if last is None:
        yield Finding(Health.ODD, "Sync: never ran. Run `flask sync run`.")
    elif last.error:
        yield Finding(Health.BAD, f"Sync: the last run was not complete: {last.error}")
    elif last.finished_at is None:
        yield Finding(Health.ODD, "Sync: a run is at work, or was stopped; `flask sync run` goes on with it.")
    else:
        yield Finding(Health.GOOD, f"Sync: last complete at {last.finished_at:%Y-%m-%d %H:%M} UTC.")


def _refunds_fit() -> Iterator[Finding]:
    """Refunds that give back, or may, never sum up to more than was captured. What was only held and let go is none.
    A debit on its way counts as taken: Stripe refunds it before the bank has answered."""
    query = """
        SELECT r.charge_id, sum(r.amount), t.taken FROM refunds r JOIN charges c ON c.id = r.charge_id,
        LATERAL (SELECT CASE c.status WHEN 'pending' THEN c.amount ELSE c.amount_captured END AS taken) t
        WHERE r.status NOT IN ('refused', 'failed', 'canceled') AND r.deleted_at IS NULL
          AND NOT (r.requested_by IS NULL AND r.status = 'succeeded' AND r.balance_transaction_id IS NULL)
        GROUP BY r.charge_id, t.taken HAVING sum(r.amount) > t.taken ORDER BY 1"""
    found = db.session.execute(text(query)).all()
    for charge_id, given, taken in found[:_SHOWN]:
        yield Finding(Health.BAD, f"Charge {charge_id}: {given} refunded of {taken} captured (minor units).")
    if not found:
        yield Finding(Health.GOOD, "Refunds: none exceeds its charge.")


def _audit(settings: Settings) -> Iterator[Finding]:
    try:
        noted = anchors.noted(settings.audit_anchors_dir)
    except ConfigurationError as error:
        yield Finding(Health.BAD, f"Audit trail: {error}")
        noted = []
    broken = chain.verify(*(anchor.head for anchor in noted))
    if broken:
        yield Finding(Health.BAD, f"Audit trail: broken at entry {broken.id}: {broken.why}.")
    elif not noted:
        yield Finding(Health.GOOD, "Audit trail: whole. Its head was never noted outside; a job does so each night.")
    else:
        late = clock.now() - noted[-1].noted_at > _NOTED_LATELY
        words = f"Audit trail: whole, its head noted outside on {noted[-1].noted_at:%Y-%m-%d}"
        yield Finding(Health.ODD if late else Health.GOOD, f"{words}, which is long ago." if late else f"{words}.")


def _mail(settings: Settings) -> Iterator[Finding]:
    """Whether the mail server takes us, and whether anything is stuck before it."""
    late = text("SELECT count(*) FROM mails WHERE state IN ('queued', 'sending') AND not_before < :late")
    waiting = db.session.execute(late, {"late": clock.now() - _MAIL_LATE}).scalar_one()
    db.session.rollback()
    if not settings.smtp_url:
        health = Health.BAD if settings.livemode else Health.GOOD
        ends = "wait until it is" if settings.livemode else "are kept for reading under /admin/mails"
        yield Finding(health, f"Mail: SMTP_URL is not set; letters {ends}.")
        return
    try:
        with relay.connected(settings.smtp_url) as line:
            secured = relay.secured_by(line)
            line.noop()
    except (relay.RelayAway, OSError, SMTPException) as error:
        yield Finding(Health.BAD, f"Mail: {error}")
    else:
        words = f"Mail: the server answers, {secured or 'without encryption'}."
        odd = not secured and not relay.is_here(settings.smtp_url)
        yield Finding(
            Health.ODD if odd else Health.GOOD, f"{words} Use smtp+starttls:// or smtps://." if odd else words
        )
    if waiting:
        yield Finding(
            Health.BAD, f"Mail: {waiting} letters have been due for a quarter of an hour. Is a worker running?"
        )


def _mirror(gateway: Source, settings: Settings, progress: Progress | None) -> Iterator[Finding]:
    account = accounts.current(settings.livemode)
    db.session.rollback()
    try:
        report = check(gateway, account.id, progress=progress)
    except (DomainError, ConfigurationError) as error:
        yield Finding(Health.BAD, f"Mirror: could not be compared: {error}")
        return
    for drift in report.drifts[:_SHOWN]:
        yield Finding(Health.BAD, f"Mirror: {drift}")
    if len(report.drifts) > _SHOWN:
        yield Finding(
            Health.BAD, f"Mirror: and {len(report.drifts) - _SHOWN} more differences. `flask sync check --heal` heals."
        )
    if not report.drifts:
        yield Finding(Health.GOOD, f"Mirror: {sum(report.compared.values())} objects are as Stripe has them.")
