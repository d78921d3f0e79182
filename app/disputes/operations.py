"""Sending evidence and accepting: the draft at Stripe as often as one likes, the evidence once, the loss for good."""

from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID, uuid5

from app import clock
from app.actor import Actor
from app.acts.kinds import Promise
from app.acts.operations import Asks, perform
from app.database import db
from app.disputes import drafts, files
from app.disputes.acts import ACCEPT, STAGE, SUBMIT, lock_of
from app.disputes.fields import fields_of
from app.errors import BadRequest, Conflict, DisputeClosed, ReasonMissing
from app.models.act import Act
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft, DisputeFile, DisputeSubmission

_LONGEST_REASON = 1_000
COMPLIANCE = ("visa_compliance", "mastercard_compliance")
CE3 = "visa_compelling_evidence_3"


class AsksAndUploads(Asks, files.Uploads, Protocol):
    """What this needs of Stripe."""


def stage(draft: DisputeDraft, *, actor: Actor, gateway: AsksAndUploads) -> Act:
    """Save the draft at Stripe as well, without submitting it. The same state of the draft is sent once.

    Raises:
        Conflict: another act on this dispute has no answer yet.
    """
    dispute_id, number = draft.dispute_id, draft.number
    files.send_all(dispute_id, gateway=gateway)

    def prepare() -> Promise:
        dispute = _locked(dispute_id)
        if refusal := drafts.obstacle(dispute):
            raise refusal
        now = drafts.latest(dispute_id)
        if now is None or now.number != number:
            raise Conflict("The draft has changed meanwhile; what is newer will be saved at Stripe.")
        now.act_id = act_id
        return _promise(dispute, evidence_of(dispute, now, files.of(dispute_id)), submit=False, number=number)

    act_id = uuid5(draft_space(dispute_id), f"{number}:{files.mark_of(dispute_id)}")
    return perform(STAGE, prepare, promise_id=act_id, actor=actor, reason=None, gateway=gateway)


def submit(  # noqa: PLR0913 - what, which state of it, who, and what they agreed to
    dispute_id: str,
    *,
    number: int,
    fee_agreed: bool,
    promise_id: UUID,
    actor: Actor,
    gateway: AsksAndUploads,
    also: Callable[[Dispute], None] | None = None,
) -> Act:
    """Send the draft to the bank, once and for good.

    number: the state of the draft that was looked at. fee_agreed: the network's fee for a compliance case.
    also: a rule of the caller, asked under the lock of the promise; what it raises keeps the evidence here.

    Raises:
        Conflict: it was already submitted, by whom and when; or the draft has changed since it was looked at.
        DisputeClosed: it takes no evidence. BadRequest: there is nothing to send, or the fee was not agreed to.
    """
    files.send_all(dispute_id, gateway=gateway)

    def prepare() -> Promise:
        dispute = _locked(dispute_id)
        if refusal := drafts.obstacle(dispute):
            raise refusal
        draft, attached = drafts.latest(dispute_id), files.of(dispute_id)
        if draft is None:
            raise BadRequest("There is nothing to send yet. Write the evidence first.")
        _check(dispute, draft, attached, number)
        if also:
            also(dispute)
        if needs_fee(dispute) and not fee_agreed:
            raise BadRequest("This case is answered only by who agrees to the network's fee. Tick that you do.")
        evidence = evidence_of(dispute, draft, attached, fee_agreed=fee_agreed)
        db.session.add(
            DisputeSubmission(
                account_id=dispute.account_id,
                dispute_id=dispute.id,
                round=dispute.round,
                act_id=promise_id,
                draft_number=number,
                submitted_by=actor.name,
                submitted_at=clock.now(),
            )
        )
        return _promise(dispute, evidence, submit=True, number=number)

    return perform(SUBMIT, prepare, promise_id=promise_id, actor=actor, reason=None, gateway=gateway)


