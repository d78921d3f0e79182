"""Debits to come and whether their payers know of them; the notices themselves; and how long before they must be given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select, or_, select

from app import clock
from app.database import db
from app.debits import notices, queries
from app.debits.notices import Debit
from app.errors import BadRequest, DomainError, Unknown
from app.models.debit_notice import HOW, SCHEMES, DebitNotice, DebitNoticeRule
from app.models.invoice import Invoice
from app.web import columns
from app.web.admin import StaffView, expose, may
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import Payer, called
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


@dataclass(frozen=True, slots=True)
class Coming:
    """An invoice with what it will take and whether its payer knows."""

    invoice: Invoice
    debit: Debit | None
    state: str


@dataclass(frozen=True, slots=True)
class Line:
    """A notice with whose it was."""

    notice: DebitNotice
    customer: Payer | None


class DebitsToComeView(ListView[Invoice, Coming]):
    """/admin/debits_to_come"""

    permission = Permission.CUSTOMER_READ
    endpoint = "debits_to_come"
    title = "Debits to come"
    group = "People"
    icon = "building-bank"
    model = Invoice
    noun = ("debit", "debits")
    lead = (
        "Invoices that Stripe will collect from a bank account, the next first, and whether the payer was told in time."
    )
    search_hint = "Invoice id or number, customer id"
    order = "on"
    newest_first = False
    template = "debits/to_come.html"
    empty_title = "No debit is to come"
    empty_text = "Invoices that Stripe will collect by SEPA or Bacs debit appear here."
    filters: ClassVar[Sequence[Filter]] = (
        DateFilter(name="on", label="Day (UTC)", column=Invoice.next_payment_attempt_at),
        TextFilter(name="customer", label="Customer id", match=equals(Invoice.customer_id)),
    )
    columns = (
        columns.amount("amount", "Amount", lambda line: line.debit.money if line.debit else None),
        columns.status("state", "Told?", "debit_notice", lambda line: line.state),
        columns.text(
            "customer", "Customer", lambda line: called(line.debit.customer) if line.debit else None, priority=1
        ),
        columns.text("scheme", "By", lambda line: SCHEMES[line.debit.method.type] if line.debit else None),
        columns.instant(
            "on",
            "On",
            lambda line: line.invoice.next_payment_attempt_at,
            sort=Invoice.next_payment_attempt_at,
            priority=1,
        ),
        columns.code("invoice", "Invoice", lambda line: line.invoice.number or line.invoice.id, priority=3),
    )

    def rows(self) -> Select[Invoice]:
        return super().rows().where(notices.is_to_come())

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Invoice.id == text, Invoice.number == text, Invoice.customer_id == text)

    def lines(self, rows: Sequence[Invoice]) -> Sequence[Coming]:
        debits, noted = notices.debits_of(rows), notices.noted(rows)
        return [
            Coming(invoice, debit, debit.state(noted[invoice.id]) if debit else "stripe")
            for invoice in rows
            for debit in [debits.get(invoice.id)]
        ]

    def line_url(self, line: Coming) -> str | None:
        return url_for(".details", key=line.invoice.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One debit: who will be debited what, and how they know."""
        return self._page(_invoice(key))

    @expose("/<key>/send", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def send(self, key: str) -> ResponseReturnValue:
        """Tell them by mail."""
        invoice = _invoice(key)
        return self._note(
            key,
            lambda: notices.send(invoice.id, account_id=invoice.account_id, actor=current_actor()),
            "The notice is on its way.",
        )

    @expose("/<key>/record", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def record(self, key: str) -> ResponseReturnValue:
        """Write down that they were told otherwise."""
        invoice, form = _invoice(key), request.form
        return self._note(
            key,
            lambda: notices.record(
                invoice.id,
                account_id=invoice.account_id,
                told_on=_day(form.get("told_on", "")),
                how=form.get("how", ""),
                words=form.get("words", ""),
                actor=current_actor(),
            ),
            "Written down.",
        )

    def _note(self, key: str, act: Callable[[], None], done: str) -> ResponseReturnValue:
        try:
            act()
        except DomainError as refusal:
            return self._page(_invoice(key), error=str(refusal), status=refusal.status)
        flash(done, "success")
        return redirect(url_for(".details", key=key), 303)

    def _page(self, invoice: Invoice, *, error: str = "", status: int = 200) -> ResponseReturnValue:
        debit, noted = notices.debits_of([invoice]).get(invoice.id), notices.noted([invoice])[invoice.id]
        if debit is None or invoice.next_payment_attempt_at is None:
            raise Unknown("Nothing will be debited for this invoice any more.")
        page = self.render(
            "debits/coming.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            invoice=invoice,
            debit=debit,
            called=called,
            scheme=SCHEMES[debit.method.type],
            state=debit.state(noted),
            noted=noted,
            hows=HOW,
            today=clock.now().date(),
            typed=request.form,
            error=error,
            may_manage=may(Permission.METHOD_MANAGE),
            may_rule=may(Permission.RULES_MANAGE),
        )
        return make_response(page, status)


class DebitNoticesView(ListView[DebitNotice, Line]):
    """/admin/debit_notices"""

    permission = Permission.CUSTOMER_READ
    endpoint = "debit_notices"
    title = "Notices of debits"
    group = "People"
    icon = "mail"
    in_menu = False
    model = DebitNotice
    noun = ("notice", "notices")
    lead = "Who was told of which debit, when, and how."
    search_hint = "Invoice or customer id"
    order = "noted"
    empty_title = "No notice yet"
    empty_text = "Notices that were mailed from here, or written down, are listed here. Those that Stripe sends by itself are not."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="how", label="How", options=list(HOW.items()), match=equals(DebitNotice.how)),
        ChoiceFilter(name="scheme", label="By", options=list(SCHEMES.items()), match=equals(DebitNotice.scheme)),
        DateFilter(name="noted", label="Written (UTC)", column=DebitNotice.noted_at),
        TextFilter(name="customer", label="Customer id", match=equals(DebitNotice.customer_id)),
    )
    columns = (
        columns.amount("amount", "Amount", lambda line: line.notice.money),
        columns.text(
            "customer",
            "Customer",
            lambda line: called(line.customer) if line.customer else line.notice.customer_id,
            priority=1,
        ),
        columns.text("how", "How", lambda line: HOW[line.notice.how]),
        columns.text("told", "Told on", lambda line: f"{line.notice.told_on:%-d %b %Y}", priority=1),
        columns.text("debit", "Debited from", lambda line: f"{line.notice.debit_on:%-d %b %Y}"),
        columns.instant("noted", "Written", lambda line: line.notice.noted_at, sort=DebitNotice.noted_at, priority=2),
        columns.text("by", "By", lambda line: line.notice.noted_by, priority=3),
        columns.code("about", "Invoice", lambda line: line.notice.about_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(DebitNotice.about_id == text, DebitNotice.customer_id == text)

    def lines(self, rows: Sequence[DebitNotice]) -> Sequence[Line]:
        customers = queries.payers([notice.customer_id for notice in rows])
        return [Line(notice, customers.get(notice.customer_id or "")) for notice in rows]

    def line_url(self, line: Line) -> str | None:
        return (
            url_for("mails.details", key=line.notice.mail_id)
            if line.notice.mail_id and may(Permission.MAIL_READ)
            else None
        )


class NoticeRulesView(StaffView):
    """/admin/notice_rules"""

    permission = Permission.RULES_MANAGE
    endpoint = "notice_rules"
    title = "Rules for debit notices"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """What holds now, and what held before."""
        return self._page()

    @expose("/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        """From today on another rule holds."""
        form = request.form
        try:
            notices.set_rule(
                form.get("scheme", ""),
                days=_number(form.get("days", "")),
                blocks=form.get("blocks") == "yes",
                stripe_sends=form.get("sender") == "stripe",
                source=form.get("source", ""),
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._page(error=str(refusal), status=refusal.status)
        flash("The rule holds from now on.", "success")
        return redirect(url_for(".index_view"), 303)

    def _page(self, *, error: str = "", status: int = 200) -> ResponseReturnValue:
        newest = select(DebitNoticeRule).order_by(DebitNoticeRule.scheme, DebitNoticeRule.id.desc()).limit(100)
        today = clock.now().date()
        page = self.render(
            "debits/rules.html",
            breadcrumbs=[("Debits to come", url_for("debits_to_come.index_view"))],
            schemes=SCHEMES,
            holding={scheme: DebitNoticeRule.on(scheme, today) for scheme in SCHEMES},
            rules=db.session.scalars(newest).all(),
            typed=request.form,
            error=error,
        )
        return make_response(page, status)


def _invoice(key: str) -> Invoice:
    return find(Invoice, key, what="invoice")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest("Write the day on which they were told.") from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):  # noqa: PLR2004 - thirty days at most
        raise BadRequest("Choose between 1 and 30 days.")
    return int(text)
