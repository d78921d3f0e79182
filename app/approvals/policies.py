"""For which acts another person has to agree, from which amount on, and who that may be."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.approvals import acts
from app.approvals.acts import Act
from app.audit import trail
from app.currencies import CURRENCIES
from app.database import db, transaction
from app.errors import BadRequest, NotAllowed
from app.models.approval import ApprovalPolicy
from app.models.staff import Staff
from app.money import Money
from app.web.permissions import ROLE_NAMES, Permission
from app.web.roles import permissions_of, roles_with

MOST_NEEDED = 5
LONGEST_DAYS = 90
_DAYS = 7


def policy_of(act_name: str) -> ApprovalPolicy:
    """What is in force for this act: what was set last, else what it begins with."""
    newest = select(ApprovalPolicy).where(ApprovalPolicy.act == act_name).order_by(ApprovalPolicy.id.desc()).limit(1)
    return db.session.scalar(newest) or _first(acts.of(act_name))


def in_force() -> Mapping[str, ApprovalPolicy]:
    """What is in force for every act, by its name; one question for all of them."""
    newest = select(func.max(ApprovalPolicy.id)).group_by(ApprovalPolicy.act)
    said = {
        policy.act: policy for policy in db.session.scalars(select(ApprovalPolicy).where(ApprovalPolicy.id.in_(newest)))
    }
    return {act.name: said.get(act.name) or _first(act) for act in acts.every()}


def is_needed(act_name: str, money: Money | None = None) -> bool:
    """Whether this act (of this amount) needs another person's word. A currency without an amount of its own always does."""
    policy = policy_of(act_name)
    if not policy.is_on:
        return False
    if money is None or not policy.thresholds:
        return True
    return money.minor >= int(policy.thresholds.get(money.currency, 0))


def may_ask(person: Staff, act: Act, policy: ApprovalPolicy) -> bool:
    return _is_one_of(person, act.ask, policy.ask_roles)


def may_approve(person: Staff, act: Act, policy: ApprovalPolicy) -> bool:
    """Whether this person could agree to it, had they not asked themselves."""
    return _is_one_of(person, act.approve, policy.approve_roles)


def roles_that_approve(act: Act) -> list[str]:
    """The roles whose people could agree to it, had they not asked themselves."""
    narrowed = policy_of(act.name).approve_roles
    return [role for role in roles_with(act.approve) if not narrowed or role in narrowed]


def set_policy(  # noqa: PLR0913 - a rule has that many sides, all by name
    act_name: str,
    *,
    is_on: bool,
    needed: int,
    thresholds: Mapping[str, int],
    ask_roles: Sequence[str],
    approve_roles: Sequence[str],
    expires_after_days: int,
    actor: Actor,
) -> ApprovalPolicy:
    """From now on this holds for new requests; those that wait keep the number they were asked with.

    thresholds: minor units by lower-case currency code; empty means every amount.

    Raises:
        BadRequest: a number, role or currency makes no sense; nothing changed.
    """
    act = acts.of(act_name)
    if not 1 <= needed <= MOST_NEEDED or not 1 <= expires_after_days <= LONGEST_DAYS:
        raise BadRequest(f"Between 1 and {MOST_NEEDED} people, and between 1 and {LONGEST_DAYS} days.")
    if unknown := {*ask_roles, *approve_roles} - set(ROLE_NAMES):
        raise BadRequest(f"There is no role {min(unknown)}.")
    if unknown := set(thresholds) - set(CURRENCIES):
        raise BadRequest(f"There is no currency {min(unknown).upper()}.")
    with transaction():
        before = _words(policy_of(act_name))
        policy = ApprovalPolicy(
            act=act.name,
            is_on=is_on,
            needed=needed,
            thresholds=dict(thresholds),
            ask_roles=list(ask_roles),
            approve_roles=list(approve_roles),
            expires_after_days=expires_after_days,
            since=clock.now(),
            set_by=actor.name,
        )
        db.session.add(policy)
        db.session.flush()
        trail.record(actor, "approval.policy_set", "approval_policy", act.name, before=before, after=_words(policy))
    return policy


def check_approver(person: Staff, act: Act) -> None:
    """
    Raises:
        NotAllowed: this person may not agree to this act.
    """
    if not may_approve(person, act, policy_of(act.name)):
        raise NotAllowed("Your role may not decide about this. An admin can change who may.")


def _is_one_of(person: Staff, permission: Permission, roles: Sequence[str]) -> bool:
    if not person.is_active or (roles and person.role not in roles):
        return False
    return permission in permissions_of(person.role)


def _first(act: Act) -> ApprovalPolicy:
    return ApprovalPolicy(
        act=act.name,
        is_on=act.on_by_default,
        needed=1,
        thresholds={},
        ask_roles=[],
        approve_roles=[],
        expires_after_days=_DAYS,
    )


def _words(policy: ApprovalPolicy) -> dict[str, object]:
    return {
        "on": policy.is_on,
        "needed": policy.needed,
        "from": policy.thresholds,
        "may ask": policy.ask_roles,
        "may agree": policy.approve_roles,
        "days": policy.expires_after_days,
    }
