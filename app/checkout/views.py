"""Payment links: who made them, for what, and who has paid."""

from collections.abc import Sequence
from typing import ClassVar

import segno
from flask import current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_

from app import clock
from app.audit import trail
from app.audit.sentences import sentence
from app.checkout import links
from app.checkout.forms import PaymentLinkForm
from app.errors import DomainError
from app.models.payment_link import PaymentLink
from app.settings import Settings
from app.web import columns, history
from app.web.accounts import current_account_id
from app.web.admin import expose, may
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_VISITS_SHOWN = 50


def _in_state(chosen: str) -> ColumnElement[bool]:
    """As PaymentLink.state: the first that fits. What is compared with nothing is not true, and `IS TRUE` says so."""
    closed, over = PaymentLink.closed_at.is_not(None), PaymentLink.expires_at <= clock.now()
    used_up = PaymentLink.uses >= PaymentLink.max_uses
    states: dict[str, ColumnElement[bool]] = {
        "open": ~closed & used_up.is_not(True) & over.is_not(True),
        "used_up": ~closed & used_up,
        "expired": ~closed & used_up.is_not(True) & over,
        "closed": closed,
    }
    return states[chosen]


class PaymentLinksView(ListView[PaymentLink, PaymentLink]):
    """/admin/payment_links"""

    permission = Permission.CHARGE_READ
    endpoint = "payment_links"
    title = "Payment links"
    group = "Money"
    icon = "link"
    model = PaymentLink
    noun = ("link", "links")
    lead = "Whoever has one pays a fixed amount on Stripe’s page."
    search_hint = "What is paid for, customer id"
    order = "made"
    template = "checkout/links.html"
    empty_title = "No payment link yet"
    empty_text = "Make one, and send it to whoever should pay."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="state",
            label="State",
            options=[("open", "Open"), ("used_up", "Used up"), ("expired", "Expired"), ("closed", "Closed")],
            match=_in_state,
        ),
        AmountFilter(name="amount", label="Amount", column=PaymentLink.amount, currency=PaymentLink.currency),
        DateFilter(name="made", label="Made (UTC)", column=PaymentLink.created_at),
        TextFilter(name="customer", label="Customer id", match=equals(PaymentLink.customer_id)),
    )
    columns = (
        columns.amount("amount", "Amount", lambda link: link.price, priority=1),
        columns.text("title", "For what", lambda link: link.title, priority=1),
        columns.status("state", "State", "payment_link", lambda link: link.state),
        columns.number("uses", "Paid", lambda link: link.uses),
        columns.number("max_uses", "Of at most", lambda link: link.max_uses, priority=3),
        columns.instant("made", "Made", lambda link: link.created_at, sort=PaymentLink.created_at, priority=1),
        columns.instant("until", "Good until", lambda link: link.expires_at, priority=3),
        columns.text("by", "By", lambda link: link.created_by, priority=3),
        columns.code("customer", "Customer", lambda link: link.customer_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(PaymentLink.title.icontains(text, autoescape=True), PaymentLink.customer_id == text)

    def lines(self, rows: Sequence[PaymentLink]) -> Sequence[PaymentLink]:
        return rows

    def line_url(self, line: PaymentLink) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new")
    @needs(Permission.PAYMENT_LINK_MANAGE)
    def new(self) -> ResponseReturnValue:
        """Make a link."""
        form = PaymentLinkForm.fresh()
        form.currency.data, form.max_uses.data = "eur", 1
        form.customer.data = request.args.get("customer", "")[:255]
        return self._form_page(form)

    @expose("/new", methods=("POST",))
    @needs(Permission.PAYMENT_LINK_MANAGE)
    def create(self) -> ResponseReturnValue:
        """The same, for good. A form that is sent twice makes one link."""
        form = PaymentLinkForm(request.form)
        if not form.validate():
            return self._form_page(form, status=422)
        try:
            link_id = links.make(
                promise=form.promise_id,
                account_id=current_account_id(),
                title=form.title.data or "",
                price=form.price,
                customer_id=form.customer.data or None,
                max_uses=form.max_uses.data,
                expires_at=form.expires_at,
                actor=current_actor(),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._form_page(form, status=refusal.status)
        flash("The link is ready: copy it, and send it to whoever should pay.", "success")
        return redirect(url_for(".details", key=link_id), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One link: its address, its picture for a phone, and who came by it."""
        return self._page(find(PaymentLink, key, what="payment link"))

    @expose("/<key>/close", methods=("POST",))
    @needs(Permission.PAYMENT_LINK_MANAGE)
    def close(self, key: str) -> ResponseReturnValue:
        """Nobody pays by it any more."""
        link, words = find(PaymentLink, key, what="payment link"), request.form.get("words", "")
        try:
            links.close(link.id, account_id=link.account_id, words=words, actor=current_actor())
        except DomainError as refusal:
            found = find(PaymentLink, key, what="payment link")
            return self._page(found, words=words, error=str(refusal), status=refusal.status)
        flash("Closed. Pages of Stripe that are open are closed as well, within a minute.", "success")
        return redirect(url_for(".details", key=key), 303)

    def _page(self, link: PaymentLink, *, words: str = "", error: str = "", status: int = 200) -> ResponseReturnValue:
        settings: Settings = current_app.extensions["settings"]
        address = settings.domain + url_for("checkout.start", token=link.token)
        acts = [
            {"at": act.at, "title": sentence(act), "text": act.reason, "icon": "user", "tone": "note"}
            for act in trail.of("payment_link", str(link.id))
            if act.action in {"payment_link.made", "payment_link.closed"}
        ]
        page = self.render(
            "checkout/link.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            link=link,
            address=address,
            # On white in the dark as well: most cameras read no light code on a dark ground.
            picture=segno.make(address, error="m", micro=False).svg_data_uri(
                scale=4, border=3, light="#fff", dark="#000"
            ),
            visits=links.visits_of(link.id, limit=_VISITS_SHOWN),
            visits_shown=_VISITS_SHOWN,
            timeline=history.newest_first(acts),
            words=words,
            error=error,
            may_manage=may(Permission.PAYMENT_LINK_MANAGE),
        )
        return make_response(page, status)

    def _form_page(self, form: PaymentLinkForm, *, status: int = 200) -> ResponseReturnValue:
        page = self.render("checkout/new.html", breadcrumbs=[(self.title, url_for(".index_view"))], form=form)
        return make_response(page, status)
