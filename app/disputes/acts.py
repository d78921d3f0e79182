"""What the dispute desk asks of Stripe: to hold a draft, to send the evidence, to accept."""

from typing import Any

from sqlalchemy import delete

from app.acts.kinds import MARK, ActKind, on_object
from app.database import db
from app.mirror.fields import Obj
from app.models.act import Act
from app.models.dispute import OPEN
from app.models.dispute_draft import DisputeSubmission


def _carries(body: Obj, act: Act) -> bool:
    """Evidence and metadata change together or not at all, so that our mark shows which update was the last."""
    return (body.get("metadata") or {}).get(MARK) == str(act.id)


def _told(body: Obj) -> dict[str, Any]:
    details = body.get("evidence_details") or {}
    return {"status": body.get("status"), "submission_count": details.get("submission_count")}


def _free_again(act: Act) -> None:
    """Stripe said no: the evidence may be sent once it is put right."""
    db.session.execute(delete(DisputeSubmission).where(DisputeSubmission.act_id == act.id))


STAGE = ActKind("evidence.draft", "Save the draft at Stripe", on_object(_carries), keeps=("submit",), told=_told)
SUBMIT = ActKind(
    "evidence.submit",
    "Submit the evidence",
    on_object(_carries),
    keeps=("submit",),
    told=_told,
    after_refusal=_free_again,
)
ACCEPT = ActKind(
    "dispute.accept", "Accept the dispute", on_object(lambda body, _: body.get("status") not in OPEN), told=_told
)

# One act on a dispute at a time, whichever it is.
ACTS = (STAGE, SUBMIT, ACCEPT)


def lock_of(dispute_id: str) -> str:
    return f"dispute:{dispute_id}"
