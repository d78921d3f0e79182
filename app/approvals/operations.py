"""Four eyes: one person asks for an act, others agree, and only then it happens."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.approvals import acts, letters, policies
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, DomainError, NotAllowed, ReasonMissing, Unknown
from app.logs import redact
from app.models.approval import APPROVE, DECLINE, OPEN, WAITING, Approval, ApprovalVote
from app.models.staff import Staff

log = logging.getLogger("approvals")

LONGEST = 1_000


def ask(  # noqa: PLR0913 - a request has that many sides, all but one by name
    act_name: str,
    *,
    object_type: str,
    object_id: str,
    payload: Mapping[str, Any],
    summary: str,
    reason: str,
    actor: Actor,
    account_id: int | None = None,
    facts: Mapping[str, str] | None = None,
    approval_id: UUID | None = None,
) -> Approval:
    """Write down what somebody wants to be done, for others to agree to. Nothing happens until they did.

    object_type, object_id: what it is about; while a request is open, the same act is not asked for again about it.
    payload: what the act's `execute` needs, as JSON; no personal data. summary: one line for those who decide.
    facts: what is true now, in words by name. approval_id: made with a form, so that the form sent twice is one request.

    Raises:
        NotAllowed: this person may not ask for it. Conflict: it is being asked for already. ReasonMissing: no reason.
    """
    act = acts.of(act_name)
    words = in_words(reason)
    try:
        with transaction():
            policy = policies.policy_of(act_name)
            person = _person(actor)
            if not policies.may_ask(person, act, policy):
                raise NotAllowed("Your role may not ask for this. An admin can change who may.")
            if known := db.session.get(Approval, approval_id) if approval_id else None:
                return _same(known, act_name, object_id, person)
            if waiting := _open(act_name, object_type, object_id):
                raise Conflict(f"{waiting.asked_by} has already asked for this, and it is not decided yet.")
            now = clock.now()
            approval = Approval(
                id=approval_id or uuid4(),
                account_id=account_id,
                act=act_name,
                object_type=object_type,
                object_id=object_id,
                payload=dict(payload),
                facts=dict(facts or {}),
                summary=summary,
                asked_by_id=person.id,
                asked_by=person.email,
                asked_at=now,
                reason=words,
                needed=policy.needed,
                state=WAITING,
                expires_at=now + timedelta(days=policy.expires_after_days),
            )
            db.session.add(approval)
            db.session.flush()
            record(actor, "approval.asked", approval, reason=words)
    except IntegrityError as error:
        raise _rule_of(error) from error
    log.info("approval.asked", extra={"approval": str(approval.id), "act": act_name})
    return approval


def decide(approval_id: UUID, verdict: str, words: str, *, actor: Actor) -> Approval:
    """One person's word: approve or decline. The word that makes the number full, and no later one, leads to the act.

    The request that comes back says by its `state` what the word came to; when it is approved, `carry_out` does the act.

    Raises:
        NotAllowed: this person may not decide about it. Conflict: it is decided, expired, or this person had their word.
        ReasonMissing: declined without saying why.
    """
    said = in_words(words) if verdict == DECLINE else _cleaned(words)
    try:
        with transaction():
            approval = locked(approval_id)
            person = _person(actor)
            policies.check_approver(person, acts.of(approval.act))
            _check_decidable(approval, person)
            vote = ApprovalVote(
                approval_id=approval.id,
                staff_id=person.id,
                person=person.email,
                verdict=verdict,
                at=clock.now(),
                words=said,
            )
            db.session.add(vote)
            db.session.flush()
            db.session.refresh(approval)
            done = "approval.approved" if verdict == APPROVE else "approval.declined"
            record(actor, done, approval, reason=said or None)
    except IntegrityError as error:
        raise _rule_of(error) from error
    log.info("approval.decided", extra={"approval": str(approval_id), "verdict": verdict, "state": approval.state})
    return approval


def withdraw(approval_id: UUID, *, actor: Actor) -> Approval:
    """Who asked takes it back.

    Raises:
        NotAllowed: somebody else asked. Conflict: it is decided already.
    """
    with transaction():
        approval = locked(approval_id)
        if approval.asked_by_id != _person(actor).id:
            raise NotAllowed(f"Only {approval.asked_by} can withdraw this.")
        if approval.state != WAITING:
            raise Conflict("This is decided already.")
        approval.state, approval.decided_at = "withdrawn", clock.now()
        db.session.flush()
        record(actor, "approval.withdrawn", approval)
    return approval


def expire() -> int:
    """End every request whose time is over without a decision. Returns how many."""
    late = select(Approval.id).where(Approval.state == WAITING, Approval.expires_at <= clock.now())
    ended = 0
    for approval_id in list(db.session.scalars(late.order_by(Approval.expires_at).limit(500))):
        with transaction():
            approval = locked(approval_id)
            if approval.state == WAITING:
                approval.state, approval.decided_at = "expired", clock.now()
                db.session.flush()
                record(Actor.job("expire_approvals"), "approval.expired", approval)
                ended += 1
    return ended


def locked(approval_id: UUID) -> Approval:
    """The request as it is now; votes and workers wait until the transaction is over."""
    approval = db.session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if approval is None:
        raise Unknown("There is no such request.")
    return approval


def record(actor: Actor, action: str, approval: Approval, *, reason: str | None = None) -> None:
    """Add what happened to a request to the trail, always with who asked and for what, and write to whom it concerns."""
    letters.tell(action, approval, words=reason)
    trail.record(
        actor,
        action,
        "approval",
        str(approval.id),
        account_id=approval.account_id,
        reason=reason,
        after={
            "what": approval.summary,
            "act": approval.act,
            "about": approval.object_id,
            "asked_by": approval.asked_by,
            "state": approval.state,
            "needed": approval.needed,
            "outcome": approval.outcome,
        },
    )


def in_words(text: str) -> str:
    """
    Raises:
        ReasonMissing: nothing was written. BadRequest: it is longer than can be kept.
    """
    if not (written := _cleaned(text)):
        raise ReasonMissing("Write a sentence on why.")
    return written


def _cleaned(text: str) -> str:
    storable = text.replace("\0", " ").encode("utf-8", "replace").decode()
    written = redact(storable.strip())
    if len(written) > LONGEST:
        raise BadRequest(f"This has {len(written)} characters; at most {LONGEST} can be kept.")
    return written


def _person(actor: Actor) -> Staff:
    """The row of who acts; requests and votes are for people only."""
    found = select(Staff).where(Staff.email == actor.name, Staff.deactivated_at.is_(None))
    person = db.session.scalar(found.execution_options(populate_existing=True)) if actor.kind == "staff" else None
    if person is None:
        raise NotAllowed("Only a person who works here can do this.")
    return person


def _open(act_name: str, object_type: str, object_id: str) -> Approval | None:
    about = select(Approval).where(
        Approval.act == act_name, Approval.object_type == object_type, Approval.object_id == object_id
    )
    return db.session.scalar(about.where(Approval.state.in_(OPEN)))


def _same(known: Approval, act_name: str, object_id: str, person: Staff) -> Approval:
    if (known.act, known.object_id, known.asked_by_id) != (act_name, object_id, person.id):
        raise Conflict("This form was already sent for something else. Open it again and start anew.")
    return known


def _check_decidable(approval: Approval, person: Staff) -> None:
    """In words; the database says the same to whoever does not ask."""
    if approval.asked_by_id == person.id:
        raise NotAllowed("You asked for this yourself: another person has to decide.")
    if not approval.is_waiting:
        raise Conflict(f"This is {approval.shown_state} already.")
    if any(vote.staff_id == person.id for vote in approval.votes):
        raise Conflict("You have already had your word on this.")


def _rule_of(error: IntegrityError) -> DomainError | IntegrityError:
    """The rule that the database kept, in words; any other error as it is."""
    match getattr(getattr(error.orig, "diag", None), "constraint_name", None):
        case "uq_approvals_open" | "pk_approvals":
            return Conflict("This has been asked for already, and is not decided yet.")
        case "approval_vote_of_another":
            return NotAllowed("You asked for this yourself: another person has to decide.")
        case "approval_vote_in_time":
            return Conflict("This is decided or expired already.")
        case "uq_approval_votes_person":
            return Conflict("You have already had your word on this.")
    return error
