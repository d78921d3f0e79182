"""A run that brings the mirror up to Stripe: every page of every kind, then what happened meanwhile."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import text

from app import clock
from app.database import db, transaction
from app.errors import Conflict
from app.gateways.answer import Answer
from app.mirror import accounts
from app.mirror.fields import when
from app.mirror.kinds import KINDS, Listing
from app.mirror.pull import Reads
from app.models.account import Account
from app.models.sync_window import SyncRun
from app.sync import one_by_one, stretches
from app.sync.catch_up import TakeIn, catch_up
from app.sync.progress import Progress, Silent
from app.sync.reading import Reading, SyncIncomplete

log = logging.getLogger(__name__)

THREADS = 6
# Stripe keeps events for 30 days. A mirror that caught up with none for longer has to be read in full.
EVENTS_REACH = timedelta(days=29)
# Clocks and lists may be a little late: what was created around the start of a run is read again by the next.
OVERLAP = timedelta(minutes=10)
LISTED = tuple(name for name, kind in KINDS.items() if kind.listing is Listing.BY_CREATED)
_LOCK = 7266304

_OLDEST_PENDING = text(
    "SELECT min(created_at) FROM balance_transactions WHERE account_id = :account_id AND status = 'pending'"
)


class SyncRunning(Conflict):
    """Another process is already at it."""


class Source(Reads, Protocol):
    """What a run needs of the gateway."""

    def account(self) -> Answer: ...


@dataclass(frozen=True)
class Wish:
    """What to read. No kinds means all of them; `since` and `full` as on the command line."""

    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    full: bool = False


@dataclass
class Outcome:
    """What a run read: objects by kind, and events it caught up with."""

    resumed: bool
    objects: dict[str, int] = field(default_factory=dict)
    events: int = 0

    @property
    def total(self) -> int:
        return sum(self.objects.values())


def run(
    gateway: Source, *, livemode: bool, take_in: TakeIn, wish: Wish | None = None, progress: Progress | None = None
) -> Outcome:
    """Read from Stripe what the mirror lacks. `take_in` keeps and understands the events of the catch-up.

    The first run, and one with `full`, reads everything; any other what was created since the last, and all events since.
    A run that did not finish is taken up where it stopped.
    Raises:
        SyncIncomplete: some of it could not be read. Run it again to go on.
        SyncRunning: another run is at work.
    """
    wish = wish or Wish()
    with _alone():
        answer = gateway.account()
        account = _account(livemode, answer)
        record, resumed = _begin(account, wish, answer)
        reading = Reading(gateway, account.id, record.id, progress or Silent())
        _read(reading, record, wish.kinds or tuple(KINDS), oldest=when(answer.body.get("created")))
        outcome = Outcome(resumed, reading.objects)
        if not wish.kinds and not reading.failures:
            outcome.events = catch_up(gateway, account.id, take_in, since=record.started_at)
        _end(record.id, reading.failures, whole=not wish.kinds)
        return outcome


def _account(livemode: bool, answer: Answer) -> Account:
    account = accounts.current(livemode)
    with transaction():
        account = db.session.get_one(Account, account.id)
        accounts.learn(account, answer)
    return account


def _begin(account: Account, wish: Wish, answer: Answer) -> tuple[SyncRun, bool]:
    """The run to take up, or a new one with one stretch per kind. Instants are Stripe's, as of this answer."""
    kinds, now = wish.kinds or tuple(KINDS), answer.stripe_now
    since = wish.since or (None if wish.full else _since_last(account, now))
    with transaction():
        found = stretches.open_run(account.id, kinds, since)
        if found is not None and now - found.started_at < EVENTS_REACH:
            found.error = None
            return found, True
        record = SyncRun(account_id=account.id, started_at=now, began_at=answer.heard_at, since_at=since)
        db.session.add(record)
        db.session.flush()
        for kind in kinds:
            stretches.add(record.id, kind, [(_start_of(kind, since, account.id), None)])
        return record, False


def _since_last(account: Account, now: datetime) -> datetime | None:
    """Where the last whole run began; None when its events are too long ago to be had."""
    if account.synced_at is None or account.events_read_to is None or now - account.events_read_to > EVENTS_REACH:
        return None
    return account.synced_at - OVERLAP


def _start_of(kind: str, since: datetime | None, account_id: int) -> datetime | None:
    """Balance transactions become available without an event: those that were pending are read again."""
    if since is None or kind != "balance_transaction":
        return since
    pending: datetime | None = db.session.execute(_OLDEST_PENDING, {"account_id": account_id}).scalar()
    return min(since, pending or since)


def _read(reading: Reading, record: SyncRun, kinds: Sequence[str], *, oldest: datetime | None) -> None:
    listed = [kind for kind in LISTED if kind in kinds]
    reading.read_lists(listed, threads=THREADS, oldest=oldest)
    if "payment_method" in kinds:
        one_by_one.read_payment_methods(reading, threads=THREADS)
    if "mandate" in kinds:
        one_by_one.read_mandates(reading, threads=THREADS)
    if not reading.failures:
        _add_tail(record, listed)
        reading.read_lists(listed, threads=THREADS, oldest=None)
        if {"payout", "balance_transaction"} <= {*kinds}:
            one_by_one.read_payout_contents(reading)
    if record.since_at is None and not reading.failures:
        one_by_one.read_unlisted(reading, kinds, heard_before=record.began_at)
    reading.settle_doubts()


def _add_tail(record: SyncRun, listed: Sequence[str]) -> None:
    """A last look at what was created while the rest was read: lists begin with the newest, so it came before their first page."""
    start = record.started_at - OVERLAP
    with transaction():
        for kind in listed:
            stretches.add(record.id, kind, [(start, None)])


def _end(run_id: int, failures: Sequence[str], *, whole: bool) -> None:
    """A run is a success when everything was read, and never otherwise."""
    with transaction():
        record = db.session.get_one(SyncRun, run_id)
        if failures:
            record.error = "; ".join(failures)
        else:
            record.finished_at = clock.now()
            if whole:
                db.session.get_one(Account, record.account_id).synced_at = record.started_at
    if failures:
        shown = "; ".join(failures[:3]) + (f"; and {len(failures) - 3} more" if len(failures) > 3 else "")  # noqa: PLR2004
        raise SyncIncomplete(f"Not everything was read: {shown} Run it again to go on.")


@contextmanager
def _alone() -> Iterator[None]:
    """One run at a time, whatever the number of machines. The lock dies with its process."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}).scalar():
            raise SyncRunning("Another sync is at work. Wait until it is done.")
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
