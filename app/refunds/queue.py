"""The list of refunds that somebody has to look after, or that still wait."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import url_for
from sqlalchemy import ColumnElement, Select, and_, or_

from app import clock
from app.models.refund import REQUESTED, Refund
from app.refunds import cases, words
from app.web import columns
from app.web.filters import ChoiceFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.permissions import Permission

_QUEUES = {
    "act": "Need a person",
    "failed": "Failed",
    "pending": "Pending",
    "late": "Pending for more than 10 business days",
    "stuck": "Without Stripe's answer",
}


def _queue(value: str) -> ColumnElement[bool]:
    """Asked at each request: what is late changes by the hour."""
    queues: dict[str, ColumnElement[bool]] = {
        "act": cases.to_look_after(),
        "failed": Refund.status == "failed",
        "pending": cases.WAITING,
        "late": cases.late(),
        "stuck": and_(Refund.status == REQUESTED),
    }
    return queues[value]


def _why(refund: Refund) -> str | None:
    said = refund.failure_reason if refund.status == "failed" else refund.pending_reason
    return said.replace("_", " ").capitalize() if said else None


class RefundQueueView(ListView[Refund, Refund]):
    """/admin/refund-queue"""

    permission = Permission.REFUND_READ
    endpoint = "refund_queue"
    section_url = "/admin/refund-queue"
    title = "Refunds to look after"
    icon = "receipt-refund"
    in_menu = False
    model = Refund
    noun = ("refund", "refunds")
    lead = "Failed, stuck and pending refunds, each with what to do next. A person closes those that failed."
    search_hint = "Refund or payment id"
    order = "created"
    newest_first = False
    empty_title = "Nothing to look after"
    empty_text = "Refunds that fail or wait for too long appear here."
    template = "refunds/list.html"
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="queue", label="Queue", options=tuple(_QUEUES.items()), match=_queue),
        ChoiceFilter(
            name="pending",
            label="Waits for",
            options=tuple((code, code.replace("_", " ").capitalize()) for code in words.PENDING),
            match=equals(Refund.pending_reason),
        ),
        TextFilter(name="by", label="Asked for by", match=lambda text: Refund.requested_by == text.lower()),
    )
    columns = (
        columns.amount("amount", "Amount", lambda refund: refund.money),
        columns.status("status", "Status", "refund", lambda refund: refund.state),
        columns.text("why", "Because", _why),
        columns.text("next", "What to do", words.next_step, priority=2),
        columns.number(
            "age", "Business days", lambda refund: cases.business_days(refund.since, clock.now()), priority=1
        ),
        columns.text("by", "Who", lambda refund: refund.requested_by or "Outside", priority=3),
        columns.instant("created", "Date", lambda refund: refund.created_at, sort=Refund.created_at, priority=3),
    )

    def rows(self) -> Select[Any]:
        return super().rows().where(cases.UNCLOSED)

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Refund.stripe_id == text, Refund.charge_id == text)

    def line_url(self, line: Refund) -> str | None:
        return url_for("refunds.details", key=line.id)
