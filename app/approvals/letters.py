"""Mails about requests: to those who may decide when something waits for them, and to who asked when it came to an end."""

import logging

from sqlalchemy import select

from app.approvals import acts, policies
from app.database import db
from app.errors import BadRequest, Unknown
from app.mail import letters, outbox
from app.mail.letters import Letter
from app.models.account import Account
from app.models.approval import Approval
from app.models.staff import Staff

log = logging.getLogger("approvals")

# Nobody wants to write to a whole company.
_MOST = 50
# What is told to who asked, and what it is called.
_ENDS = {
    "approval.done": "Done",
    "approval.failed": "Agreed to, and could not be done",
    "approval.declined": "Declined",
    "approval.expired": "Nobody decided in time",
}


def tell(action: str, approval: Approval, *, words: str | None = None) -> None:
    """Put the mails that go with what happened into the outbox, in the caller's transaction. No customer is named in them."""
    if action == "approval.asked":
        _tell_deciders(approval)
    elif action in _ENDS:
        said = words or (approval.outcome if approval.state in {"done", "failed"} else None) or ""
        letter = letters.write(
            "approval.ended", what=approval.summary, end=_ENDS[action], words=said, number=str(approval.id)
        )
        _post(letter, approval, approval.asked_by, action)


def _tell_deciders(approval: Approval) -> None:
    try:
        act = acts.of(approval.act)
    except Unknown:
        return
    policy = policies.policy_of(act.name)
    deciders = select(Staff.email).where(
        Staff.deactivated_at.is_(None),
        Staff.id != approval.asked_by_id,
        Staff.role.in_(policies.roles_that_approve(act)),
    )
    for email in db.session.scalars(deciders.order_by(Staff.email).limit(_MOST)):
        letter = letters.write(
            "approval.asked",
            what=approval.summary,
            asked_by=approval.asked_by,
            reason=approval.reason,
            days=policy.expires_after_days,
            number=str(approval.id),
        )
        _post(letter, approval, email, "approval.asked")


def _post(letter: Letter, approval: Approval, to: str, action: str) -> None:
    account_id = approval.account_id or db.session.scalar(select(Account.id).order_by(Account.id).limit(1))
    if account_id is None:
        return
    try:
        outbox.post(letter, to=to, account_id=account_id, by="approvals", dedup=f"{action}:{approval.id}:{to}")
    except BadRequest:
        # Somebody signs in with a name that no mail server knows; the queue shows them the same.
        log.warning("approval.not_told", extra={"approval": str(approval.id)})
