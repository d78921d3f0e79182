"""A run while it lasts: what came, what did not, and what has to be looked at again."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from app.database import db, transaction
from app.errors import DomainError, GatewayUnavailable
from app.mirror import kinds, pull
from app.mirror.pull import Reads
from app.sync import stretches
from app.sync.fetch import Failure, Fetcher, Page
from app.sync.progress import Progress
from app.sync.stretches import Stretch

log = logging.getLogger(__name__)

# What a crash of the database server could lose is read again: nobody waits for the disk.
_UNHURRIED = text("SET LOCAL synchronous_commit TO off")


class SyncIncomplete(GatewayUnavailable):
    """Not everything could be read. What was read is kept; the next run goes on from there."""


@dataclass
class Reading:
    """`objects` counts what was saved, by kind. `failures` are stretches that were not read to their end."""

    gateway: Reads
    account_id: int
    run_id: int
    progress: Progress
    objects: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    doubtful: set[tuple[str, str]] = field(default_factory=set)

    def read_lists(self, listed: Iterable[str], *, threads: int, oldest: datetime | None) -> None:
        """Read every unfinished stretch of these kinds. One that fails does not keep the others from being read."""
        fetcher = Fetcher(self.gateway, self.account_id, threads=threads, oldest=oldest)
        fetcher.add(stretches.unfinished(self.run_id, listed))
        db.session.rollback()  # nothing stays open while threads wait for Stripe
        for page in fetcher.pages():
            if isinstance(page, Failure):
                self.fail(page.stretch.kind, page.error)
                continue
            fetcher.add(self.keep(page))

    def keep(self, page: Page) -> list[Stretch]:
        """One page, how far its stretch has come, and the stretches it left to others: all of it or nothing."""
        kind, count = page.stretch.kind, len(page.objects)
        with transaction():
            db.session.execute(_UNHURRIED)
            saved = kinds.save_all(kind, page.objects, page.news) if count else None
            stretches.turn_page(page.stretch, after_id=page.after, objects=count, finished=page.last)
            added = stretches.add(self.run_id, kind, page.spans)
        if saved:
            self.doubtful |= {(kind, object_id) for object_id in saved.doubtful}
        self.objects[kind] = self.objects.get(kind, 0) + count
        self.progress(kind, count)
        return added

    def fail(self, kind: str, error: Exception) -> None:
        """Remember what Stripe did not give us.

        Raises:
            Exception: `error` is not about Stripe, so it is a mistake of ours.
        """
        if not isinstance(error, DomainError):
            raise error
        log.warning("sync.stretch_failed", extra={"kind": kind, "reason": str(error)})
        self.failures.append(f"{kind}: {error}")

    def settle_doubts(self) -> None:
        """Read again, one by one, what webhooks changed in the very second we read it, and what no list named."""
        for kind, object_id in sorted(self.doubtful):
            try:
                pull.read_again(kind, object_id, self.gateway, self.account_id)
            except DomainError as error:
                self.fail(kind, error)
        self.doubtful.clear()
