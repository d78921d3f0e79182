"""The refunds: a list, a page for each, and the form that makes one."""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID, uuid4

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement, or_
from sqlalchemy.orm import InstrumentedAttribute

from app.audit import trail
from app.audit.masked import as_entry
from app.database import db
from app.errors import DomainError
from app.gateways.current import gateway
from app.mirror import erased, raw
from app.models.approval import Approval
from app.models.charge import Charge
from app.models.refund import Refund
from app.money import Money
from app.refunds import allowances, approved, cases, credit_notes, recovery, traces, words, written
from app.refunds.allowances import AboveLimit
from app.refunds.forms import RefundForm
from app.refunds.limits import is_large
from app.refunds.operations import refund_charge
from app.refunds.trace_form import TraceForm
from app.remarks import queries as remarks
from app.remarks.queries import tag_filter
from app.web import columns, history, in_sql, people, proof
from app.web.admin import expose, may
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals, one_of
from app.web.guard import unattended
from app.web.history import Entry
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_FINE = 200
_STATUSES = {
    "requested": "Being sent or checked",
    "pending": "Pending",
    "requires_action": "Needs customer action",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "canceled": "Canceled",
    "refused": "Refused",
}
_MADE = {"here": Refund.requested_by.is_not(None), "outside": Refund.requested_by.is_(None)}


def _reason(refund: Refund) -> str | None:
    """In the words of who asked, else what Stripe was told."""
    return visible(refund.reason_text) or (refund.reason.replace("_", " ").capitalize() if refund.reason else None)


