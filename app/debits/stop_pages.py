"""Debits that are stopped: why, since when, and what was done about it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_

from app.audit import trail
from app.audit.sentences import sentence
from app.debits import operations, queries
from app.errors import DomainError
from app.models.debit_stop import REASONS, DebitStop
from app.web import columns, history, proof
from app.web.accounts import current_account_id
from app.web.admin import expose, may
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals, one_of
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import Payer, called
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_STATES = {
    "open": DebitStop.to_work(),
    "standing": DebitStop.lifted_at.is_(None),
    "worked": DebitStop.lifted_at.is_(None) & DebitStop.worked_at.is_not(None),
    "lifted": DebitStop.lifted_at.is_not(None),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A stop with its customer, if that is known."""

    stop: DebitStop
    customer: Payer | None


class DebitStopsView(ListView[DebitStop, Line]):
    """/admin/debit_stops"""

    permission = Permission.CUSTOMER_READ
    endpoint = "debit_stops"
    title = "Debits stopped"
    group = "People"
    icon = "ban"
    model = DebitStop
    noun = ("stop", "stops")
    lead = "Where nothing is debited any more, and why. Open ones wait for somebody to see to the customer."
    search_hint = "Customer, mandate or payment method id"
    order = "since"
    empty_title = "No debit is stopped"
    empty_text = "When a bank or a customer ends a mandate, it appears here in the same moment."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="state",
            label="State",
            options=[
                ("open", "To work"),
                ("standing", "Standing"),
                ("worked", "Standing, seen to"),
                ("lifted", "Lifted"),
            ],
            match=one_of(_STATES),
        ),
        ChoiceFilter(name="reason", label="Why", options=list(REASONS.items()), match=equals(DebitStop.reason)),
        DateFilter(name="since", label="Since (UTC)", column=DebitStop.since),
        TextFilter(name="customer", label="Customer id", match=equals(DebitStop.customer_id)),
    )
    columns = (
        columns.text("why", "Why", lambda line: line.stop.says, priority=1),
        columns.status("state", "State", "debit_stop", lambda line: line.stop.state),
        columns.text("customer", "Customer", lambda line: called(line.customer) if line.customer else None, priority=1),
        columns.instant("since", "Since", lambda line: line.stop.since, sort=DebitStop.since, priority=1),
        columns.text("worked", "Seen to by", lambda line: line.stop.worked_by, priority=3),
        columns.code("subject", "About", lambda line: line.stop.subject_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(DebitStop.subject_id == text, DebitStop.customer_id == text, DebitStop.payment_method_id == text)

    def lines(self, rows: Sequence[DebitStop]) -> Sequence[Line]:
        customers = queries.payers([stop.customer_id for stop in rows])
        return [Line(stop, customers.get(stop.customer_id or "")) for stop in rows]

    def line_url(self, line: Line) -> str | None:
        return url_for(".details", key=line.stop.id)

    @expose("/new")
    @needs(Permission.METHOD_MANAGE)
    def new(self) -> ResponseReturnValue:
        """Stop debits from a customer by hand."""
        typed = proof.unfinished() if "again" in request.args else request.args
        return self._new_page(typed.get("customer", ""), typed.get("words", ""))

    @expose("/new", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def create(self) -> ResponseReturnValue:
        """The same, for good."""
        typed = {name: request.form.get(name, "").strip() for name in ("customer", "words")}
        if all(typed.values()) and (ask := proof.missing(url_for(".new", again="yes"), typed=typed)):
            return ask
        try:
            number = operations.stop_customer(
                typed["customer"], account_id=current_account_id(), words=typed["words"], actor=current_actor()
            )
        except DomainError as refusal:
            return self._new_page(typed["customer"], typed["words"], error=str(refusal), status=refusal.status)
        flash("Nothing is debited from this customer any more.", "success")
        return redirect(url_for(".details", key=number), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One stop: why it stands, what hangs on it, and how to close the case."""
        return self._page(find(DebitStop, key, what="stop"))

    @expose("/<key>/close", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def close(self, key: str) -> ResponseReturnValue:
        """Somebody has seen to it."""
        return self._change(key, operations.close, "Closed. The stop itself stands.")

    @expose("/<key>/lift", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def lift(self, key: str) -> ResponseReturnValue:
        """Take back what was stopped by hand."""
        if request.form.get("words", "").strip() and (ask := proof.missing(url_for(".details", key=key))):
            return ask
        return self._change(key, operations.lift, "Lifted. Debits from this customer may go on.")

    def _change(self, key: str, change: Callable[..., None], done: str) -> ResponseReturnValue:
        stop, words = find(DebitStop, key, what="stop"), request.form.get("words", "")
        try:
            change(stop.id, account_id=stop.account_id, words=words, actor=current_actor())
        except DomainError as refusal:
            return self._page(find(DebitStop, key, what="stop"), words=words, error=str(refusal), status=refusal.status)
        flash(done, "success")
        return redirect(url_for(".details", key=key), 303)

    def _page(self, stop: DebitStop, *, words: str = "", error: str = "", status: int = 200) -> ResponseReturnValue:
        acts = [
            {"at": act.at, "title": sentence(act), "text": act.reason, "icon": "user", "tone": "note"}
            for act in trail.of(stop.subject_type, stop.subject_id)
            if (act.after or {}).get("stop") == stop.id
        ]
        page = self.render(
            "debits/stop.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            stop=stop,
            detail=(stop.detail or "").replace("_", " ").capitalize() or None,
            customer=queries.payers([stop.customer_id]).get(stop.customer_id or ""),
            called=called,
            method=queries.method(stop.payment_method_id),
            subscriptions=queries.subscriptions_of(stop.customer_id),
            timeline=history.newest_first(acts, history.told([stop.subject_id])),
            words=words,
            error=error,
            may_manage=may(Permission.METHOD_MANAGE),
        )
        return make_response(page, status)

    def _new_page(self, customer: str, words: str, *, error: str = "", status: int = 200) -> ResponseReturnValue:
        page = self.render(
            "debits/new_stop.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            customer=customer[:255],
            payer=queries.payers([customer]).get(customer) if customer.isprintable() else None,
            called=called,
            words=words,
            error=error,
        )
        return make_response(page, status)
