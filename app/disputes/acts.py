"""What the dispute desk asks of Stripe: to hold a draft, to send the evidence, to accept."""

import logging
from typing import Any

from sqlalchemy import delete, select

from app.acts.kinds import MARK, ActKind, on_object
from app.database import db
from app.errors import BadRequest
from app.mail import letters, outbox
from app.mirror.fields import Obj
from app.models.act import Act
from app.models.dispute import OPEN, Dispute
from app.models.dispute_draft import DisputeDraft, DisputeSubmission
from app.models.last_chance import JOB as LAST_CHANCE

log = logging.getLogger("disputes")


def _carries(body: Obj, act: Act) -> bool:
    """Evidence and metadata change together or not at all, so that our mark shows which update was the last."""
    return (body.get("metadata") or {}).get(MARK) == str(act.id)


def _told(body: Obj) -> dict[str, Any]:
    details = body.get("evidence_details") or {}
    return {"status": body.get("status"), "submission_count": details.get("submission_count")}


def _free_again(act: Act) -> None:
    """Stripe said no: the evidence may be sent once it is put right."""
    _tell_writer(act, sent=False)
    db.session.execute(delete(DisputeSubmission).where(DisputeSubmission.act_id == act.id))


def _sent(act: Act, _: Obj) -> None:
    _tell_writer(act, sent=True)


def _tell_writer(act: Act, *, sent: bool) -> None:
    """Of what went out by itself whoever wrote it is told, in the transaction that knows. No customer is named."""
    dispute = db.session.get(Dispute, act.object_id)
    if act.requested_by != LAST_CHANCE or dispute is None:
        return
    wrote = (
        select(DisputeDraft.saved_by)
        .join(DisputeSubmission, DisputeSubmission.dispute_id == DisputeDraft.dispute_id)
        .where(DisputeSubmission.act_id == act.id, DisputeDraft.number == DisputeSubmission.draft_number)
        .where(~DisputeDraft.is_aside)
    )
    letter = letters.write(
        "evidence.last_chance", dispute=dispute.id, amount=str(dispute.money), sent=sent, why=act.refusal or ""
    )
    for writer in db.session.scalars(wrote.limit(1)):
        dedup = f"last_chance:{act.id}"
        about = ("dispute", dispute.id)
        try:
            outbox.post(letter, to=writer, account_id=act.account_id, by=LAST_CHANCE, dedup=dedup, about=about)
        except BadRequest:
            # Somebody signs in with a name that no mail server knows; the page of the dispute tells the same.
            log.warning("last_chance.not_told", extra={"dispute": dispute.id})


STAGE = ActKind("evidence.draft", "Save the draft at Stripe", on_object(_carries), keeps=("submit",), told=_told)
SUBMIT = ActKind(
    "evidence.submit",
    "Submit the evidence",
    on_object(_carries),
    keeps=("submit",),
    told=_told,
    after=_sent,
    after_refusal=_free_again,
)
ACCEPT = ActKind(
    "dispute.accept", "Accept the dispute", on_object(lambda body, _: body.get("status") not in OPEN), told=_told
)

# One act on a dispute at a time, whichever it is.
ACTS = (STAGE, SUBMIT, ACCEPT)


def lock_of(dispute_id: str) -> str:
    return f"dispute:{dispute_id}"
