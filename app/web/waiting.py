"""How many requests wait for the word of the person of this request, asked together with who they are."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, select
from sqlalchemy.orm import aliased

from app.models.approval import WAITING, Approval, ApprovalPolicy, ApprovalVote
from app.models.staff import Staff, StaffSession

MANY = 100
_Newer = aliased(ApprovalPolicy)


def of_person(now: datetime, role: ColumnElement[str]) -> ScalarSelect[Any]:
    """For a query that has `Staff` and `StaffSession`: [act, account] of each request that waits for others than who asked.

    At most MANY; it walks along the index of what is open, which is short. Which acts a person decides about, their permissions
    say. role: the one whose pages they see.
    """
    voted = exists().where(ApprovalVote.approval_id == Approval.id, ApprovalVote.staff_id == Staff.id)
    followed = exists().where(_Newer.act == ApprovalPolicy.act, _Newer.id > ApprovalPolicy.id)
    narrowed = exists().where(
        ApprovalPolicy.act == Approval.act,
        func.cardinality(ApprovalPolicy.approve_roles) > 0,
        func.array_position(ApprovalPolicy.approve_roles, role).is_(None),
        ~followed,
    )
    waiting = and_(Approval.state == WAITING, Approval.expires_at > now, Approval.asked_by_id != Staff.id)
    few = select(Approval.act, Approval.account_id).where(waiting, ~voted.correlate(Approval, Staff))
    few = few.where(~narrowed.correlate(Approval, Staff, StaffSession)).limit(MANY).correlate(Staff, StaffSession)
    found = few.subquery()
    return select(func.jsonb_agg(func.jsonb_build_array(found.c.act, found.c.account_id))).scalar_subquery()
