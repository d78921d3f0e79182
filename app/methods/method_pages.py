"""Ways to pay: what is saved, which of them Stripe takes, and letting one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from app import clock
from app.audit import trail
from app.audit.sentences import sentence
from app.errors import BadRequest, DomainError
from app.gateways.current import gateway
from app.methods import asking, changes, operations, queries, words
from app.methods.asking import Told
from app.mirror import erased, raw
from app.models import debits
from app.models.act import Act
from app.models.customer import Customer
from app.models.debit_stop import DebitStop
from app.models.mandate import Mandate
from app.models.payment_method import PaymentMethod
from app.web import calls, columns, history, proof
from app.web.admin import expose, may
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals, one_of
from app.web.guard import unattended
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import Payer, called
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


@dataclass(frozen=True, slots=True)
class Line:
    """A way to pay with its customer, if it has one."""

    method: PaymentMethod
    customer: Payer | None

    @property
    def title(self) -> str:
        """`Visa •••• 4242`; without a number its kind."""
        name = (
            (self.method.brand or "").replace("_", " ").capitalize() or words.method_type(self.method.type) or "Method"
        )
        return f"{name} •••• {self.method.last4}" if self.method.last4 else name


class MethodsView(ListView[PaymentMethod, Line]):
    """/admin/methods"""

    permission = Permission.CUSTOMER_READ
    endpoint = "methods"
    title = "Payment methods"
    group = "People"
    icon = "credit-card"
    model = PaymentMethod
    noun = ("payment method", "payment methods")
    lead = "Cards and accounts that were saved, or were for a while."
    search_hint = "Last 4 digits, payment method id, customer id"
    order = "created"
    ids_lead_on = True
    empty_title = "No payment methods yet"
    empty_text = "They appear here with the first webhook or sync."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="type", label="Kind", options=list(words.TYPES.items()), match=equals(PaymentMethod.type)),
        ChoiceFilter(
            name="state",
            label="State",
            options=[("saved", "Saved for a customer"), ("loose", "Belongs to nobody")],
            match=one_of(
                {"saved": PaymentMethod.customer_id.is_not(None), "loose": PaymentMethod.customer_id.is_(None)}
            ),
        ),
        TextFilter(name="brand", label="Brand", match=lambda text: PaymentMethod.brand == text.lower()),
        TextFilter(name="customer", label="Customer id", match=equals(PaymentMethod.customer_id)),
        DateFilter(name="created", label="Day (UTC)", column=PaymentMethod.created_at),
    )
    columns = (
        columns.text("method", "Method", lambda line: line.title, priority=1),
        columns.text("expires", "Expires", lambda line: line.method.expires, priority=1),
        columns.text("customer", "Customer", lambda line: called(line.customer) if line.customer else None, priority=1),
        columns.text("country", "Country", lambda line: line.method.country, priority=3),
        columns.instant(
            "created", "Since", lambda line: line.method.created_at, sort=PaymentMethod.created_at, priority=2
        ),
        columns.code("id", "Payment method", lambda line: line.method.id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return queries.methods_matching(text)

    def lines(self, rows: Sequence[PaymentMethod]) -> Sequence[Line]:
        customers = queries.payers([method.customer_id for method in rows])
        return [Line(method, customers.get(method.customer_id or "")) for method in rows]

    def line_url(self, line: Line) -> str | None:
        return url_for(".details", key=line.method.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """What it is, whose, what allows it, and what Stripe charges to it."""
        method = _method(key)
        customer = queries.customer_of(method)
        act, mandates = queries.newest_act(method), queries.mandates_of(method)
        return self.render(
            "methods/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            method=method,
            title=Line(method, None).title,
            kind=words.method_type(method.type),
            customer=customer,
            called=called,
            is_default=customer is not None and customer.default_payment_method_id == method.id,
            uses=changes.uses_of(method, customer),
            order=queries.order_for(customer),
            mandates=mandates,
            stops=_stops(method, mandates),
            update=_update(method, customer),
            payments=queries.payments_with(method),
            act=act,
            of_act=words.of_act(act),
            state=_stands(method, act),
            promise=uuid4(),
            timeline=_timeline(method),
            calls=calls.about([method.id]),
            may_manage=may(Permission.METHOD_MANAGE),
            may_sync=may(Permission.SYNC),
            may_see_calls=may(Permission.EVENT_READ),
            raw=raw.unpack(method.raw) if may(Permission.PERSONAL_READ) else None,
            is_erased=erased.knows(method.id),
        )

    @expose("/<key>/state")
    @unattended
    def state(self, key: str) -> ResponseReturnValue:
        """What the page asks every few seconds while an act is in flight."""
        method = _method(key)
        return {"state": _stands(method, queries.newest_act(method))}

    @expose("/<key>/default", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def set_default(self, key: str) -> ResponseReturnValue:
        """Have Stripe take it first. The same form sent twice is one act."""
        method = _method(key)
        try:
            act = changes.set_default(
                method.id, promise_id=_promise(), words="", actor=current_actor(), gateway=gateway()
            )
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            if act.status == "done":
                flash("It is the default now.", "success")
        return redirect(url_for(".details", key=method.id), 303)

    @expose("/<key>/detach")
    @needs(Permission.METHOD_MANAGE)
    def detach_form(self, key: str) -> ResponseReturnValue:
        """What letting it go means, before anybody does."""
        typed = proof.unfinished() if "again" in request.args else {}
        return self._detach_page(_method(key), typed)

    @expose("/<key>/detach", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def detach(self, key: str) -> ResponseReturnValue:
        """Let it go."""
        method, typed = _method(key), {name: request.form.get(name, "") for name in ("words", "also_last")}
        if typed["words"].strip() and (
            ask := proof.missing(url_for(".detach_form", key=method.id, again="yes"), typed=typed)
        ):
            return ask
        try:
            act = changes.detach(
                method.id,
                promise_id=_promise(),
                words=typed["words"],
                also_last=typed["also_last"] == "yes",
                actor=current_actor(),
                gateway=gateway(),
            )
        except DomainError as refusal:
            return self._detach_page(_method(key), typed, error=str(refusal), status=refusal.status)
        if act.status == "refused":
            return self._detach_page(_method(key), typed, error=f"Stripe refused: {act.refusal}", status=422)
        return redirect(url_for(".details", key=key), 303)

    @expose("/<key>/read-again", methods=("POST",))
    @needs(Permission.SYNC)
    def read_again(self, key: str) -> ResponseReturnValue:
        """Ask Stripe how it stands."""
        method = _method(key)
        try:
            changed = operations.read_again("payment_method", method.id, actor=current_actor(), gateway=gateway())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(
                "Read again: something had changed." if changed else "Read again: all was as it stood here.", "success"
            )
        return redirect(url_for(".details", key=key), 303)

    def _detach_page(
        self, method: PaymentMethod, typed: Any, *, error: str = "", status: int = 200
    ) -> ResponseReturnValue:
        customer = queries.customer_of(method)
        title = Line(method, None).title
        page = self.render(
            "methods/detach.html",
            breadcrumbs=[(self.title, url_for(".index_view")), (title, url_for(".details", key=method.id))],
            method=method,
            title=title,
            customer=customer,
            called=called,
            uses=changes.uses_of(method, customer),
            others=queries.methods([use.instead.method_id for use in changes.uses_of(method, customer) if use.instead]),
            typed=typed,
            error=error,
            promise=uuid4(),
        )
        return make_response(page, status)


def _method(key: str) -> PaymentMethod:
    return find(PaymentMethod, key, what="payment method")


def _promise() -> UUID:
    try:
        return UUID(request.form.get("promise", ""))
    except ValueError as error:
        raise BadRequest("This form is damaged. Open the payment method again and start anew.") from error


def _stands(method: PaymentMethod, act: Act | None) -> str:
    """One word that changes when the page has to."""
    return f"{method.customer_id or 'nobody'} {act.state if act else ''}".strip()


def _update(method: PaymentMethod, customer: Customer | None) -> Told | None:
    """What is known about asking for another card, where that is a question."""
    now = clock.now()
    if customer is None or not method.expires_at or method.expires_at >= now + asking.SOON:
        return None
    if not queries.is_ending(method, now):
        return None
    return asking.told_about([method], {customer.id: customer}, now)[method.id]


def _stops(method: PaymentMethod, mandates: Sequence[Mandate]) -> list[DebitStop]:
    """What stops debits of it. A mandate that ended stops none as long as another one of the same account goes on."""
    goes_on = any(mandate.status in debits.USABLE and mandate.deleted_at is None for mandate in mandates)
    subjects = [("payment_method", method.id)] + ([("customer", method.customer_id)] if method.customer_id else [])
    if not goes_on:
        subjects += [("mandate", mandate.id) for mandate in mandates]
    return debits.stops_about(method.account_id, subjects=subjects)


def _timeline(method: PaymentMethod) -> list[history.Entry]:
    acts = [
        {
            "at": act.at,
            "title": sentence(act),
            "text": act.reason,
            "icon": "user" if act.actor_kind == "staff" else "arrows-exchange",
            "tone": "note" if act.actor_kind == "staff" else "calm",
        }
        for act in trail.of("payment_method", method.id)
    ]
    return history.newest_first(acts, history.told([method.id]))
