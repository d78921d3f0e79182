"""The disputes, those that wait for an answer first; read only for now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_

from app import clock
from app.mirror import raw
from app.models.dispute import OPEN, Dispute
from app.remarks import queries as remarks
from app.remarks.queries import tag_filter
from app.web import columns, history
from app.web.admin import expose, may
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, one_of
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission

_STATES = {
    "answer": Dispute.status.in_(["needs_response", "warning_needs_response", "appeal_needs_response"]),
    "open": Dispute.status.in_(OPEN),
    "won": Dispute.status == "won",
    "lost": Dispute.status == "lost",
    "inquiry": Dispute.status.like(r"warning\_%"),
    "prevented": Dispute.status == "prevented",
}
_STATE_WORDS = {"answer": "Waits for our answer", "inquiry": "Inquiries only"}


class DisputesView(ListView[Dispute, Dispute]):
    """/admin/disputes"""

    permission = Permission.DISPUTE_READ
    endpoint = "disputes"
    title = "Disputes"
    group = "Money"
    icon = "gavel"
    menu_keys = "g d"
    model = Dispute
    noun = ("dispute", "disputes")
    lead = "Banks that take money back, or ask about a payment."
    search_hint = "Dispute or payment id"
    order = "created"
    ids_lead_on = True
    empty_title = "No disputes"
    empty_text = "May it stay like this."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="status",
            label="Status",
            options=[(state, _STATE_WORDS.get(state, state.capitalize())) for state in _STATES],
            match=one_of(_STATES),
        ),
        TextFilter(name="reason", label="Reason", match=lambda text: Dispute.reason == text.lower().replace(" ", "_")),
        AmountFilter(name="amount", label="Amount", column=Dispute.amount, currency=Dispute.currency),
        DateFilter(name="due", label="Due (UTC)", column=Dispute.due_at),
        DateFilter(name="created", label="Day (UTC)", column=Dispute.created_at),
        tag_filter(Dispute),
    )
    columns = (
        columns.amount("amount", "Amount", lambda dispute: dispute.money),
        columns.status("status", "Status", "dispute", lambda dispute: dispute.status),
        columns.text("reason", "Reason", lambda dispute: dispute.reason.replace("_", " ").capitalize()),
        columns.instant("due", "Due", lambda dispute: dispute.due_at if dispute.is_open else None, priority=1),
        columns.instant("created", "Opened", lambda dispute: dispute.created_at, sort=Dispute.created_at),
        columns.code("charge", "Payment", lambda dispute: dispute.charge_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Dispute.id == text, Dispute.charge_id == text, Dispute.payment_intent_id == text)

    def line_url(self, line: Dispute) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One dispute."""
        dispute = find(Dispute, key, what="dispute")
        return self.render(
            "disputes/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            dispute=dispute,
            urgency=urgency(dispute.due_at),
            timeline=history.newest_first(
                history.told([dispute.id], without={"charge.dispute.created"}),
                [
                    history.entry(
                        dispute.created_at, "Dispute opened", tone="bad", icon="gavel", actor="Customer's bank"
                    )
                ],
            ),
            raw=raw.unpack(dispute.raw) if may(Permission.PERSONAL_READ) else None,
            remarks=remarks.about(dispute),
            may_note=may(Permission.NOTE_WRITE),
        )


def urgency(due_at: datetime | None) -> str:
    """The tone of a deadline: bad within a day, wait within three."""
    left = due_at - clock.now() if due_at else timedelta.max
    return "bad" if left < timedelta(days=1) else "wait" if left < timedelta(days=3) else "calm"
