"""The last chance: a day before the deadline a draft that is good enough goes to the bank by itself, if the account wishes it.

Nothing is sent where a person said something else: accepted, asked to accept, or left the dispute alone.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.disputes import drafts, files, operations
from app.disputes.acts import ACCEPT
from app.disputes.agreed import NAME as ACCEPT_AGREED
from app.disputes.operations import AsksAndUploads
from app.disputes.sheet import sheet
from app.errors import BadRequest, Conflict, DomainError
from app.models.act import WITHDRAWN, Act
from app.models.approval import Approval
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft
from app.models.last_chance import JOB, MOST_FIELDS, LastChance, LeftAlone

log = logging.getLogger("disputes")

BEFORE = timedelta(hours=24)
ANSWERED_BY_ITSELF = ("needs_response", "warning_needs_response")
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to a dispute by itself. `at`: when; `why_not`: in words, empty when it will be submitted."""

    at: datetime
    why_not: str = ""
    is_left: bool = False

    @property
    def is_due(self) -> bool:
        return self.at <= clock.now()


def rule_of(account_id: int, *, lock: bool = False) -> LastChance | None:
    """What the account wishes; None until somebody said something."""
    mine = select(LastChance).where(LastChance.account_id == account_id).execution_options(populate_existing=True)
    return db.session.scalar(mine.with_for_update(read=True) if lock else mine)


def set_rule(account_id: int, *, is_on: bool, fields_needed: int, actor: Actor) -> None:
    """Switch it on or off for all disputes of the account.

    Raises:
        BadRequest: a number of fields that makes no sense. Conflict: no account yet.
    """
    if not 1 <= fields_needed <= MOST_FIELDS:
        raise BadRequest(f"At least one and at most {MOST_FIELDS} fields can be asked for.")
    if not account_id:
        raise Conflict("Nothing was heard of Stripe yet. Run the first sync, then set this.")
    with transaction():
        mine = select(LastChance).where(LastChance.account_id == account_id)
        rule = db.session.scalar(mine.with_for_update())
        before = {"on": rule.is_on, "fields": rule.fields_needed} if rule else None
        if rule is None:
            rule = LastChance(account_id=account_id)
            db.session.add(rule)
        rule.is_on, rule.fields_needed, rule.set_by, rule.set_at = is_on, fields_needed, actor.name, clock.now()
        db.session.flush()
        after = {"on": is_on, "fields": fields_needed, "state": "on" if is_on else "off"}
        trail.record(
            actor, "last_chance.set", "account", str(account_id), account_id=account_id, before=before, after=after
        )


def leave(dispute_id: str, *, left: bool, actor: Actor) -> None:
    """Keep one dispute out of it, or let it in again. Saying the same twice changes nothing."""
    with transaction():
        # Behind the same lock as the promise to submit: whoever is first is first for all.
        dispute = db.session.get_one(Dispute, dispute_id, with_for_update=True, populate_existing=True)
        known = db.session.get(LeftAlone, dispute_id, populate_existing=True)
        if left is (known is not None):
            return
        if known is None:
            db.session.add(
                LeftAlone(dispute_id=dispute_id, account_id=dispute.account_id, left_by=actor.name, left_at=clock.now())
            )
        else:
            db.session.delete(known)
        db.session.flush()
        action = "last_chance.left" if left else "last_chance.let_in"
        trail.record(actor, action, "dispute", dispute_id, account_id=dispute.account_id)


def plan(dispute: Dispute, *, lock: bool = False) -> Plan | None:
    """What will happen; None where nothing ever does: switched off, no deadline, or nothing to answer."""
    if dispute.status not in ANSWERED_BY_ITSELF or dispute.due_at is None or drafts.obstacle(dispute):
        return None
    rule = rule_of(dispute.account_id, lock=lock)
    if rule is None or not rule.is_on:
        return None
    at = dispute.due_at - BEFORE
    if left := db.session.get(LeftAlone, dispute.id, populate_existing=True):
        return Plan(at, f"{left.left_by} said that it is left alone.", is_left=True)
    return Plan(at, _why_not(dispute, rule) or "")


