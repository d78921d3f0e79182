"""The log of what programs asked of us."""

from flask import url_for
from sqlalchemy import ColumnElement, select

from app.models.api_call import ApiCall
from app.models.api_key import ApiKey
from app.web import columns
from app.web.admin import may
from app.web.filters import ChoiceFilter, DateFilter, NumberFilter, TextFilter, equals, one_of
from app.web.listing import ListView
from app.web.permissions import Permission

_ANSWERS = {
    "good": ApiCall.status.between(200, 399),
    "refused": ApiCall.status.between(400, 499),
    "broken": ApiCall.status.between(500, 599),
}


def _of_key(text: str) -> ColumnElement[bool]:
    # Whoever pastes a whole key finds it by the part that is no secret.
    return ApiCall.key_id.in_(select(ApiKey.id).where(ApiKey.prefix == text[:20]))


def _key(call: ApiCall) -> str | None:
    return f"{call.key.name} ({call.key.prefix})" if call.key else None


class ApiCallsView(ListView[ApiCall, ApiCall]):
    """/admin/api-calls"""

    permission = Permission.EVENT_READ
    endpoint = "api_calls"
    section_url = "/admin/api-calls"
    title = "Calls from programs"
    group = "Machinery"
    icon = "robot"
    model = ApiCall
    noun = ("call", "calls")
    lead = "Every call with a key, for seven days. Calls without one that works are kept up to sixty a minute."
    search_hint = "Request id"
    order = "at"
    empty_title = "No program called"
    empty_text = "The first call with a key appears here."
    filters = (
        TextFilter(name="key", label="Key, as it begins", match=_of_key),
        ChoiceFilter(
            name="answer",
            label="Answer",
            options=[("good", "Done"), ("refused", "Refused"), ("broken", "Our fault")],
            match=one_of(_ANSWERS),
        ),
        NumberFilter(name="status", label="Status", column=ApiCall.status),
        TextFilter(name="route", label="Route", match=equals(ApiCall.route)),
        NumberFilter(name="took", label="Milliseconds", column=ApiCall.duration_ms),
        DateFilter(name="at", label="Day (UTC)", column=ApiCall.at),
    )
    columns = (
        columns.text("key", "Key", _key, priority=1),
        columns.text("call", "Call", lambda call: f"{call.method} {call.route or 'no such address'}", priority=1),
        columns.number("status", "Status", lambda call: call.status, priority=1),
        columns.number("took", "ms", lambda call: call.duration_ms),
        columns.code("request", "Request id", lambda call: call.request_id, priority=3),
        columns.instant("at", "When", lambda call: call.at, sort=ApiCall.at, priority=1),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return ApiCall.request_id == text

    def line_url(self, line: ApiCall) -> str | None:
        return url_for("api_keys.details", key=line.key_id) if line.key_id and may(Permission.API_KEY_MANAGE) else None
