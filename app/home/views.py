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
    """Tiles, most urgent first; what is at zero is left out."""
    tiles = [
        *(_disputes() if may(Permission.DISPUTE_READ) else []),
        *(_approvals() if may(Permission.APPROVAL_READ) else []),
        *(_holds() if may(Permission.CHARGE_CAPTURE) else []),
        *(_reviews() if may(Permission.RISK_READ) else []),
        *(_refunds() if may(Permission.REFUND_READ) else []),
        *(_events() if may(Permission.EVENT_READ) else []),
    ]
    return [tile for tile in tiles if tile["figure"] != "0"]


def _disputes() -> list[dict[str, Any]]:
    url = url_for("disputes.index_view", status="answer")
    return [
        _due("Chargebacks to answer", *queries.disputes_to_answer(inquiries=False), url, tone="bad"),
        _due("Inquiries to answer", *queries.disputes_to_answer(inquiries=True), url, tone="wait"),
    ]


def _due(label: str, number: int, first: datetime | None, url: str, *, tone: str) -> dict[str, Any]:
    hint = Markup("First due {}").format(when(first, "relative")) if first else ""
    return _tile(label, number, url, icon="gavel", tone=tone, hint=hint)


def _approvals() -> list[dict[str, Any]]:
    person = current_person()
    number = number_to_decide(person) if person else 0
    url = url_for("approvals.index_view")
    return [_tile("Requests to decide", number, url, icon="clipboard-check", tone="wait", hint="Asked by others")]


def _holds() -> list[dict[str, Any]]:
    number = queries.holds_ending(clock.now() + SOON)
    url = url_for("authorisations.index_view")
    return [_tile("Authorisations ending", number, url, icon="hourglass", tone="bad", hint="Within 24 hours")]


def _reviews() -> list[dict[str, Any]]:
    url = url_for("reviews.index_view")
    return [
        _tile(
            "Payments to review", queries.reviews_open(), url, icon="shield", tone="wait", hint="Set aside for a look"
        )
    ]


def _refunds() -> list[dict[str, Any]]:
    failed = queries.refunds_failed(clock.now() - FAILED_WITHIN)
    checked = queries.refunds_without_answer()
    failed_url = url_for("refunds.index_view", status="failed")
    checked_url = url_for("refunds.index_view", status="requested")
    return [
        _tile("Refunds that failed", failed, failed_url, icon="receipt-refund", tone="bad", hint="Within 30 days"),
        _tile(
            "Refunds being checked",
            checked,
            checked_url,
            icon="hourglass",
            tone="wait",
            hint="No answer from Stripe yet",
        ),
    ]


def _events() -> list[dict[str, Any]]:
    stuck = queries.events_stuck(clock.now() - STUCK_AFTER)
    return [_tile("Events not understood", stuck, url_for("webhooks.index_view"), icon="webhook", tone="note", hint="")]


def _tile(label: str, number: int, url: str, **more: Any) -> dict[str, Any]:
    figure = f"{queries.MANY}+" if number >= queries.MANY else str(number)
    return {"label": label, "figure": figure, "url": url, **more}
