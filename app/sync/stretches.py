"""Which part of Stripe has been read, kept so that a run that was killed goes on one page back at most."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Self

from sqlalchemy import select, text

from app import clock
from app.database import db
from app.mirror.kinds import KINDS, Kind
from app.models.sync_window import SyncRun, SyncWindow

_TURN_PAGE = text(
    "UPDATE sync_windows SET after_id = coalesce(:after_id, after_id), objects = objects + :objects, from_at = :from_at, "
    "finished_at = :finished_at WHERE id = :id"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Objects of one kind created in [`from_at`, `until_at`), to be read on after the object `after_id`; Stripe's clock."""

    id: int
    kind: str
    from_at: datetime | None
    until_at: datetime | None
    after_id: str | None

    @classmethod
    def of(cls, window: SyncWindow) -> Self:
        return cls(window.id, window.kind, window.from_at, window.until_at, window.after_id)

    @property
    def known(self) -> Kind:
        return KINDS[self.kind]

    @property
    def parameters(self) -> dict[str, Any]:
        """What to ask the list for."""
        created = {}
        if self.from_at:
            created["gte"] = clock.to_unix(self.from_at)
        if self.until_at:
            created["lt"] = clock.to_unix(self.until_at)
        return {**(self.known.parameters or {}), **({"created": created} if created else {})}

    def split(self, cut: datetime, oldest: datetime, parts: int) -> "tuple[Self, list[Span]]":
        """This stretch from `cut` on, and what lies before it in parts that can be read side by side.

        `oldest` only says where to cut: the first part reaches as far back as this stretch did.
        """
        began = self.from_at or oldest
        if (cut - began).total_seconds() < parts:
            return self, []
        step = (cut - began) / parts
        edges = [self.from_at, *((began + step * n).replace(microsecond=0) for n in range(1, parts)), cut]
        return replace(self, from_at=cut), list(pairwise(edges))


Span = tuple[datetime | None, datetime | None]


def add(run_id: int, kind: str, spans: Iterable[Span]) -> list[Stretch]:
    """New stretches of a run, in the transaction that is open."""
    windows = [SyncWindow(run_id=run_id, kind=kind, from_at=start, until_at=end, objects=0) for start, end in spans]
    db.session.add_all(windows)
    db.session.flush()
    return [Stretch.of(window) for window in windows]


def unfinished(run_id: int, kinds: Iterable[str]) -> list[Stretch]:
    """What this run still has to read of these kinds."""
    query = select(SyncWindow).where(
        SyncWindow.run_id == run_id, SyncWindow.kind.in_(list(kinds)), SyncWindow.finished_at.is_(None)
    )
    return [Stretch.of(window) for window in db.session.scalars(query.order_by(SyncWindow.id))]


def turn_page(stretch: Stretch, *, after_id: str | None, objects: int, finished: bool) -> None:
    """Remember how far this stretch has come, in the transaction that saves the page."""
    db.session.execute(
        _TURN_PAGE,
        {
            "id": stretch.id,
            "after_id": after_id,
            "objects": objects,
            "from_at": stretch.from_at,
            "finished_at": clock.now() if finished else None,
        },
    )


def open_run(account_id: int, kinds: Iterable[str], since: datetime | None) -> SyncRun | None:
    """The latest run, if it did not finish and was meant to read the same."""
    run = db.session.scalars(
        select(SyncRun).where(SyncRun.account_id == account_id).order_by(SyncRun.id.desc())
    ).first()
    if run is None or run.finished_at is not None or run.since_at != since:
        return None
    known = set(db.session.scalars(select(SyncWindow.kind).where(SyncWindow.run_id == run.id).distinct()))
    return run if known == set(kinds) else None
