"""The log of what we asked Stripe to change, for developers."""

from collections.abc import Sequence
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_

from app.models.gateway_call import GatewayCall
from app.web import columns
from app.web.admin import expose
from app.web.calls import Asked
from app.web.filters import ChoiceFilter, DateFilter, NumberFilter, TextFilter, equals, one_of
from app.web.formatting import from_macro
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission

_ENDS = {
    "good": GatewayCall.status.between(200, 399),
    "refused": GatewayCall.status.between(400, 499),
    "broken": GatewayCall.status.between(500, 599),
    "silent": GatewayCall.status.is_(None),
}


def _badge(asked: Any) -> Markup:
    return from_macro("status", "badge", asked.words, asked.tone)


class GatewayCallsView(ListView[GatewayCall, Asked]):
    """/admin/gateway-calls: writes only; reads are in the logs."""

    permission = Permission.EVENT_READ
    endpoint = "gateway_calls"
    section_url = "/admin/gateway-calls"
    title = "Calls to Stripe"
    group = "Machinery"
    icon = "terminal-2"
    model = GatewayCall
    of_account = False
    noun = ("call", "calls")
    lead = "Every write to Stripe from here, each attempt of it, without personal data."
    search_hint = "Request id, idempotency key, object id"
    order = "at"
    empty_title = "Nothing was asked yet"
    empty_text = "The first refund, capture or approval appears here."
    filters = (
        ChoiceFilter(
            name="end",
            label="Answer",
            options=[("good", "Done"), ("refused", "Refused"), ("broken", "Stripe’s fault"), ("silent", "No answer")],
            match=one_of(_ENDS),
        ),
        TextFilter(name="object", label="Object id", match=equals(GatewayCall.object_id)),
        TextFilter(
            name="path", label="Path", match=lambda text: GatewayCall.path.startswith(text.lower(), autoescape=True)
        ),
        NumberFilter(name="took", label="Milliseconds", column=GatewayCall.duration_ms),
        DateFilter(name="at", label="Day (UTC)", column=GatewayCall.at),
    )
    columns = (
        columns.text("call", "Call", lambda asked: asked.what, priority=1),
        columns.Column(
            name="answer",
            label="Answer",
            show=_badge,
            exports=(("Status", lambda asked: asked.call.status), ("Error", lambda asked: asked.call.error)),
            priority=1,
        ),
        columns.code("object", "Object", lambda asked: asked.call.object_id, priority=3),
        columns.number("took", "ms", lambda asked: asked.call.duration_ms),
        columns.code("request", "Request id", lambda asked: asked.call.request_id, priority=3),
        columns.code("key", "Idempotency key", lambda asked: asked.call.idempotency_key, priority=3),
        columns.instant("at", "When", lambda asked: asked.call.at, sort=GatewayCall.at, priority=1),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(GatewayCall.idempotency_key == text, GatewayCall.object_id == text, GatewayCall.request_id == text)

    def lines(self, rows: Sequence[GatewayCall]) -> Sequence[Asked]:
        return [Asked(row) for row in rows]

    def line_url(self, line: Asked) -> str | None:
        return url_for(".details", key=line.call.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One attempt, with what was sent."""
        asked = Asked(find(GatewayCall, key, what="call", of_account=False))
        return self.render(
            "calls/details.html", breadcrumbs=[(self.title, url_for(".index_view"))], asked=asked, call=asked.call
        )
