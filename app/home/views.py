"""The start page: what waits for this person, and the newest payments."""

from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app import clock
from app.approvals.queries import number_to_decide
from app.home import queries
from app.models.held import SOON
from app.web.admin import HomeView, expose, may
from app.web.formatting import when
from app.web.permissions import Permission
from app.web.sessions import current_person

# A failed refund older than this was seen by somebody, or never will be.
FAILED_WITHIN = timedelta(days=30)
# An event is understood within seconds; one that waits longer is stuck.
STUCK_AFTER = timedelta(minutes=5)


class TodayView(HomeView):
    """/admin/"""

    menu_keys = "g h"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Only what this person may open is counted."""
        if not may(Permission.CHARGE_READ):
            return super().index()
        return self.render("home/index.html", needs_me=_needs_me(), payments=queries.newest_payments())


def _needs_me() -> list[dict[str, Any]]:
    """Tiles, most urgent first; what is at zero, or not this person's to open, is left out."""
    found = queries.answered(_parts())
    waits = found.get
    person = current_person()
    to_decide = number_to_decide(person) if person and may(Permission.APPROVAL_READ) else 0
    disputes_url = url_for("disputes.index_view", status="answer")
    tiles = [
        _due("Chargebacks to answer", waits("chargebacks", 0), waits("chargeback_due"), disputes_url, tone="bad"),
        _due("Inquiries to answer", waits("inquiries", 0), waits("inquiry_due"), disputes_url, tone="wait"),
        _tile(
            "Requests to decide",
            to_decide,
            url_for("approvals.index_view"),
            icon="checkup-list",
            tone="wait",
            hint="Asked by others",
        ),
        _tile(
            "Authorisations ending",
            waits("holds", 0),
            url_for("authorisations.index_view"),
            icon="hourglass",
            tone="bad",
            hint="Within 24 hours",
        ),
        _tile(
            "Fraud warnings to decide",
            waits("fraud_warnings", 0),
            url_for("fraud_warnings.index_view"),
            icon="alert-triangle",
            tone="bad",
            hint="Before they are disputed",
        ),
        _tile(
            "Payments to review",
            waits("reviews", 0),
            url_for("reviews.index_view"),
            icon="eye",
            tone="wait",
            hint="Set aside for a look",
        ),
        _tile(
            "Debits stopped",
            waits("debit_stops", 0),
            url_for("debit_stops.index_view", state="open"),
            icon="ban",
            tone="bad",
            hint="Nobody has seen to them",
        ),
        _tile(
            "Refunds that failed",
            waits("refunds_failed", 0),
            url_for("refunds.index_view", status="failed"),
            icon="receipt-refund",
            tone="bad",
            hint="Within 30 days",
        ),
        _tile(
            "Refunds being checked",
            waits("refunds_checked", 0),
            url_for("refunds.index_view", status="requested"),
            icon="hourglass",
            tone="wait",
            hint="No answer from Stripe yet",
        ),
        _tile(
            "Acts without an answer",
            waits("acts", 0),
            url_for("acts.index_view", state="needs_person"),
            icon="send",
            tone="bad",
            hint="Stripe shows no trace of them",
        ),
        _tile(
            "Events not understood",
            waits("events_dead", 0) + waits("events_late", 0),
            url_for("webhooks.index_view"),
            icon="webhook",
            tone="note",
            hint="",
        ),
    ]
    return [tile for tile in tiles if tile["figure"] != "0"]


def _parts() -> dict[str, queries.Part]:
    """What is asked of the database for this person."""
    now = clock.now()
    return {
        **(queries.disputes() if may(Permission.DISPUTE_READ) else {}),
        **(queries.holds(ending_before=now + SOON) if may(Permission.CHARGE_CAPTURE) else {}),
        **(queries.fraud_warnings() if may(Permission.FRAUD_RESOLVE) else {}),
        **(queries.reviews() if may(Permission.RISK_READ) else {}),
        **(queries.debit_stops() if may(Permission.METHOD_MANAGE) else {}),
        **(queries.refunds(failed_since=now - FAILED_WITHIN) if may(Permission.REFUND_READ) else {}),
        **(queries.acts() if may(Permission.ACT_READ) else {}),
        **(queries.events(stuck_since=now - STUCK_AFTER) if may(Permission.EVENT_READ) else {}),
    }


def _due(label: str, number: int, first: datetime | None, url: str, *, tone: str) -> dict[str, Any]:
    hint = Markup("First due {}").format(when(first, "relative")) if first else ""
    return _tile(label, number, url, icon="gavel", tone=tone, hint=hint)


def _tile(label: str, number: int, url: str, **more: Any) -> dict[str, Any]:
    figure = f"{queries.MANY}+" if number >= queries.MANY else str(number)
    return {"label": label, "figure": figure, "url": url, **more}
