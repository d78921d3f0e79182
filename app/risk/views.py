"""Risk: payments set aside for a look, payments that were blocked, and the shop's own block list."""

from collections.abc import Mapping, Sequence
from typing import ClassVar
from uuid import uuid4

from flask import current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select, or_

from app.audit import trail
from app.audit.sentences import sentence
from app.database import db
from app.errors import DomainError
from app.gateways.current import gateway
from app.mirror import accounts
from app.models.act import Act
from app.models.block_list_item import BlockListItem
from app.models.charge import Charge
from app.models.review import Review
from app.risk import operations, queries
from app.risk.block_lists import ITEM_TYPES
from app.risk.forms import BlockForm, BlockPaymentForm, DecisionForm
from app.risk.lines import Reviewed, as_choice, blocked_because, shown
from app.web import columns, history
from app.web.admin import expose, may
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals, one_of
from app.web.listing import ListView
from app.web.lookup import find
from app.web.pages import page_of
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


class ReviewsView(ListView[Review, Reviewed]):
    """/admin/reviews"""

    permission = Permission.RISK_READ
    endpoint = "reviews"
    title = "Reviews"
    group = "Risk"
    icon = "eye"
    model = Review
    noun = ("review", "reviews")
    lead = "Payments that a rule or a person set aside for somebody to look at."
    search_hint = "Review, payment or payment intent id"
    order = "opened"
    empty_title = "Nothing to review"
    empty_text = "Payments that Radar sets aside appear here."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="status",
            label="Status",
            options=[("open", "Open"), ("closed", "Closed")],
            match=one_of({"open": Review.open.is_(True), "closed": Review.open.is_(False)}),
        ),
        DateFilter(name="opened", label="Day (UTC)", column=Review.created_at),
    )
    columns = (
        columns.amount("amount", "Amount", lambda line: line.charge.total if line.charge else None),
        columns.status("status", "Status", "review", lambda line: line.review.state),
        columns.text("risk", "Risk", lambda line: line.risk, priority=1),
        columns.text("by", "Set aside by", lambda line: line.opened_by),
        columns.text("country", "Paid from", lambda line: line.review.country, priority=3),
        columns.instant("opened", "Opened", lambda line: line.review.created_at, sort=Review.created_at, priority=1),
        columns.code("charge", "Payment", lambda line: line.review.charge_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Review.id == text, Review.charge_id == text, Review.payment_intent_id == text)

    def lines(self, rows: Sequence[Review]) -> Sequence[Reviewed]:
        found = queries.charges(review.charge_id for review in rows)
        return [Reviewed(review, found.get(review.charge_id or "")) for review in rows]

    def line_url(self, line: Reviewed) -> str | None:
        return url_for(".details", key=line.review.id)

    @expose("/<key>", methods=("GET",))
    def details(self, key: str) -> ResponseReturnValue:
        """One review, with the payment it is about and the two ways to end it."""
        return self._page(find(Review, key, what="review"), DecisionForm.fresh())

    @expose("/<key>", methods=("POST",))
    @needs(Permission.RISK_DECIDE)
    def approve(self, key: str) -> ResponseReturnValue:
        """Say that the payment is good. The same form sent twice is one approval."""
        review, form = find(Review, key, what="review"), DecisionForm(request.form)
        if not form.validate():
            return self._page(review, form, status=400)
        try:
            operations.approve_review(
                review.id,
                promise_id=form.promise_id,
                words=form.words.data or "",
                actor=current_actor(),
                gateway=gateway(),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._page(find(Review, key, what="review"), form, status=refusal.status)
        return redirect(url_for(".details", key=key), 303)

    def _page(self, review: Review, form: DecisionForm, *, status: int = 200) -> ResponseReturnValue:
        charge = queries.charges([review.charge_id]).get(review.charge_id or "")
        act = queries.newest_act("review", review.id)
        page = self.render(
            "risk/review.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            line=Reviewed(review, charge),
            review=review,
            charge=charge,
            form=form,
            act=act,
            act_url=page_of("act", str(act.id)) if act and act.needs_person else None,
            may_decide=may(Permission.RISK_DECIDE),
            may_refund=may(Permission.REFUND_CREATE),
            timeline=history.newest_first(
                [
                    {"at": act.at, "title": sentence(act), "text": act.reason, "icon": "user", "tone": "note"}
                    for act in trail.of("review", review.id)
                ],
                history.told([review.id]),
            ),
        )
        return make_response(page, status)


class BlockedView(ListView[Charge, Charge]):
    """/admin/blocked-payments"""

    permission = Permission.RISK_READ
    endpoint = "blocked"
    section_url = "/admin/blocked-payments"
    title = "Blocked payments"
    group = "Risk"
    icon = "ban"
    model = Charge
    noun = ("blocked payment", "blocked payments")
    lead = "Stopped by Stripe's fraud protection or the shop's own rules before they reached the bank."
    search_hint = "Payment or customer id, last 4 digits"
    order = "created"
    empty_title = "Nothing was blocked"
    filters: ClassVar[Sequence[Filter]] = (
        AmountFilter(name="amount", label="Amount", column=Charge.amount, currency=Charge.currency),
        TextFilter(name="currency", label="Currency", match=lambda text: Charge.currency == text.lower()),
        TextFilter(name="reason", label="Reason", match=lambda text: Charge.outcome_reason == text.lower()),
        DateFilter(name="created", label="Day (UTC)", column=Charge.created_at),
    )
    columns = (
        columns.amount("amount", "Amount", lambda charge: charge.total),
        columns.text("reason", "Blocked because of", blocked_because, priority=1),
        columns.text("risk", "Risk", lambda charge: (charge.risk_level or "").replace("_", " ").capitalize()),
        columns.text("country", "Country of the card", lambda charge: charge.country, priority=3),
        columns.instant("created", "Date", lambda charge: charge.created_at, sort=Charge.created_at, priority=1),
        columns.code("customer", "Customer", lambda charge: charge.customer_id, priority=3),
        columns.code("id", "Payment", lambda charge: charge.id, priority=3),
    )

    def rows(self) -> Select[Charge]:
        return super().rows().where(Charge.outcome_type == "blocked")

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Charge.id == text, Charge.customer_id == text, Charge.last4 == text)

    def line_url(self, line: Charge) -> str | None:
        return url_for("charges.details", key=line.id)


class BlockListView(ListView[BlockListItem, BlockListItem]):
    """/admin/block-list"""

    permission = Permission.RISK_READ
    endpoint = "block_list"
    section_url = "/admin/block-list"
    title = "Block list"
    group = "Risk"
    icon = "shield-lock"
    model = BlockListItem
    noun = ("entry", "entries")
    lead = "Cards, e-mail addresses and customers that cannot pay here any more. Stripe keeps the list; this is a copy."
    search_hint = "Fingerprint, e-mail address, customer id"
    order = "created"
    empty_title = "Nothing is blocked"
    empty_text = "Open a payment to block its card or customer."
    template: ClassVar[str] = "risk/block_list.html"
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="what", label="What", options=list(ITEM_TYPES.items()), match=equals(BlockListItem.item_type)
        ),
        ChoiceFilter(
            name="state",
            label="State",
            options=[("on", "On the list"), ("off", "Removed")],
            match=one_of({"on": BlockListItem.removed_at.is_(None), "off": BlockListItem.removed_at.is_not(None)}),
        ),
    )
    columns = (
        columns.text("value", "Blocked", shown, priority=1),
        columns.text("what", "What", lambda item: ITEM_TYPES.get(item.item_type, item.item_type), priority=1),
        columns.text("state", "State", lambda item: "Removed" if item.removed_at else "On the list"),
        columns.instant("created", "Since", lambda item: item.created_at, sort=BlockListItem.created_at, priority=1),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(BlockListItem.value == text, BlockListItem.value == text.lower())

    def line_url(self, line: BlockListItem) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new", methods=("GET",))
    @needs(Permission.RISK_DECIDE)
    def new(self) -> ResponseReturnValue:
        """The form; with `?charge=ch_…` it offers what can be blocked about that payment, `what` chosen among it."""
        if key := request.args.get("charge", ""):
            form = BlockPaymentForm(promise=str(uuid4()), item_type=request.args.get("what"))
            return self._payment_page(find(Charge, key, what="payment"), form)
        return self._form_page(BlockForm.fresh())

    @expose("/of-payment", methods=("POST",))
    @needs(Permission.RISK_DECIDE)
    def add_of_payment(self) -> ResponseReturnValue:
        """Put the card, the address or the customer of a payment on Stripe's list. The same form sent twice is one entry."""
        charge, form = find(Charge, request.form.get("charge", ""), what="payment"), BlockPaymentForm(request.form)
        values = dict(queries.values_of(charge))
        if not form.offer(_choices(charge, values)).validate():
            return self._payment_page(charge, form, status=400)
        key, item_type = charge.id, form.item_type.data
        try:
            act = operations.block(
                item_type,
                values[item_type],
                account_id=_account_id(),
                promise_id=form.promise_id,
                words=form.words.data or "",
                actor=current_actor(),
                gateway=gateway(),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._payment_page(find(Charge, key, what="payment"), form, status=refusal.status)
        flash(*_came_of(act))
        return redirect(url_for("charges.details", key=key), 303)

    @expose("/new", methods=("POST",))
    @needs(Permission.RISK_DECIDE)
    def add(self) -> ResponseReturnValue:
        """Put it on Stripe's list. The same form sent twice is one entry."""
        form = BlockForm(request.form)
        if not form.validate():
            return self._form_page(form, status=400)
        try:
            act = operations.block(
                form.item_type.data,
                form.value.data or "",
                account_id=_account_id(),
                promise_id=form.promise_id,
                words=form.words.data or "",
                actor=current_actor(),
                gateway=gateway(),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._form_page(form, status=refusal.status)
        flash(*_came_of(act))
        return redirect(url_for(".index_view"), 303)

    @expose("/read-again", methods=("POST",))
    @needs(Permission.SYNC)
    def read_again(self) -> ResponseReturnValue:
        """Take over what the lists at Stripe hold now."""
        try:
            number = operations.read_lists(_account_id(), actor=current_actor(), gateway=gateway())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(f"Read again: {number} on the list.", "success")
        return redirect(url_for(".index_view"), 303)

    @expose("/<key>", methods=("GET",))
    def details(self, key: str) -> ResponseReturnValue:
        return self._entry_page(find(BlockListItem, key, what="entry"), DecisionForm.fresh())

    @expose("/<key>", methods=("POST",))
    @needs(Permission.RISK_DECIDE)
    def remove(self, key: str) -> ResponseReturnValue:
        """Take it off the list."""
        item, form = find(BlockListItem, key, what="entry"), DecisionForm(request.form)
        if not form.validate():
            return self._entry_page(item, form, status=400)
        try:
            act = operations.unblock(
                item.id,
                promise_id=form.promise_id,
                words=form.words.data or "",
                actor=current_actor(),
                gateway=gateway(),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._entry_page(find(BlockListItem, key, what="entry"), form, status=refusal.status)
        if act.refusal:
            flash(f"Stripe refused: {act.refusal}", "error")
        return redirect(url_for(".details", key=key), 303)

    def _form_page(self, form: BlockForm, *, status: int = 200) -> ResponseReturnValue:
        crumbs = [(self.title, url_for(".index_view"))]
        return make_response(self.render("risk/block.html", breadcrumbs=crumbs, form=form), status)

    def _payment_page(self, charge: Charge, form: BlockPaymentForm, *, status: int = 200) -> ResponseReturnValue:
        values = queries.values_of(charge)
        page = self.render(
            "risk/block_payment.html",
            breadcrumbs=[
                ("Payments", url_for("charges.index_view")),
                (charge.id, url_for("charges.details", key=charge.id)),
            ],
            charge=charge,
            form=form.offer(_choices(charge, dict(values))),
            listed=[ITEM_TYPES[item_type] for item_type in ITEM_TYPES if item_type in queries.on_the_list(values)],
        )
        return make_response(page, status)

    def _entry_page(self, item: BlockListItem, form: DecisionForm, *, status: int = 200) -> ResponseReturnValue:
        page = self.render(
            "risk/entry.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            item=item,
            shown=shown(item),
            what=ITEM_TYPES.get(item.item_type, item.item_type),
            form=form,
            may_decide=may(Permission.RISK_DECIDE),
        )
        return make_response(page, status)


def _choices(charge: Charge, values: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(item_type, as_choice(charge, item_type, value)) for item_type, value in values.items()]


def _came_of(act: Act) -> tuple[str, str]:
    """What to tell of a block, and how."""
    if act.refusal:
        return f"Stripe refused: {act.refusal}", "error"
    if act.is_in_flight:
        return "Stripe has not answered yet. It stands on the block list when it has.", "warning"
    return "It is on the block list: whoever pays with it is declined from now on.", "success"


def _account_id() -> int:
    """Ours, also where nothing of it has been read yet."""
    account_id = accounts.current(current_app.extensions["settings"].livemode).id
    db.session.rollback()  # nothing stays open while Stripe is asked
    return account_id
