"""How many requests wait for the word of the person of this request, asked together with who they are."""

from datetime import datetime
from typing import Any

from sqlalchemy import ScalarSelect, and_, exists, func, select
from sqlalchemy.orm import aliased

from app.models.approval import WAITING, Approval, ApprovalPolicy, ApprovalVote
from app.models.staff import Staff

MANY = 100
_Newer = aliased(ApprovalPolicy)


def of_person(now: datetime) -> ScalarSelect[Any]:
    """For a query that has `Staff`: [act, account] of each request that waits for others than who asked, up to MANY.

    It walks along the index of what is open, which is short. Which acts a person decides about, their permissions say.
    """
    voted = exists().where(ApprovalVote.approval_id == Approval.id, ApprovalVote.staff_id == Staff.id)
    followed = exists().where(_Newer.act == ApprovalPolicy.act, _Newer.id > ApprovalPolicy.id)
    narrowed = exists().where(
        ApprovalPolicy.act == Approval.act,
        func.cardinality(ApprovalPolicy.approve_roles) > 0,
        func.array_position(ApprovalPolicy.approve_roles, Staff.role).is_(None),
        ~followed,
    )
    waiting = and_(Approval.state == WAITING, Approval.expires_at > now, Approval.asked_by_id != Staff.id)
    few = select(Approval.act, Approval.account_id).where(waiting, ~voted.correlate(Approval, Staff))
    few = few.where(~narrowed.correlate(Approval, Staff)).limit(MANY).correlate(Staff)
    found = few.subquery()
    return select(func.jsonb_agg(func.jsonb_build_array(found.c.act, found.c.account_id))).scalar_subquery()
