"""Batches above somebody's limits: they begin once another person agreed to the whole of it."""

from collections.abc import Mapping

from flask import url_for

from app.actor import Actor
from app.approvals.acts import Act
from app.database import db
from app.errors import Conflict
from app.models.approval import Approval
from app.models.refund_batch import DRAFT, RUNNING, WAITING
from app.refunds.batches.operations import NAME, facts, locked, record
from app.web.permissions import Permission


def _execute(approval: Approval) -> str:
    """It only begins here; the job does the rest, and each line is checked again when its turn comes."""
    batch = locked(approval.id)
    if batch.state not in {DRAFT, WAITING}:
        raise Conflict("This batch was withdrawn meanwhile. Nothing was given back.")
    batch.state, batch.approval_id = RUNNING, approval.id
    db.session.flush()
    record(Actor("staff", approval.asked_by), "refund_batch.started", batch, total=facts(batch.id)["Together"])
    return "Begun; its page shows how far it is."


def _facts_now(approval: Approval) -> Mapping[str, str]:
    return facts(approval.id)


ACT = Act(
    name=NAME,
    label="Refund of many payments",
    ask=Permission.REFUND_CREATE,
    approve=Permission.REFUND_APPROVE,
    execute=_execute,
    in_transaction=True,
    facts=_facts_now,
    url=lambda approval: url_for("refund_batches.details", key=approval.id),
    on_by_default=True,
)
