"""A batch from its list to its start: checked, looked at, and then begun, or asked for where it is above somebody's limits."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update

from app import clock
from app.actor import Actor
from app.approvals import operations as approvals
from app.approvals import policies
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict, NotAllowed, Unknown
from app.models.refund_batch import BAD, BEGUN, DRAFT, READY, RUNNING, WAITING, WITHDRAWN, RefundBatch, RefundBatchRow
from app.money import MinorUnits, Money
from app.refunds import allowances, reasons
from app.refunds.allowances import AboveLimit
from app.refunds.batches import checking
from app.refunds.batches.reading import Line

# The act that others agree to.
NAME = "refund_batch"
_LONGEST_NAME = 100


class Total(NamedTuple):
    """What the lines of one currency come to, without those that cannot be."""

    money: Money
    rows: int


def make(  # noqa: PLR0913 - the list, what holds for all of it, and who
    lines: Sequence[Line],
    *,
    batch_id: UUID,
    account_id: int,
    name: str,
    reason: str,
    words: str,
    actor: Actor,
    credit_notes: bool = False,
) -> RefundBatch:
    """Keep a list with what is wrong with each line. Nothing is given back until somebody starts it.

    batch_id: made with the form, so that the form sent twice is one batch.
    credit_notes: whether each invoice that was paid gets one, as for a single refund.

    Raises:
        ReasonMissing: no words. Conflict: this form was sent by somebody else.
    """
    why = reasons.in_words(words)
    with transaction():
        if known := db.session.get(RefundBatch, batch_id):
            if known.made_by != actor.name:
                raise Conflict("This form was already sent. Start anew.")
            return known
        db.session.expire_all()
        batch = RefundBatch(
            id=batch_id,
            account_id=account_id,
            name=_name(name),
            words=why,
            state=DRAFT,
            made_by=actor.name,
            made_at=clock.now(),
            credit_notes=credit_notes,
        )
        db.session.add(batch)
        db.session.flush()
        rows = list(checking.check(lines, batch_id=batch_id, account_id=account_id, reason=reason, words=why))
        db.session.add_all(rows)
        db.session.flush()
        record(actor, "refund_batch.made", batch, reason=why, rows=len(rows), bad=sum(row.state == BAD for row in rows))
    return batch


def start(batch_id: UUID, *, actor: Actor) -> RefundBatch:
    """Let it run; where it is above the limits of who made it, ask others to agree instead. Stripe is asked by a job.

    Raises:
        NotAllowed: somebody else made it. Conflict: it was started before, or has no line that could be given back.
        AboveLimit: it is above the limits, and the rules of the house let nobody agree to it.
    """
    with transaction():
        batch = _startable(batch_id, actor)
        limit = above_limit(batch)
        if limit is None:
            batch.state = RUNNING
            db.session.flush()
            record(actor, "refund_batch.started", batch, total=words_of(totals(batch_id)))
            return batch
    if not policies.is_needed(NAME):
        raise limit
    _ask_others(batch, limit, actor)
    with transaction():
        batch = locked(batch_id)
        if batch.state == DRAFT:
            batch.state, batch.approval_id = WAITING, batch_id
    return batch


def withdraw(batch_id: UUID, *, actor: Actor) -> RefundBatch:
    """Nothing of it begins any more. What has begun goes on to its end: it may be at Stripe already.

    Raises:
        Conflict: it has ended.
    """
    with transaction():
        batch = locked(batch_id)
        if batch.state not in {DRAFT, WAITING, RUNNING}:
            raise Conflict("This batch has ended already.")
        ready = update(RefundBatchRow).where(RefundBatchRow.batch_id == batch_id, RefundBatchRow.state == READY)
        # The worker holds at most the line that is about to begin, and only for a moment.
        taken_back = db.session.execute(ready.values(state=WITHDRAWN).returning(RefundBatchRow.id)).all()
        # A line that has begun is seen through by the job, which then ends the batch.
        if batch.state != RUNNING or not _any_begun(batch_id):
            batch.state, batch.ended_at = WITHDRAWN, clock.now()
        db.session.flush()
        record(actor, "refund_batch.withdrawn", batch, rows=len(taken_back))
    return batch


def above_limit(batch: RefundBatch) -> AboveLimit | None:
    """Why it needs another person: what it comes to in one currency is held against the limits, so no line can exceed them."""
    for total in totals(batch.id):
        allowed = allowances.allowance(batch.made_by, total.money.currency)
        try:
            if allowed:
                allowed.check(total.money)
        except AboveLimit as limit:
            return AboveLimit(f"Together {total.money}. {limit}")
    return None


def totals(batch_id: UUID) -> list[Total]:
    """By currency, of every line that can be or was given back."""
    rows = RefundBatchRow
    summed = select(rows.currency, func.sum(rows.amount), func.count()).where(
        rows.batch_id == batch_id, rows.state.not_in((BAD, WITHDRAWN))
    )
    found = db.session.execute(summed.group_by(rows.currency).order_by(rows.currency))
    return [Total(Money(MinorUnits(int(amount or 0)), currency or ""), number) for currency, amount, number in found]


def words_of(every: Sequence[Total]) -> str:
    """Like `1,200.00 EUR, 300.00 GBP and 5,000 JPY`."""
    *first, last = [f"{total.money.grouped} {total.money.currency.upper()}" for total in every] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def locked(batch_id: UUID) -> RefundBatch:
    """As it is now, held until the transaction is over."""
    batch = db.session.get(RefundBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None:
        raise Unknown("There is no such batch.")
    return batch


def record(actor: Actor, action: str, batch: RefundBatch, *, reason: str | None = None, **after: object) -> None:
    """One line of the trail about a batch."""
    trail.record(
        actor,
        action,
        "refund_batch",
        str(batch.id),
        account_id=batch.account_id,
        reason=reason,
        after={"name": batch.name, "state": batch.state, **after},
    )


def _startable(batch_id: UUID, actor: Actor) -> RefundBatch:
    batch = locked(batch_id)
    if batch.made_by != actor.name:
        raise NotAllowed(f"Only {batch.made_by} can start this. Make a batch of your own.")
    if batch.state != DRAFT:
        raise Conflict("This batch was started or withdrawn already.")
    if not totals(batch_id):
        raise Conflict("No payment of this batch can be given back. Mend the list, and upload it again.")
    return batch


def _ask_others(batch: RefundBatch, limit: AboveLimit, actor: Actor) -> None:
    every, facts_now = totals(batch.id), facts(batch.id)
    # The look ends here: what is asked for has a transaction of its own.
    db.session.rollback()
    number = sum(total.rows for total in every)
    approvals.ask(
        NAME,
        object_type=NAME,
        object_id=str(batch.id),
        payload={"rows": number, "totals": {total.money.currency: total.money.minor for total in every}},
        summary=f"Refund {number} payments, {words_of(every)}",
        reason=batch.words,
        actor=actor,
        account_id=batch.account_id,
        facts=facts_now | {"Why it needs another person": str(limit)},
        approval_id=batch.id,
    )


def facts(batch_id: UUID) -> dict[str, str]:
    """What those who decide look at."""
    every = totals(batch_id)
    return {"Payments": str(sum(total.rows for total in every)), "Together": words_of(every) or "Nothing"}


def _any_begun(batch_id: UUID) -> bool:
    begun = select(RefundBatchRow.id).where(RefundBatchRow.batch_id == batch_id, RefundBatchRow.state == BEGUN)
    return db.session.scalar(begun.limit(1)) is not None


def _name(text: str) -> str:
    """A file's name, as far as it can be kept."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return clean.encode("utf-8", "replace").decode().strip()[:_LONGEST_NAME] or "Batch"
