"""Which requests a person may see and decide about."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select

from app import clock
from app.approvals import acts, policies
from app.database import db
from app.models.approval import WAITING, Approval, ApprovalVote
from app.web.accounts import current_account_id
from app.web.permissions import Need
from app.web.sessions import Person

MANY = 100


class Decider(Protocol):
    """Whoever may be asked for their word: a person at the desk, or one that a letter is written to."""

    @property
    def id(self) -> UUID: ...
    @property
    def acts_as(self) -> str: ...
    def may(self, need: Need) -> bool: ...


def visible_to(person: Decider) -> ColumnElement[bool]:
    """Requests of this account, and of the house itself, about acts that this person may ask for or decide; and their own."""
    of_account = or_(Approval.account_id.is_(None), Approval.account_id == current_account_id())
    known = [act.name for act in acts.every() if person.may(act.ask) or person.may(act.approve)]
    return and_(of_account, or_(Approval.act.in_(known), Approval.asked_by_id == person.id))


def to_decide(person: Decider) -> ColumnElement[bool]:
    """Those that wait for this very person's word."""
    voted = exists().where(ApprovalVote.approval_id == Approval.id, ApprovalVote.staff_id == person.id)
    return and_(
        Approval.state == WAITING,
        Approval.expires_at > clock.now(),
        Approval.asked_by_id != person.id,
        Approval.act.in_(_decidable(person)),
        ~voted,
    )


def number_to_decide(person: Decider) -> int:
    """How many wait for this person, counted up to MANY."""
    few = select(Approval.id).where(visible_to(person), to_decide(person)).limit(MANY)
    return len(db.session.scalars(few).all())


def number_known(person: Person) -> int:
    """The same without asking: as of the beginning of this request, before any word of it."""
    decided = {act.name for act in acts.every() if person.may(act.approve)}
    mine = (None, current_account_id())
    return sum(act in decided and account in mine for act, account in person.waits)


def may_decide(person: Person, approval: Approval) -> bool:
    """Whether the buttons are shown; the operation asks again."""
    if not approval.is_waiting or approval.asked_by_id == person.id:
        return False
    voted = any(vote.staff_id == person.id for vote in approval.votes)
    return not voted and approval.act in _decidable(person)


def _decidable(person: Decider) -> Sequence[str]:
    # Who is signed in brought their permissions along; only what the rules say of roles is left to ask.
    allowed = [act for act in acts.every() if person.may(act.approve)]
    rules = policies.in_force() if allowed else {}
    return [act.name for act in allowed if _names(rules[act.name].approve_roles, person.acts_as)]


def _names(roles: Sequence[str], role: str) -> bool:
    return not roles or role in roles