class RefundsView(ListView[Refund, Refund]):
    """/admin/refunds"""

    permission = Permission.REFUND_READ
    endpoint = "refunds"
    title = "Refunds"
    group = "Money"
    icon = "receipt-refund"
    menu_keys = "g r"
    model = Refund
    noun = ("refund", "refunds")
    lead = "Money on its way back, wherever it was started."
    search_hint = "Refund or payment id, who asked"
    order = "created"
    ids_lead_on = True
    empty_title = "No refunds yet"
    empty_text = "Open a payment to start one."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="status",
            label="Status",
            options=list(_STATUSES.items()),
            match=equals(Refund.status),
        ),
        ChoiceFilter(
            name="made",
            label="Started",
            options=[("here", "Here"), ("outside", "Outside, in Stripe")],
            match=one_of(_MADE),
        ),
        AmountFilter(name="amount", label="Amount", column=Refund.amount, currency=Refund.currency),
        TextFilter(name="currency", label="Currency", match=lambda text: Refund.currency == text.lower()),
        DateFilter(name="created", label="Day (UTC)", column=Refund.created_at),
        TextFilter(name="by", label="Asked for by", match=lambda text: Refund.requested_by == text.lower()),
        TextFilter(name="charge", label="Payment id", match=equals(Refund.charge_id)),
        tag_filter(Refund),
    )
    columns = (
        columns.amount(
            "amount", "Amount", lambda refund: refund.money, written=in_sql.amount(Refund.amount, Refund.currency)
        ),
        columns.status("status", "Status", "refund", lambda refund: refund.state, written=(written.STATE,)),
        columns.text("by", "Who", lambda refund: refund.requested_by or "Outside", priority=1, written=(written.BY,)),
        columns.text("reason", "Reason", _reason, priority=3, written=(written.REASON,)),
        columns.instant(
            "created",
            "Date",
            lambda refund: refund.created_at,
            sort=Refund.created_at,
            priority=1,
            written=(in_sql.instant(Refund.created_at),),
        ),
        columns.code(
            "charge", "Payment", lambda refund: refund.charge_id, priority=3, written=(in_sql.words(Refund.charge_id),)
        ),
    )

    template = "refunds/list.html"

    def search(self, text: str) -> ColumnElement[bool]:
        named: list[InstrumentedAttribute[str | None]] = [Refund.stripe_id, Refund.charge_id, Refund.payment_intent_id]
        return or_(Refund.requested_by == text.lower(), *(column == text for column in named))

    def line_url(self, line: Refund) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new", methods=("GET",))
    @needs(Permission.REFUND_CREATE)
    def new(self) -> ResponseReturnValue:
        """The form for one payment: `?charge=ch_…`; with `again`, as it was before the password was asked for."""
        charge = find(Charge, request.args.get("charge", ""), what="payment")
        begun = proof.unfinished() if "again" in request.args else {}
        return self._form_page(RefundForm.begun(charge, begun))

    @expose("/new", methods=("POST",))
    @needs(Permission.REFUND_CREATE)
    def create(self) -> ResponseReturnValue:
        """Give money back. The same form sent twice leads to the same refund."""
        form = RefundForm(request.form)
        form.charge = find(Charge, request.form.get("charge", ""), what="payment")
        if not form.validate():
            return self._form_page(form, status=400)
        back = url_for(".new", charge=form.charge.id, again="yes")
        if _is_much(form.money) and (ask := proof.missing(back, typed=form.typed)):
            return ask
        try:
            refund = refund_charge(
                form.charge.id,
                form.money,
                promise_id=form.promise_id,
                reason=form.reason.data,
                reason_text=form.words.data or "",
                actor=current_actor(),
                gateway=gateway(),
                credit_note=bool(form.credit_note.data),
            )
        except AboveLimit as limit:
            return self._ask_others(form, limit)
        except DomainError as refusal:
            form.show(refusal)
            return self._form_page(form, status=refusal.status)
        return redirect(url_for(".details", key=refund.id), 303)

    def _ask_others(self, form: RefundForm, limit: AboveLimit) -> ResponseReturnValue:
        try:
            approval = approved.ask_for(
                form.charge.id,
                form.money,
                promise_id=form.promise_id,
                reason=form.reason.data,
                reason_text=form.words.data or "",
                limit=limit,
                actor=current_actor(),
                credit_note=bool(form.credit_note.data),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._form_page(form, status=refusal.status)
        return redirect(url_for("approvals.details", key=approval.id), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One refund; while nobody knows what became of it, the page looks again by itself."""
        return self._page(find(Refund, key, what="refund"), TraceForm.fresh())

    def _page(self, refund: Refund, form: TraceForm, *, status: int = 200) -> ResponseReturnValue:
        """form: where else the trace number goes; with another status, what is wrong with it is shown."""
        of = people.payer_of(refund.charge_id)
        page = self.render(
            "refunds/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            refund=refund,
            of=of,
            tone=words.tone(refund),
            next_step=words.next_step(refund),
            timeline=_timeline(refund, of),
            agreed_by=_agreed_by(refund),
            note=credit_notes.note_of(refund),
            note_act=credit_notes.act_of(refund),
            raw=people.whole(raw.unpack(refund.raw), of=of) if refund.raw else None,
            is_erased=erased.knows(refund.stripe_id),
            remarks=remarks.about(refund, of=of),
            may_note=may(Permission.NOTE_WRITE),
            may_close=refund.status == "failed" and not refund.closed_at and may(Permission.REFUND_CREATE),
            may_tell=bool(refund.trace_reference) and may(Permission.MAIL_SEND),
            promise=uuid4(),
            may_withdraw=refund.needs_person and may(Permission.REFUND_CREATE),
            trace_form=form,
            trace_open=status != _FINE,
        )
        return make_response(page, status)

    @expose("/<key>/state")
    @unattended
    def state(self, key: str) -> ResponseReturnValue:
        """What the page of a refund in flight asks every few seconds."""
        return {"state": find(Refund, key, what="refund").state}

    @expose("/<key>/close", methods=("POST",))
    @needs(Permission.REFUND_CREATE)
    def close(self, key: str) -> ResponseReturnValue:
        """A failed refund was looked after."""
        refund_id = find(Refund, key, what="refund").id
        try:
            cases.close(refund_id, reason_text=request.form.get("words", ""), actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        return redirect(url_for(".details", key=refund_id), 303)

    @expose("/<key>/withdraw", methods=("POST",))
    @needs(Permission.REFUND_CREATE)
    def withdraw(self, key: str) -> ResponseReturnValue:
        """Give up a refund that never reached Stripe."""
        refund_id = find(Refund, key, what="refund").id
        try:
            recovery.withdraw(
                refund_id, reason_text=request.form.get("words", ""), actor=current_actor(), gateway=gateway()
            )
        except DomainError as refusal:
            flash(str(refusal), "error")
        return redirect(url_for(".details", key=refund_id), 303)

    @expose("/<key>/trace", methods=("POST",))
    @needs(Permission.MAIL_SEND)
    def send_trace(self, key: str) -> ResponseReturnValue:
        """Write the trace number to the customer once more."""
        refund_id = find(Refund, key, what="refund").id
        try:
            promise_id = UUID(request.form.get("promise", ""))
            traces.send_again(refund_id, promise_id=promise_id, actor=current_actor())
        except ValueError:
            flash("This form is damaged. Open the page again and start anew.", "error")
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("The trace number is on its way to the customer.", "success")
        return redirect(url_for(".details", key=refund_id), 303)

    @expose("/<key>/trace-elsewhere", methods=("POST",))
    @needs(Permission.MAIL_SEND)
    def send_trace_elsewhere(self, key: str) -> ResponseReturnValue:
        """Write the trace number to another address, typed twice, with a reason."""
        refund, form = find(Refund, key, what="refund"), TraceForm(request.form)
        if not form.validate():
            return self._page(refund, form, status=400)
        refund_id = refund.id
        try:
            traces.send_elsewhere(
                refund_id,
                form.to.data or "",
                promise_id=form.promise_id,
                words=form.words.data or "",
                actor=current_actor(),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._page(find(Refund, key, what="refund"), form, status=refusal.status)
        flash("The trace number is on its way to that address.", "success")
        return redirect(url_for(".details", key=refund_id), 303)

    def _form_page(self, form: RefundForm, *, status: int = 200) -> ResponseReturnValue:
        charge = form.charge
        page = self.render(
            "refunds/new.html",
            breadcrumbs=[
                ("Payments", url_for("charges.index_view")),
                (charge.id, url_for("charges.details", key=charge.id)),
            ],
            charge=charge,
            form=form,
            obstacle=charge.refund_obstacle,
            inquiry=charge.open_inquiry,
            allowed=_allowed(charge.currency),
            waiting=approved.waiting_for(charge.id),
            invoice=credit_notes.invoice_of(charge),
        )
        return make_response(page, status)


def _allowed(currency: str) -> allowances.Allowance | None:
    """What the form says of limits; who looks through another role sees that role's."""
    if current_user.seen_as:
        return allowances.allowance_of_role(current_user.seen_as, currency)
    return allowances.allowance(current_user.email, currency)


def _agreed_by(refund: Refund) -> list[str]:
    approval = db.session.get(Approval, refund.approval_id) if refund.approval_id else None
    return approval.approved_by if approval else []


def _is_much(amount: Money) -> bool:
    """With what this person gave back since their password was last asked for."""
    return is_large(amount + allowances.given_since(current_user.email, amount.currency, current_user.proved_at))


def _timeline(refund: Refund, of: str | None) -> list[Entry]:
    acts = trail.of("refund", str(refund.id))
    # Stripe's answer to our question and its event are the same happening.
    twice = (
        {"refund.created", "charge.refund.updated"} if any(act.action == "refund.answered" for act in acts) else set()
    )
    done = [as_entry(act, of=of) for act in acts]
    return history.newest_first(done, history.told([refund.stripe_id], without=twice))