def accept(dispute_id: str, *, words: str, promise_id: UUID, actor: Actor, gateway: Asks) -> Act:
    """Give the money up for good.

    Raises:
        ReasonMissing: nobody said why. Conflict, DisputeClosed: it cannot be accepted now.
    """
    reason = " ".join(words.replace("\0", " ").split())[:_LONGEST_REASON]
    if not reason:
        raise ReasonMissing("Write a sentence on why this is accepted.")

    def prepare() -> Promise:
        dispute = _locked(dispute_id)
        if sent := drafts.submission(dispute):
            raise drafts.already_sent(sent)
        if refusal := dispute.accept_obstacle:
            raise refusal
        return Promise(
            account_id=dispute.account_id,
            object_type="dispute",
            object_id=dispute.id,
            path=f"/v1/disputes/{dispute.id}/close",
            form={},
            lock=lock_of(dispute.id),
            before={"status": dispute.status},
            after={"amount": dispute.money},
        )

    return perform(ACCEPT, prepare, promise_id=promise_id, actor=actor, reason=reason, gateway=gateway)


def needs_fee(dispute: Dispute) -> str | None:
    """The kind of compliance case that costs a fee to answer, if it is one."""
    return next((name for name in COMPLIANCE if name in (dispute.enhanced_eligibility_types or [])), None)


def evidence_of(
    dispute: Dispute, draft: DisputeDraft, attached: dict[str, DisputeFile], *, fee_agreed: bool = False
) -> dict[str, Any]:
    """`evidence` as Stripe takes it: what the form shows; what was written and is not shown any more is emptied there."""
    enhanced: dict[str, Any] = dict(draft.enhanced or {})
    if dispute.is_appeal:
        supporting = [file.stripe_id for field, file in attached.items() if field == "appeal" and file.stripe_id]
        told: dict[str, Any] = {"reason_for_filing": draft.appeal or ""}
        return {"appeal": {"card": told | ({"supporting_files": supporting} if supporting else {})}}
    shown = {field.name for field in fields_of(dispute.reason, draft.product_type)}
    stored = dispute.evidence or {}
    evidence: dict[str, Any] = {}
    for name in {*shown, *draft.texts, *(name for name, value in stored.items() if isinstance(value, str) and value)}:
        if name in files.FILES:
            file = attached.get(name)
            if file is not None and name in shown:
                evidence[name] = file.stripe_id
            elif name not in shown or files.was_removed(dispute.id, name):
                evidence[name] = ""
        else:
            evidence[name] = draft.texts.get(name, "") if name in shown else ""
    if (fee := needs_fee(dispute)) and fee_agreed:
        enhanced[fee] = {"fee_acknowledged": True}
    return evidence | ({"enhanced_evidence": enhanced} if enhanced else {})


def draft_space(dispute_id: str) -> UUID:
    return uuid5(UUID("5a1f1d1e-0000-4000-8000-d15b07e0d4af"), dispute_id)


def _check(dispute: Dispute, draft: DisputeDraft, attached: dict[str, DisputeFile], number: int) -> None:
    if not (draft.texts or draft.appeal or attached):
        raise BadRequest("There is nothing to send yet. Write the evidence first.")
    if dispute.is_appeal and not draft.appeal:
        raise BadRequest("An appeal needs a reason. Write why the network should look again.")
    if draft.number != number:
        raise drafts.SavedMeanwhile(draft)
    if waiting := [file.filename for file in attached.values() if not file.stripe_id]:
        raise Conflict(f"Stripe does not have {', '.join(waiting)} yet. Nothing was submitted; try again in a minute.")


def _promise(dispute: Dispute, evidence: dict[str, Any], *, submit: bool, number: int) -> Promise:
    # `submit` is always said: left out, Stripe takes it for yes.
    return Promise(
        account_id=dispute.account_id,
        object_type="dispute",
        object_id=dispute.id,
        path=f"/v1/disputes/{dispute.id}",
        form={"evidence": evidence, "submit": submit, "metadata": {}},
        lock=lock_of(dispute.id),
        before={"status": dispute.status},
        after={"number": number, "fields": sorted(name for name, value in evidence.items() if value)},
    )


def _locked(dispute_id: str) -> Dispute:
    dispute = db.session.get(Dispute, dispute_id, with_for_update=True, populate_existing=True)
    if dispute is None:
        raise DisputeClosed("This dispute is not here any more.")
    return dispute
