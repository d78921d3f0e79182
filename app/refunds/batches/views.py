"""Batches of refunds: the list of them, the form, and one page from the check to the last refund."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from flask import Response, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.audit import trail
from app.audit.sentences import sentence
from app.errors import BadRequest, DomainError
from app.models.refund_batch import DRAFT, ROW_STATES, RUNNING, STATES, WAITING, RefundBatch
from app.refunds import allowances
from app.refunds.batches import operations, queries
from app.refunds.batches.forms import BatchForm
from app.refunds.batches.operations import Total
from app.refunds.batches.queries import Line
from app.refunds.limits import is_large
from app.web import columns, proof, witness
from app.web.accounts import current_account_id
from app.web.admin import expose, may
from app.web.export import csv_answer
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.guard import unattended
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_HEADING = ("Line", "Payment", "Charge", "Amount", "Currency", "State", "Why not", "Refund", "Reason", "Words")
_MANY_DIGITS = 9


class RefundBatchesView(ListView[RefundBatch, RefundBatch]):
    """/admin/refund-batches"""

    permission = Permission.REFUND_READ
    endpoint = "refund_batches"
    section_url = "/admin/refund-batches"
    title = "Refund batches"
    icon = "stack-2"
    in_menu = False
    model = RefundBatch
    noun = ("batch", "batches")
    lead = "Many refunds at once: checked first, then done one after the other."
    order = "made"
    empty_title = "No batches yet"
    empty_text = "Choose payments in their list, or upload a CSV file."
    template = "refunds/list.html"
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="state",
            label="State",
            options=[(state, state.capitalize()) for state in STATES],
            match=equals(RefundBatch.state),
        ),
        TextFilter(name="by", label="Made by", match=lambda text: RefundBatch.made_by == text.lower()),
        DateFilter(name="made", label="Day (UTC)", column=RefundBatch.made_at),
    )
    columns = (
        columns.text("name", "Batch", lambda batch: batch.name, priority=1),
        columns.status("state", "State", "refund_batch", lambda batch: batch.state),
        columns.text("by", "Made by", lambda batch: batch.made_by, priority=2),
        columns.text("words", "Why", lambda batch: batch.words, priority=3),
        columns.instant("made", "Made", lambda batch: batch.made_at, sort=RefundBatch.made_at, priority=1),
    )

    def line_url(self, line: RefundBatch) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new")
    @needs(Permission.REFUND_CREATE)
    def new(self) -> ResponseReturnValue:
        """The form, with the payments that were ticked in their list."""
        return self._form_page(BatchForm.fresh(request.args.getlist("charge"), reason=request.args.get("reason")))

    @expose("/new", methods=("POST",))
    @needs(Permission.REFUND_CREATE)
    def create(self) -> ResponseReturnValue:
        """Check the list, and keep what the check said. Nothing is given back yet."""
        form = BatchForm.sent(request)
        if not form.validate():
            return self._form_page(form, status=400)
        try:
            batch = operations.make(
                form.lines,
                batch_id=form.batch_id,
                account_id=current_account_id(),
                name=form.name,
                reason=form.reason.data,
                words=form.words.data or "",
                credit_notes=bool(form.credit_notes.data),
                actor=current_actor(),
            )
        except DomainError as refusal:
            form.show(refusal)
            return self._form_page(form, status=refusal.status)
        return redirect(url_for(".details", key=batch.id), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One batch: before it starts the check, then how far it is."""
        batch = find(RefundBatch, key, what="batch")
        state, after = _asked_lines()
        lines = queries.lines(batch.id, state=state, after=after)
        counts = queries.counts(batch.id)
        shown = queries.shown_state(batch)
        totals = operations.totals(batch.id)
        mine = batch.made_by == current_user.email and may(Permission.REFUND_CREATE)
        return self.render(
            "refunds/batches/details.html",
            breadcrumbs=[("Refunds", url_for("refunds.index_view")), (self.title, url_for(".index_view"))],
            batch=batch,
            shown=shown,
            counts=counts,
            progress=queries.progress(counts),
            totals=totals,
            together=operations.words_of(totals),
            limit=operations.above_limit(batch) if batch.state == DRAFT and mine else None,
            lines=lines,
            state=state,
            after=after,
            next_after=lines[-1].row.number if len(lines) == queries.PAGE else None,
            may_start=batch.state == DRAFT and mine and bool(queries.progress(counts)[1]),
            may_withdraw=batch.state in {DRAFT, WAITING, RUNNING} and may(Permission.REFUND_CREATE),
            timeline=_timeline(batch),
        )

    @expose("/<key>/state")
    @unattended
    def state(self, key: str) -> ResponseReturnValue:
        """What the page of a batch under way asks every few seconds."""
        batch = find(RefundBatch, key, what="batch")
        return {"state": _state(batch)}

    @expose("/<key>/result.csv")
    def result(self, key: str) -> Response:
        """Every line with what became of it. Who took it is written down."""
        batch = find(RefundBatch, key, what="batch")
        witness.saw("list.exported", "list", self.endpoint, after={"filters": [batch.name]})
        return csv_answer(f"refund-batch-{str(batch.id)[:8]}", _HEADING, _cells(queries.batches_of_lines(batch.id)))

    @expose("/<key>/start", methods=("POST",))
    @needs(Permission.REFUND_CREATE)
    def start(self, key: str) -> ResponseReturnValue:
        """Let it run, or ask others where it is above one's limits."""
        batch_id = find(RefundBatch, key, what="batch").id
        much = any(_is_much(total) for total in operations.totals(batch_id))
        if much and (ask := proof.missing(url_for(".details", key=batch_id))):
            return ask
        try:
            operations.start(batch_id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        return redirect(url_for(".details", key=batch_id), 303)

    @expose("/<key>/withdraw", methods=("POST",))
    @needs(Permission.REFUND_CREATE)
    def withdraw(self, key: str) -> ResponseReturnValue:
        """Nothing more of it begins."""
        batch_id = find(RefundBatch, key, what="batch").id
        try:
            operations.withdraw(batch_id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        return redirect(url_for(".details", key=batch_id), 303)

    def _form_page(self, form: BatchForm, *, status: int = 200) -> ResponseReturnValue:
        page = self.render(
            "refunds/batches/new.html",
            breadcrumbs=[("Refunds", url_for("refunds.index_view")), (self.title, url_for(".index_view"))],
            form=form,
        )
        return make_response(page, status)


def _asked_lines() -> tuple[str, int]:
    """Which lines the address asks for."""
    state, after = request.args.get("state", ""), request.args.get("after", "0")
    if state and state not in ROW_STATES:
        raise BadRequest("There is no such state of a line.")
    if not (after.isascii() and after.isdigit() and len(after) <= _MANY_DIGITS):
        raise BadRequest("A line is asked for by its number.")
    return state, int(after)


def _state(batch: RefundBatch) -> str:
    through, of = queries.progress(queries.counts(batch.id))
    return f"{queries.shown_state(batch)} {through} of {of}"


def _is_much(total: Total) -> bool:
    """With what this person gave back since their password was last asked for."""
    money = total.money
    return is_large(money + allowances.given_since(current_user.email, money.currency, current_user.proved_at))


def _cells(batches: Iterator[Sequence[Line]]) -> Iterator[Sequence[Sequence[object]]]:
    for lines in batches:
        yield [_cells_of(line) for line in lines]


def _cells_of(line: Line) -> Sequence[object]:
    row, refund = line.row, line.refund
    return (
        *(row.number, row.given, row.charge_id, row.money, (row.currency or "").upper(), line.state, line.words),
        *(refund.stripe_id if refund else None, row.reason, row.words),
    )


def _timeline(batch: RefundBatch) -> list[dict[str, object]]:
    return [
        {"at": act.at, "title": sentence(act), "text": act.reason, "icon": "user", "tone": "note"}
        for act in trail.of("refund_batch", str(batch.id))
    ]
