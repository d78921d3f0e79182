"""Working through batches, line by line, each through the same three steps as a refund by hand.

A line's turn is written down before it is promised, and its id is the promise: a worker that dies anywhere is followed by another,
which finds either no refund and makes it, or the refund, whose answer the recovery looks after.
"""

import logging
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.errors import DomainError, RefundInProgress
from app.models.refund import REQUESTED
from app.models.refund_batch import BEGUN, DONE, MADE, READY, REFUSED, RUNNING, WITHDRAWN, RefundBatch, RefundBatchRow
from app.models.staff import Staff
from app.money import MinorUnits, Money
from app.refunds.batches.operations import locked, record, withdraw
from app.refunds.operations import Refunds, promise_refund, settle
from app.web.permissions import Permission
from app.web.roles import permissions_of

log = logging.getLogger("refunds")

_JOB = Actor.job("run_refund_batches")
# When Stripe is away it is away for all of them.
GIVE_UP_AFTER = 3
# Each one is another pass of the job: several minutes in all, longer than any other refund of the same payment takes.
MOST_TRIES = 60


def run(gateway: Refunds, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Go through every batch that runs. Returns how many lines came to an end."""
    ended = 0
    for batch_id in _running():
        ended += _run(batch_id, gateway, stop)
    return ended


def _run(batch_id: UUID, gateway: Refunds, stop: Callable[[], bool]) -> int:
    ended = unanswered = after = 0
    _check_maker(batch_id)
    while not stop() and unanswered < GIVE_UP_AFTER:
        row = _claim(batch_id, after)
        if row is None:
            _finish(batch_id)
            break
        after = row.number
        state, asked = _give_back(row, gateway)
        ended += state != BEGUN
        unanswered += asked == REQUESTED
    return ended


def _give_back(row: RefundBatchRow, gateway: Refunds) -> tuple[str, str]:
    """What became of the line, and of its refund."""
    batch = db.session.get_one(RefundBatch, row.batch_id)
    actor, approval_id, credit_note = Actor("staff", batch.made_by), batch.approval_id, batch.credit_notes
    # A line without an amount is bad and never begins.
    money = Money(row.amount or MinorUnits(0), row.currency or "")
    db.session.rollback()
    try:
        refund, new = promise_refund(
            row.charge_id or "",
            money,
            promise_id=row.id,
            reason=row.reason or "",
            reason_text=row.words or "",
            actor=actor,
            approval_id=approval_id,
            credit_note=credit_note,
        )
    except RefundInProgress as busy:
        return (BEGUN, "") if row.tries < MOST_TRIES else _end(row.id, REFUSED, str(busy))
    except DomainError as refusal:
        return _end(row.id, REFUSED, str(refusal))
    if new:
        refund = settle(refund, gateway=gateway)
    status = refund.status
    _end(row.id, MADE)
    return MADE, status if new else ""


def _running() -> list[UUID]:
    running = select(RefundBatch.id).where(RefundBatch.state == RUNNING).order_by(RefundBatch.made_at)
    found = list(db.session.scalars(running))
    db.session.rollback()
    return found


def _claim(batch_id: UUID, after: int) -> RefundBatchRow | None:
    """The next line, which nobody can withdraw from now on; None when this pass is through."""
    rows = RefundBatchRow
    with transaction():
        todo = select(rows).where(rows.batch_id == batch_id, rows.state.in_((READY, BEGUN)), rows.number > after)
        todo = todo.order_by(rows.number).limit(1).with_for_update(skip_locked=True)
        row = db.session.scalar(todo.execution_options(populate_existing=True))
        if row:
            row.state, row.tries = BEGUN, row.tries + 1
    return row


def _end(row_id: UUID, state: str, why_not: str | None = None) -> tuple[str, str]:
    with transaction():
        row = db.session.get_one(RefundBatchRow, row_id, with_for_update=True, populate_existing=True)
        if row.state == BEGUN:
            row.state, row.why_not = state, why_not
    return state, ""


def _finish(batch_id: UUID) -> None:
    """It is done once every line has come to an end."""
    rows = RefundBatchRow
    with transaction():
        batch = locked(batch_id)
        counted = select(rows.state, func.count()).where(rows.batch_id == batch_id).group_by(rows.state)
        counts = dict(db.session.execute(counted).all())
        if batch.state != RUNNING or counts.keys() & {READY, BEGUN}:
            return
        batch.state, batch.ended_at = (WITHDRAWN if WITHDRAWN in counts else DONE), clock.now()
        db.session.flush()
        record(_JOB, "refund_batch.finished", batch, made=counts.get(MADE, 0), refused=counts.get(REFUSED, 0))
    log.info("refund_batch.finished", extra={"batch": str(batch_id), "rows": sum(counts.values())})


def _check_maker(batch_id: UUID) -> None:
    """Who made it may have lost the right to give money back since: then nothing more of it begins."""
    batch = db.session.get_one(RefundBatch, batch_id, populate_existing=True)
    person = db.session.scalar(select(Staff).where(Staff.email == batch.made_by))
    allowed = person is not None and person.is_active and Permission.REFUND_CREATE in permissions_of(person.role)
    db.session.rollback()
    if not allowed:
        withdraw(batch_id, actor=_JOB)
