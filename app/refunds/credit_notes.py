"""A refund of what an invoice was paid with takes part of that invoice back: the credit note that says so.

The wish is written down with the promise of the refund. Once Stripe has the refund, a job asks for the note that stands for it.
"""

from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select

from app.actor import Actor
from app.acts import operations as acts
from app.acts.kinds import ActKind, Promise, by_mark
from app.acts.operations import Asks
from app.database import db, transaction
from app.errors import Conflict
from app.mirror.fields import Obj
from app.models.act import Act
from app.models.charge import Charge
from app.models.credit_note import CreditNote
from app.models.invoice import Invoice, InvoicePayment
from app.models.refund import DEAD, NOTE_ASKED, NOTE_DROPPED, NOTE_WANTED, Refund

_JOB = Actor.job("settle_refunds")
_AT_ONCE = 100
# The reasons that both objects of Stripe know.
_REASONS = ("duplicate", "fraudulent")


def _told(note: Obj) -> dict[str, Any]:
    return {name: note[name] for name in ("number", "status", "total", "currency") if note.get(name) is not None}


WRITE = ActKind(
    "refund.credit_note",
    "Credit note",
    by_mark(lambda act: {"invoice": act.form["invoice"]}),
    keeps=("invoice",),
    told=_told,
)
ACTS = (WRITE,)


def invoice_of(charge: Charge) -> Invoice | None:
    """The invoice that this payment paid."""
    if not charge.payment_intent_id:
        return None
    paid = select(Invoice).join(InvoicePayment, InvoicePayment.invoice_id == Invoice.id)
    paid = paid.where(InvoicePayment.payment_intent_id == charge.payment_intent_id, InvoicePayment.status == "paid")
    found: Invoice | None = db.session.scalar(paid.where(Invoice.account_id == charge.account_id).limit(1))
    return found


def note_of(refund: Refund) -> CreditNote | None:
    """The credit note that stands for this refund, whoever wrote it."""
    if not refund.payment_intent_id or not refund.stripe_id:
        return None
    of_invoice = select(CreditNote).join(InvoicePayment, InvoicePayment.invoice_id == CreditNote.invoice_id)
    notes = of_invoice.where(
        InvoicePayment.payment_intent_id == refund.payment_intent_id,
        CreditNote.account_id == refund.account_id,
        CreditNote.status != "void",
        CreditNote.refund_ids.contains([refund.stripe_id]),
    )
    found: CreditNote | None = db.session.scalar(notes.order_by(CreditNote.created_at).limit(1))
    return found


def act_of(refund: Refund) -> Act | None:
    """What was asked of Stripe, for its state and the words of a refusal."""
    return db.session.get(Act, _promise_id(refund.id)) if refund.credit_note == NOTE_ASKED else None


def write_wanted(gateway: Asks) -> int:
    """Ask for the credit notes of refunds that Stripe has by now. Returns how many were asked for."""
    wanted = select(Refund.id).where(Refund.credit_note == NOTE_WANTED, Refund.status != "requested")
    waiting = list(db.session.scalars(wanted.order_by(Refund.requested_at).limit(_AT_ONCE)))
    db.session.rollback()
    return sum(_write(refund_id, gateway) for refund_id in waiting)


def _write(refund_id: UUID, gateway: Asks) -> bool:
    if not _is_due(refund_id):
        return False
    reason = db.session.get_one(Refund, refund_id).reason_text
    try:
        act, new = acts.promise(
            WRITE, lambda: _prepare(refund_id), promise_id=_promise_id(refund_id), actor=_JOB, reason=reason
        )
    except Conflict:
        return False  # another note of this invoice has no answer yet: the next run comes soon
    if new:
        acts.settle(WRITE, act, gateway=gateway)
    return new


def _is_due(refund_id: UUID) -> bool:
    """Nothing stands in the way; else the wish is dropped, because there is nothing to write or it was written elsewhere."""
    with transaction():
        refund = db.session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
        charge = db.session.get(Charge, refund.charge_id or "")
        if refund.status in DEAD or charge is None or invoice_of(charge) is None or note_of(refund):
            refund.credit_note = NOTE_DROPPED
        return refund.credit_note == NOTE_WANTED


def _prepare(refund_id: UUID) -> Promise:
    refund = db.session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
    invoice = invoice_of(db.session.get_one(Charge, refund.charge_id or ""))
    if invoice is None or refund.credit_note != NOTE_WANTED:
        raise Conflict("This credit note is being written already.")
    refund.credit_note = NOTE_ASKED
    form = {
        "invoice": invoice.id,
        "amount": refund.amount,
        "refunds": [{"refund": refund.stripe_id, "amount_refunded": refund.amount}],
        "metadata": {},
        **({"reason": refund.reason} if refund.reason in _REASONS else {}),
    }
    return Promise(
        account_id=refund.account_id,
        object_type="refund",
        object_id=str(refund.id),
        path="/v1/credit_notes",
        form=form,
        lock=f"invoice:{invoice.id}",
        after={"invoice": invoice.number or invoice.id, "amount": str(refund.money)},
    )


def _promise_id(refund_id: UUID) -> UUID:
    """One note for each refund, however often it is tried."""
    return uuid5(refund_id, "credit note")
