"""From the last word to the act: at once where the last person clicked, else by a job, once in either case."""

import logging
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from app import clock
from app.actor import Actor
from app.approvals import acts, policies
from app.approvals.acts import Act
from app.approvals.operations import locked, record
from app.database import db, transaction
from app.errors import DomainError, GatewayUnavailable
from app.models.approval import APPROVE, APPROVED, Approval
from app.models.staff import Staff

log = logging.getLogger("approvals")

# Longer than the longest act: whoever began that long ago is dead.
NOBODY_AFTER = timedelta(minutes=3)
MOST_TRIES = 20
AT_ONCE = 100


def carry_out(approval_id: UUID, *, actor: Actor) -> Approval:
    """Do what was agreed to, and keep what came of it. Does nothing when somebody else is doing it, or it is done.

    When there is no certain answer it stays approved, and the job tries again.
    """
    approval = _claim(approval_id)
    if approval is None:
        return db.session.get_one(Approval, approval_id, populate_existing=True)
    try:
        act = acts.of(approval.act)
        _check_asker(approval, act)
        _check_deciders(approval, act)
        if act.in_transaction:
            return _carry_out_within(act, approval_id, actor)
        outcome = act.execute(approval)
    except GatewayUnavailable as doubt:
        return _later(approval_id, str(doubt), actor)
    except DomainError as refusal:
        return _finish(approval_id, "failed", str(refusal), actor)
    except Exception:
        # Whatever it is, the request must not be lost, nor hold up the others.
        log.exception("approval.broken", extra={"approval": str(approval_id), "act": approval.act})
        return _later(approval_id, "An error stopped it; it is tried again.", actor)
    return _finish(approval_id, "done", outcome, actor)


def carry_out_waiting() -> int:
    """What was agreed to and is not done: a crash, or a Stripe that was away. Returns how many came to an end."""
    ended = 0
    for approval_id in _waiting():
        approval = carry_out(approval_id, actor=Actor.job("carry_out_approvals"))
        ended += not approval.is_open
    return ended


def _waiting() -> list[UUID]:
    found = select(Approval.id).where(Approval.state == APPROVED, _free()).order_by(Approval.tries, Approval.decided_at)
    waiting = list(db.session.scalars(found.limit(AT_ONCE)))
    db.session.rollback()
    return waiting


def _claim(approval_id: UUID) -> Approval | None:
    """The request, now ours to carry out, with its votes; None when it is another's or not to be carried out."""
    with transaction():
        mine = select(Approval).where(Approval.id == approval_id, Approval.state == APPROVED, _free())
        # It waits: what holds the row may only be a late vote that is about to be refused.
        approval = db.session.scalar(mine.with_for_update().execution_options(populate_existing=True))
        if approval:
            approval.started_at = clock.now()
            approval.tries += 1
            db.session.flush()
            _ = approval.approved_by  # read now: no transaction is open while the act runs
    return approval


def _free() -> ColumnElement[bool]:
    return or_(Approval.started_at.is_(None), Approval.started_at < clock.now() - NOBODY_AFTER)


def _check_asker(approval: Approval, act: Act) -> None:
    """Who asked may have lost the right to since."""
    person = db.session.get_one(Staff, approval.asked_by_id, populate_existing=True)
    allowed = policies.may_ask(person, act, policies.policy_of(act.name))
    db.session.rollback()
    if not allowed:
        raise DomainError(f"{approval.asked_by} may not ask for this any more. Nothing was done.")


def _check_deciders(approval: Approval, act: Act) -> None:
    """So may those who agreed: their word counts only while they could still give it."""
    agreed = [vote.staff_id for vote in approval.votes if vote.verdict == APPROVE]
    needed, policy = approval.needed, policies.policy_of(act.name)
    people = db.session.scalars(select(Staff).where(Staff.id.in_(agreed)).execution_options(populate_existing=True))
    lost = sorted(person.email for person in people if not policies.may_approve(person, act, policy))
    db.session.rollback()
    if len(agreed) - len(lost) < needed:
        raise DomainError(f"{' and '.join(lost)} may not agree to this any more. Nothing was done; ask for it again.")


def _carry_out_within(act: Act, approval_id: UUID, actor: Actor) -> Approval:
    with transaction():
        approval = locked(approval_id)
        if approval.state == APPROVED:
            _end(approval, "done", act.execute(approval), actor)
    return approval


def _finish(approval_id: UUID, state: str, outcome: str, actor: Actor) -> Approval:
    db.session.rollback()
    with transaction():
        approval = locked(approval_id)
        if approval.state == APPROVED:
            _end(approval, state, outcome, actor)
    return approval


def _end(approval: Approval, state: str, outcome: str, actor: Actor) -> None:
    approval.state, approval.outcome, approval.started_at = state, outcome, None
    db.session.flush()
    record(actor, f"approval.{state}", approval)


def _later(approval_id: UUID, why: str, actor: Actor) -> Approval:
    """Somebody may take it up again; after too many tries it ends, for a person to look at."""
    db.session.rollback()
    with transaction():
        approval = locked(approval_id)
        if approval.state == APPROVED and approval.tries >= MOST_TRIES:
            _end(approval, "failed", f"It did not work after {approval.tries} tries. {why}", actor)
        elif approval.state == APPROVED:
            approval.started_at, approval.outcome = None, why
    log.warning("approval.postponed", extra={"approval": str(approval_id), "why": why})
    return approval
