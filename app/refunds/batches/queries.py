"""How far batches are, and their lines with what became of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from app.database import db
from app.models.approval import OPEN, Approval
from app.models.refund import Refund
from app.models.refund_batch import BAD, BEGUN, MADE, READY, WAITING, RefundBatch, RefundBatchRow

PAGE = 100
_EXPORT_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line with the refund it became, if it did."""

    row: RefundBatchRow
    refund: Refund | None

    @property
    def state(self) -> str:
        """The refund's own state where there is one."""
        return self.refund.state if self.refund and self.row.state == MADE else self.row.state

    @property
    def words(self) -> str | None:
        """Why not, in words."""
        return self.row.why_not or (self.refund.refusal if self.refund else None)


def counts(batch_id: UUID) -> dict[str, int]:
    """How many lines are in which state."""
    rows = RefundBatchRow
    counted = select(rows.state, func.count()).where(rows.batch_id == batch_id).group_by(rows.state)
    return dict(db.session.execute(counted).all())


def progress(counted: dict[str, int]) -> tuple[int, int]:
    """How many lines are through, of how many that could be given back."""
    all_of_them = sum(counted.values()) - counted.get(BAD, 0)
    return all_of_them - counted.get(READY, 0) - counted.get(BEGUN, 0), all_of_them


def lines(batch_id: UUID, *, state: str = "", after: int = 0, size: int = PAGE) -> list[Line]:
    """In the order of the list, those after line `after`."""
    row = RefundBatchRow
    found = select(row, Refund).outerjoin(Refund, Refund.id == row.id)
    found = found.where(row.batch_id == batch_id, row.number > after).options(defer(Refund.raw))
    if state:
        found = found.where(row.state == state)
    return [Line(one, refund) for one, refund in db.session.execute(found.order_by(row.number).limit(size))]


def batches_of_lines(batch_id: UUID) -> Iterator[Sequence[Line]]:
    """Every line, some at a time."""
    after = 0
    while few := lines(batch_id, after=after, size=_EXPORT_BATCH):
        after = few[-1].row.number
        yield few


def shown_state(batch: RefundBatch) -> str:
    """As pages show it: one that others declined, or that nobody decided about in time, does not wait any more."""
    if batch.state != WAITING:
        return batch.state
    approval = db.session.get(Approval, batch.approval_id)
    return approval.shown_state if approval and approval.shown_state not in OPEN else batch.state
