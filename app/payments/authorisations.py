"""Money that is only held, the most urgent first: captured in time, or lost to the customer's bank."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from flask import url_for
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, or_

from app import clock
from app.models.charge import Charge
from app.models.held import HELD, SOON
from app.payments import queries
from app.web import columns
from app.web.filters import AmountFilter, ChoiceFilter, Filter, TextFilter, one_of
from app.web.formatting import NOTHING, from_macro
from app.web.listing import ListView
from app.web.people import Payer, called
from app.web.permissions import Permission
from app.web.words import customers_called


@dataclass(frozen=True, slots=True)
class Line:
    """A payment that is only authorised, with its customer, if there is one."""

    charge: Charge
    customer: Payer | None

    @property
    def who(self) -> str | None:
        email = (self.customer.email if self.customer else None) or self.charge.receipt_email
        return columns.personal(email) if email else called(self.customer) if self.customer else None


def _ends(value: str) -> ColumnElement[bool]:
    now = clock.now()
    before = {"day": now + SOON, "three": now + timedelta(days=3), "over": now}
    return one_of({name: Charge.capture_before < instant for name, instant in before.items()})(value)


class AuthorisationsView(ListView[Charge, Line]):
    """/admin/authorisations"""

    permission = Permission.CHARGE_READ
    endpoint = "authorisations"
    title = "Authorisations"
    group = "Money"
    icon = "hourglass"
    model = Charge
    noun = ("authorisation", "authorisations")
    lead = "Held, not yet taken. What nobody captures in time goes back to the customer by itself."
    search_hint = "E-mail, name, last 4 digits, payment id"
    order = "ends"
    newest_first: ClassVar[bool] = False
    empty_title = "Nothing is held"
    empty_text = "Payments that wait for a capture appear here."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="ends",
            label="Ends",
            options=[("day", "Within a day"), ("three", "Within three days"), ("over", "Should have ended")],
            match=_ends,
        ),
        AmountFilter(name="amount", label="Amount", column=Charge.amount, currency=Charge.currency),
        TextFilter(name="currency", label="Currency", match=lambda text: Charge.currency == text.lower()),
    )
    columns = (
        columns.amount("amount", "Held", lambda line: line.charge.total),
        columns.Column(
            name="ends",
            label="Ends",
            show=lambda line: _badge(line.charge),
            exports=(("Ends (UTC)", lambda line: line.charge.capture_before),),
            sort=Charge.capture_before,
            priority=1,
        ),
        columns.text("customer", "Customer", lambda line: line.who, priority=1),
        columns.text("method", "Method", lambda line: _method(line.charge)),
        columns.instant("created", "Authorised", lambda line: line.charge.created_at),
        columns.code("id", "Payment", lambda line: line.charge.id, priority=3),
    )
    loaded = (
        *(Charge.amount, Charge.amount_captured, Charge.amount_refunded, Charge.currency, Charge.created_at),
        *(Charge.customer_id, Charge.receipt_email, Charge.method_type, Charge.brand, Charge.last4),
        *(Charge.capture_before, Charge.payment_intent_id),
    )

    def rows(self) -> Select[Charge]:
        return super().rows().where(HELD)

    def search(self, text: str) -> ColumnElement[bool]:
        if len(text) == 4 and text.isascii() and text.isdigit():  # noqa: PLR2004 - the last four digits
            return Charge.last4 == text
        if text.startswith(("pi_", "ch_", "py_")):
            return or_(Charge.id == text, Charge.payment_intent_id == text)
        return Charge.customer_id.in_(customers_called(text))

    def lines(self, rows: Sequence[Charge]) -> Sequence[Line]:
        customers = queries.payers([charge.customer_id for charge in rows])
        return [Line(charge, customers.get(charge.customer_id or "")) for charge in rows]

    def line_url(self, line: Line) -> str | None:
        if line.charge.payment_intent_id:
            return url_for("payments.details", key=line.charge.payment_intent_id)
        return url_for("charges.details", key=line.charge.id)


def _badge(charge: Charge) -> Markup:
    """Red within a day, amber within three."""
    if charge.capture_before is None:
        return NOTHING
    left = charge.capture_before - clock.now()
    tone = "bad" if left < SOON else "wait" if left < timedelta(days=3) else "calm"
    return from_macro("time", "deadline", charge.capture_before, tone)


def _method(charge: Charge) -> str:
    name = (charge.brand or charge.method_type or "Unknown").replace("_", " ").capitalize()
    return f"{name} •••• {charge.last4}" if charge.last4 else name
