"""The payments: a list, and one page that answers a customer's question at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import joinedload

from app.charges import figures, particulars, queries, timeline, twins, words
from app.charges.filters import FILTERS
from app.charges.written import STATE
from app.mirror import erased, raw
from app.models import charge_facets
from app.models.charge import Charge
from app.remarks import queries as remarks
from app.web import calls, columns, in_sql, people
from app.web.accounts import current_account_id
from app.web.admin import expose, may
from app.web.formatting import HERE, filled
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import Payer, called, visible
from app.web.people_in_sql import address_first, with_payers
from app.web.permissions import Permission

_BOX = Markup(
    '<label class="row-choice"><input class="form-check-input" type="checkbox" name="charge" value="%s" form="choose">'
    '<span class="heard">Choose %s</span></label>'
)


@dataclass(frozen=True, slots=True)
class Line:
    """A payment with its customer, if there is one."""

    charge: Charge
    customer: Payer | None

    @property
    def who(self) -> str | None:
        """Whom an agent looks for: the address as far as this person may see it, else a name."""
        email = (self.customer.email if self.customer else None) or self.charge.receipt_email
        return columns.personal(email) if email else called(self.customer) if self.customer else None


class ChargesView(ListView[Charge, Line]):
    """/admin/charges"""

    permission = Permission.CHARGE_READ
    endpoint = "charges"
    title = "Payments"
    group = "Money"
    icon = "credit-card"
    menu_keys = "g p"
    model = Charge
    noun = ("payment", "payments")
    lead = "Every payment and every attempt, newest first."
    search_hint = "E-mail, name, last 4 digits, payment id"
    order = "created"
    ids_lead_on = True
    filters = FILTERS
    empty_title = "No payments yet"
    empty_text = "They appear here with the first webhook or sync."
    columns = (
        columns.amount(
            "amount", "Amount", lambda line: line.charge.total, written=in_sql.amount(Charge.amount, Charge.currency)
        ),
        columns.status("status", "Status", "charge", lambda line: line.charge.state, written=(STATE,)),
        columns.Column(name="choose", label="Tick", show=lambda line: _choice(line.charge), exports=(), priority=2),
        columns.text(
            "customer", "Customer", lambda line: line.who, priority=1, written=(address_first(Charge.receipt_email),)
        ),
        columns.Column(
            name="method",
            label="Method",
            show=lambda line: _method_cell(line.charge),
            exports=(
                ("Method", lambda line: line.charge.method_type),
                ("Brand", lambda line: line.charge.brand),
                ("Last 4", lambda line: line.charge.last4),
            ),
            written=(in_sql.words(Charge.method_type), in_sql.words(Charge.brand), in_sql.words(Charge.last4)),
        ),
        columns.text(
            "decline",
            "Decline",
            lambda line: line.charge.decline_code or line.charge.failure_code,
            priority=3,
            written=(in_sql.first(Charge.decline_code, Charge.failure_code),),
        ),
        columns.instant(
            "created",
            "Date",
            lambda line: line.charge.created_at,
            sort=Charge.created_at,
            priority=1,
            written=(in_sql.instant(Charge.created_at),),
        ),
        columns.code("id", "Payment", lambda line: line.charge.id, priority=3, written=(in_sql.words(Charge.id),)),
    )
    template = "charges/list.html"

    loaded = (
        *(Charge.amount, Charge.amount_captured, Charge.amount_refunded, Charge.currency, Charge.created_at),
        *(Charge.status, Charge.captured, Charge.refunded, Charge.disputed, Charge.outcome_type),
        *(Charge.customer_id, Charge.receipt_email, Charge.method_type, Charge.brand, Charge.last4),
        *(Charge.decline_code, Charge.failure_code),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return queries.matching(text)

    def having(self, facets: Sequence[str]) -> ColumnElement[bool]:
        return charge_facets.having(facets, account_id=current_account_id())

    def beside(self, rows: Select[Any]) -> Select[Any]:
        return with_payers(rows, Charge.customer_id)

    def lines(self, rows: Sequence[Charge]) -> Sequence[Line]:
        customers = queries.payers_of(list(rows))
        return [Line(charge, customers.get(charge.customer_id or "")) for charge in rows]

    def line_url(self, line: Line) -> str | None:
        return url_for(".details", key=line.charge.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One payment."""
        charge = find(Charge, key, what="payment", together=[joinedload(Charge.disputes)])
        ledger = queries.ledger_of(charge)
        whole, of = raw.unpack(charge.raw), charge.customer_id
        return self.render(
            "charges/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            charge=charge,
            payer=_payer(charge),
            figures=figures.strip(charge, ledger),
            accounts=figures.accounts(ledger),
            exchange=figures.exchange(charge, ledger),
            payouts=sorted({line.payout_id for line in ledger if line.payout_id}),
            explained=words.explained(charge),
            method=words.method(charge.method_type),
            of_method=particulars.of_method(charge, whole),
            of_answer=particulars.of_answer(charge, whole),
            of_checks=particulars.of_checks(whole),
            hold=particulars.hold(charge, whole),
            twins=twins.of(charge),
            calls=calls.about([charge.id, charge.payment_intent_id, *_ids_of_refunds(charge)]),
            timeline=timeline.of_charge(charge),
            remarks=remarks.about(charge, of=of),
            may_note=may(Permission.NOTE_WRITE),
            description=visible(charge.description, of=of),
            labels=visible(charge.labels, of=of),
            raw=people.whole(whole, of=of),
            is_erased=erased.knows(charge.id),
            obstacle=charge.refund_obstacle,
            may_capture=may(Permission.CHARGE_CAPTURE),
            may_refund=may(Permission.REFUND_CREATE),
            may_block=may(Permission.RISK_READ) and may(Permission.RISK_DECIDE),
            may_see_payouts=may(Permission.PAYOUT_READ),
            may_see_calls=may(Permission.EVENT_READ),
        )


def _ids_of_refunds(charge: Charge) -> list[str | None]:
    return [name for refund in charge.refunds for name in (refund.stripe_id, str(refund.id))]


def _payer(charge: Charge) -> tuple[str, str | None] | None:
    """Who paid and the address of their page; a guest has no page."""
    customer = queries.payers_of([charge]).get(charge.customer_id or "")
    if customer:
        return called(customer, here=True), url_for("customers.details", key=customer.id)
    return (columns.personal(charge.receipt_email) or "", None) if charge.receipt_email else None


def _choice(charge: Charge) -> Markup | str:
    """A box to tick, of the form on top of the list; nothing where nothing could be given back by this person."""
    if charge.status != "succeeded" or charge.refunded or not charge.captured or not may(Permission.REFUND_CREATE):
        return ""
    return _BOX % (charge.id, charge.id)


def _method_cell(charge: Charge) -> Markup | str:
    if not charge.last4:
        return words.method(charge.method_type)
    return filled(charge.last4, "fields", "card_number", charge.brand or words.method(charge.method_type), HERE)
