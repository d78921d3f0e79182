"""Credit notes: what was taken back from bills, with the refunds that each stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import defer, selectinload

from app.database import db
from app.mirror import erased, raw
from app.models.credit_note import CreditNote
from app.models.invoice import Invoice
from app.models.refund import Refund
from app.money import MinorUnits, Money
from app.web import columns, history
from app.web.accounts import current_account_id
from app.web.admin import expose, may
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.pages import page_of
from app.web.people import visible
from app.web.permissions import Permission

_STATUSES = {"issued": "Issued", "void": "Void"}
_TYPES = {
    "post_payment": "After it was paid",
    "pre_payment": "Before it was paid",
    "mixed": "Partly before it was paid",
}


@dataclass(frozen=True, slots=True)
class Sums:
    """An invoice with all notes that hold, so that a reader sees whether the amounts agree."""

    total: Money
    credited: Money

    @property
    def left(self) -> Money:
        """What is still asked for by the bill."""
        return self.total - self.credited

    @property
    def is_too_much(self) -> bool:
        return self.credited > self.total


class CreditNotesView(ListView[CreditNote, CreditNote]):
    """/admin/credit-notes"""

    permission = Permission.REFUND_READ
    endpoint = "credit_notes"
    section_url = "/admin/credit-notes"
    title = "Credit notes"
    group = "Money"
    icon = "file-text"
    model = CreditNote
    noun = ("credit note", "credit notes")
    lead = "What was taken back from invoices, with the refunds that it stands for."
    search_hint = "Number, credit note, invoice or customer id"
    order = "created"
    ids_lead_on = True
    empty_title = "No credit notes yet"
    empty_text = "Refund a payment of an invoice to have one written."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="status", label="Status", options=list(_STATUSES.items()), match=equals(CreditNote.status)),
        ChoiceFilter(name="type", label="Written", options=list(_TYPES.items()), match=equals(CreditNote.type)),
        AmountFilter(name="amount", label="Amount", column=CreditNote.total, currency=CreditNote.currency),
        TextFilter(name="currency", label="Currency", match=lambda text: CreditNote.currency == text.lower()),
        TextFilter(name="invoice", label="Invoice id", match=equals(CreditNote.invoice_id)),
        DateFilter(name="created", label="Day (UTC)", column=CreditNote.created_at),
    )
    columns = (
        columns.amount("amount", "Amount", lambda note: note.money),
        columns.status("status", "Status", "credit_note", lambda note: note.status),
        columns.text("number", "Number", lambda note: note.number, priority=1),
        columns.text("type", "Written", lambda note: _TYPES.get(note.type or "", note.type)),
        columns.instant("created", "Date", lambda note: note.created_at, sort=CreditNote.created_at, priority=1),
        columns.code("invoice", "Invoice", lambda note: note.invoice_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        named = (CreditNote.id, CreditNote.number, CreditNote.invoice_id, CreditNote.customer_id)
        return or_(*(column == text for column in named))

    def line_url(self, line: CreditNote) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One credit note, its refunds, and the invoice with all that was taken back from it."""
        note = find(CreditNote, key, what="credit note")
        invoice = _invoice(note)
        refunds = _refunds(note)
        whole = raw.unpack(note.raw)
        return self.render(
            "refunds/note.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            note=note,
            written=_TYPES.get(note.type or "", note.type),
            parts=_parts(note, whole),
            refunds=refunds,
            unknown=[name for name in note.refund_ids if name not in {refund.stripe_id for refund in refunds}],
            invoice=invoice,
            invoice_url=page_of("invoice", note.invoice_id),
            customer_url=page_of("customer", note.customer_id),
            sums=Sums(Money(invoice.total, invoice.currency), invoice.credited) if invoice else None,
            memo=visible(note.memo),
            timeline=history.newest_first(history.told([note.id])),
            raw=whole if may(Permission.PERSONAL_READ) else None,
            is_erased=erased.knows(note.id),
        )


def _invoice(note: CreditNote) -> Invoice | None:
    mine = select(Invoice).where(Invoice.id == note.invoice_id, Invoice.account_id == current_account_id())
    notes = selectinload(Invoice.credit_notes)
    found = mine.options(defer(Invoice.raw, raiseload=True), notes, notes.defer(CreditNote.raw, raiseload=True))
    return db.session.scalar(found) if note.invoice_id else None


def _refunds(note: CreditNote) -> Sequence[Refund]:
    """Those it stands for, as far as they are known here."""
    mine = select(Refund).where(Refund.stripe_id.in_(note.refund_ids), Refund.account_id == current_account_id())
    return list(db.session.scalars(mine.options(defer(Refund.raw, raiseload=True)).order_by(Refund.created_at)))


def _parts(note: CreditNote, whole: dict[str, Any]) -> list[tuple[str, Money]]:
    """How the amount was given back; together they are the total of the note."""
    linked = [one.get("amount_refunded") for one in whole.get("refunds") or () if isinstance(one, dict)]
    refunded = sum(amount for amount in linked if isinstance(amount, int))
    before, outside = whole.get("pre_payment_amount") or 0, note.out_of_band_amount or 0
    # Stripe says only that there is such an entry, not how large it is.
    kept = note.total - refunded - before - outside if whole.get("customer_balance_transaction") else 0
    found = (
        ("By refunds", refunded),
        ("Less to pay on the invoice", before),
        ("Outside of Stripe", outside),
        ("To the customer’s balance", kept),
    )
    return [(label, Money(MinorUnits(amount), note.currency)) for label, amount in found if amount > 0]