def submit_due(gateway: AsksAndUploads, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Submit every draft whose last day has begun; how many went out. What cannot go now is tried again until the deadline."""
    sent = 0
    for dispute_id in _due():
        if stop():
            break
        try:
            sent += _submit(dispute_id, gateway)
        except DomainError as refusal:
            log.warning("last_chance.not_sent", extra={"dispute": dispute_id, "why": str(refusal)})
    return sent


def _submit(dispute_id: str, gateway: AsksAndUploads) -> bool:
    dispute = db.session.get_one(Dispute, dispute_id, populate_existing=True)
    planned, draft = plan(dispute), drafts.latest(dispute_id)
    if planned is None or planned.why_not or draft is None:
        db.session.rollback()
        return False
    number, promise_id = draft.number, _promise_id(dispute, draft)
    if known := db.session.get(Act, promise_id):
        # Stripe said no to this very text, or has not answered: the recovery looks after that.
        log.info("last_chance.known", extra={"dispute": dispute_id, "status": known.status})
        db.session.rollback()
        return False
    act = operations.submit(
        dispute_id,
        number=number,
        fee_agreed=False,
        promise_id=promise_id,
        actor=Actor.job(JOB),
        gateway=gateway,
        also=_still_wanted,
    )
    return act.status == "done"


def _still_wanted(dispute: Dispute) -> None:
    """Asked once more under the lock of the promise: somebody may have spoken meanwhile.

    Raises:
        Conflict: somebody did.
    """
    now = plan(dispute, lock=True)
    if now is None or now.why_not or not now.is_due:
        raise Conflict(now.why_not if now else "It is not to be submitted by itself any more.")


def _promise_id(dispute: Dispute, draft: DisputeDraft) -> UUID:
    """The same for the same text and files, so that no second run is a second act."""
    attached = ",".join(sorted(str(file.id) for file in files.of(dispute.id).values()))
    return uuid5(operations.draft_space(dispute.id), f"last-chance:{dispute.round}:{draft.number}:{attached}")


def _due() -> list[str]:
    now = clock.now()
    due = (
        select(Dispute.id)
        .join(LastChance, LastChance.account_id == Dispute.account_id)
        .where(LastChance.is_on, Dispute.status.in_(ANSWERED_BY_ITSELF))
        .where(Dispute.due_at > now, Dispute.due_at <= now + BEFORE)
        .order_by(Dispute.due_at, Dispute.id)
        .limit(_AT_ONCE)
    )
    found = list(db.session.scalars(due))
    db.session.rollback()
    return found


def _why_not(dispute: Dispute, rule: LastChance) -> str | None:
    if somebody := _who_accepted(dispute.id):
        return f"{somebody} said that it is accepted."
    if operations.needs_fee(dispute):
        return "It costs the network’s fee, to which only a person can agree."
    draft = drafts.latest(dispute.id)
    if draft is None:
        return "Nobody has written anything yet."
    filled = sheet(dispute, draft, suggested={}).filled
    if filled < rule.fields_needed:
        return f"{filled} recommended fields are filled, and {rule.fields_needed} are asked for."
    return None


def _who_accepted(dispute_id: str) -> str | None:
    """Whoever said so, even where nobody answered in time; what they took back, or another person declined, does not count."""
    acts = select(Act.requested_by).where(
        Act.object_type == "dispute", Act.object_id == dispute_id, Act.kind == ACCEPT.name, Act.status != WITHDRAWN
    )
    asked = select(Approval.asked_by).where(
        Approval.object_type == "dispute",
        Approval.object_id == dispute_id,
        Approval.act == ACCEPT_AGREED,
        Approval.state.not_in(("withdrawn", "declined")),
    )
    return db.session.scalar(acts.limit(1)) or db.session.scalar(asked.limit(1))
