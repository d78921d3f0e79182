"""Payment intents: what customers were asked to pay, with every attempt; and capturing or canceling one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select

from app.audit import trail
from app.audit.masked import as_entry
from app.errors import DomainError
from app.gateways.current import gateway
from app.mirror import erased, raw
from app.models.act import Act
from app.models.charge import Charge
from app.models.payment_intent import PaymentIntent
from app.payments import figures, operations, queries, tries, words
from app.payments.forms import ActForm, CancelForm, CaptureForm
from app.web import calls, columns, history, in_sql
from app.web.admin import expose, may
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.guard import unattended
from app.web.history import Entry
from app.web.listing import ListView
from app.web.lookup import find
from app.web.pages import page_of
from app.web.people import Payer, called, visible, whole
from app.web.people_in_sql import address_first, with_payers
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_STATUSES = {
    "requires_payment_method": "Needs payment method",
    "requires_confirmation": "Needs confirmation",
    "requires_action": "Needs customer action",
    "processing": "Processing",
    "requires_capture": "Uncaptured",
    "succeeded": "Succeeded",
    "canceled": "Canceled",
}

_CODES = [PaymentIntent.last_payment_error[name].as_string() for name in ("decline_code", "code")]


@dataclass(frozen=True, slots=True)
class Line:
    """An intent with its customer, if there is one."""

    intent: PaymentIntent
    customer: Payer | None

    @property
    def who(self) -> str | None:
        email = (self.customer.email if self.customer else None) or self.intent.receipt_email
        return columns.personal(email) if email else called(self.customer) if self.customer else None

    @property
    def problem(self) -> str | None:
        """The code of the last attempt that failed."""
        error = self.intent.last_payment_error or {}
        return error.get("decline_code") or error.get("code")


class PaymentsView(ListView[PaymentIntent, Line]):
    """/admin/payments"""

    permission = Permission.CHARGE_READ
    endpoint = "payments"
    title = "Payment intents"
    group = "Money"
    icon = "circle-dashed"
    model = PaymentIntent
    noun = ("payment intent", "payment intents")
    lead = "What customers were asked to pay, also where no attempt went through."
    search_hint = "E-mail, name, payment intent id"
    order = "created"
    ids_lead_on = True
    empty_title = "No payment intents yet"
    empty_text = "They appear here with the first webhook or sync."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="status", label="Status", options=list(_STATUSES.items()), match=equals(PaymentIntent.status)
        ),
        AmountFilter(name="amount", label="Amount", column=PaymentIntent.amount, currency=PaymentIntent.currency),
        TextFilter(name="currency", label="Currency", match=lambda text: PaymentIntent.currency == text.lower()),
        DateFilter(name="created", label="Day (UTC)", column=PaymentIntent.created_at),
        TextFilter(name="customer", label="Customer id", match=equals(PaymentIntent.customer_id)),
    )
    columns = (
        columns.amount(
            "amount",
            "Amount",
            lambda line: line.intent.total,
            written=in_sql.amount(PaymentIntent.amount, PaymentIntent.currency),
        ),
        columns.status(
            "status",
            "Status",
            "payment_intent",
            lambda line: line.intent.status,
            written=(in_sql.words(PaymentIntent.status),),
        ),
        columns.text(
            "customer",
            "Customer",
            lambda line: line.who,
            priority=1,
            written=(address_first(PaymentIntent.receipt_email),),
        ),
        columns.text("problem", "Last problem", lambda line: line.problem, written=(in_sql.first(*_CODES),)),
        columns.instant(
            "created",
            "Date",
            lambda line: line.intent.created_at,
            sort=PaymentIntent.created_at,
            priority=1,
            written=(in_sql.instant(PaymentIntent.created_at),),
        ),
        columns.code(
            "id",
            "Payment intent",
            lambda line: line.intent.id,
            priority=3,
            written=(in_sql.words(PaymentIntent.id),),
        ),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return queries.matching(text)

    def beside(self, rows: Select[Any]) -> Select[Any]:
        return with_payers(rows, PaymentIntent.customer_id)

    def lines(self, rows: Sequence[PaymentIntent]) -> Sequence[Line]:
        customers = queries.payers([intent.customer_id for intent in rows])
        return [Line(intent, customers.get(intent.customer_id or "")) for intent in rows]

    def line_url(self, line: Line) -> str | None:
        return url_for(".details", key=line.intent.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One intent; while nobody knows what became of an act on it, the page looks again by itself."""
        intent = _intent(key)
        charges = queries.tries_of(intent)
        act = queries.newest_act(intent)
        return self.render(
            "payments/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            intent=intent,
            payer=queries.payers([intent.customer_id]).get(intent.customer_id or ""),
            called=partial(called, here=True),
            figures=figures.strip(intent),
            stands=words.stands(intent),
            of_act=words.of_act(act),
            act=act,
            act_url=page_of("act", str(act.id)) if act and act.needs_person else None,
            state=_stands(intent, act),
            tries=tries.of(intent, charges),
            timeline=_timeline(intent, charges),
            calls=calls.about([intent.id, *(charge.id for charge in charges)]),
            description=visible(intent.description, of=intent.customer_id),
            labels=visible(intent.labels, of=intent.customer_id),
            raw=whole(raw.unpack(intent.raw), of=intent.customer_id),
            is_erased=erased.knows(intent.id),
            held=next((charge for charge in reversed(charges) if charge.capture_before), None),
            may_capture=may(Permission.CHARGE_CAPTURE),
            may_sync=may(Permission.SYNC),
            may_see_calls=may(Permission.EVENT_READ),
        )

    @expose("/<key>/state")
    @unattended
    def state(self, key: str) -> ResponseReturnValue:
        """What the page asks every few seconds while an act is in flight."""
        intent = _intent(key)
        return {"state": _stands(intent, queries.newest_act(intent))}

    @expose("/<key>/capture", methods=("GET",))
    @needs(Permission.CHARGE_CAPTURE)
    def capture_form(self, key: str) -> ResponseReturnValue:
        return self._form_page("payments/capture.html", CaptureForm.fresh(_intent(key)))

    @expose("/<key>/capture", methods=("POST",))
    @needs(Permission.CHARGE_CAPTURE)
    def capture(self, key: str) -> ResponseReturnValue:
        """Take what is held. The same form sent twice is one capture."""
        form = CaptureForm(request.form)
        form.intent = _intent(key)
        return self._act(
            form,
            "payments/capture.html",
            lambda: operations.capture_payment(
                form.intent.id,
                form.money,
                promise_id=form.promise_id,
                words=form.words.data or "",
                actor=current_actor(),
                gateway=gateway(),
            ),
        )

    @expose("/<key>/cancel", methods=("GET",))
    @needs(Permission.CHARGE_CAPTURE)
    def cancel_form(self, key: str) -> ResponseReturnValue:
        return self._form_page("payments/cancel.html", CancelForm.fresh(_intent(key)))

    @expose("/<key>/cancel", methods=("POST",))
    @needs(Permission.CHARGE_CAPTURE)
    def cancel(self, key: str) -> ResponseReturnValue:
        """Let go what is held, or end a payment that nobody will finish."""
        form = CancelForm(request.form)
        form.intent = _intent(key)
        return self._act(
            form,
            "payments/cancel.html",
            lambda: operations.cancel_payment(
                form.intent.id,
                form.reason.data,
                promise_id=form.promise_id,
                words=form.words.data or "",
                actor=current_actor(),
                gateway=gateway(),
            ),
        )

    @expose("/<key>/read-again", methods=("POST",))
    @needs(Permission.SYNC)
    def read_again(self, key: str) -> ResponseReturnValue:
        """Ask Stripe how it stands: the one way to mend a payment that is stuck."""
        intent_id = _intent(key).id
        try:
            changed = operations.read_again(intent_id, actor=current_actor(), gateway=gateway())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(
                "Read again: something had changed." if changed else "Read again: all was as it stood here.", "success"
            )
        return redirect(url_for(".details", key=intent_id), 303)

    def _act(self, form: ActForm, template: str, ask: Callable[[], Act]) -> ResponseReturnValue:
        if not form.validate():
            return self._form_page(template, form, status=400)
        try:
            ask()
        except DomainError as refusal:
            form.show(refusal)
            return self._form_page(template, form, status=refusal.status)
        return redirect(url_for(".details", key=form.intent.id), 303)

    def _form_page(self, template: str, form: ActForm, *, status: int = 200) -> ResponseReturnValue:
        # After a refusal the session may hold what was true before it.
        intent = form.intent = _intent(form.intent.id)
        act = queries.newest_act(intent)
        page = self.render(
            template,
            breadcrumbs=[(self.title, url_for(".index_view")), (intent.id, url_for(".details", key=intent.id))],
            intent=intent,
            form=form,
            busy=act is not None and act.is_in_flight,
            held=next((charge for charge in reversed(queries.tries_of(intent)) if charge.capture_before), None),
        )
        return make_response(page, status)


def _intent(key: str) -> PaymentIntent:
    return find(PaymentIntent, key, what="payment intent")


def _stands(intent: PaymentIntent, act: Act | None) -> str:
    """One word that changes when the page has to."""
    return f"{intent.status} {act.state if act else ''}".strip()


def _timeline(intent: PaymentIntent, charges: Sequence[Charge]) -> list[Entry]:
    acts = [as_entry(act, of=intent.customer_id) for act in trail.of("payment_intent", intent.id)]
    return history.newest_first(acts, history.told([intent.id, *(charge.id for charge in charges)]))
