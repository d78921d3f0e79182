"""The page of what became of disputes, and the same as a file."""

from typing import Any, ClassVar

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from app.disputes.results import DIMENSIONS, Result, behind, label_of, results, total, undated
from app.errors import BadRequest
from app.models.dispute import Dispute
from app.web import witness
from app.web.accounts import current_account_id
from app.web.admin import StaffView, expose, may
from app.web.export import csv_answer
from app.web.filters import DateFilter
from app.web.permissions import Need, Permission, needs

_CLOSED = DateFilter(name="closed", label="Closed (UTC)", column=Dispute.closed_at)


class DisputeResultsView(StaffView):
    """/admin/dispute-results"""

    permission: ClassVar[Need] = Permission.DISPUTE_READ
    endpoint = "dispute_results"
    section_url = "/admin/dispute-results"
    title = "Dispute results"
    group = "Money"
    icon = "scale"

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """One table for each currency."""
        by, days, found = _asked()
        return self.render(
            "disputes/results.html",
            by=by,
            dimensions=[
                (label, _url(".index_view", {"by": name, **days}), name == by)
                for name, (label, _) in DIMENSIONS.items()
            ],
            days=days,
            tables=[
                (code, [_line(one, by, days) for one in lines], _line(total(lines), by, days))
                for code, lines in found.items()
            ],
            label=DIMENSIONS[by][0],
            undated=undated(current_account_id()) if days else 0,
            csv_url=_url(".export_csv", {"by": by, **days}) if may(Permission.EXPORT) else None,
        )

    @expose("/export.csv")
    @needs(Permission.EXPORT)
    def export_csv(self) -> Response:
        """The same lines. Who took them is written down."""
        by, days, found = _asked()
        witness.saw("list.exported", "list", self.endpoint, after={"filters": [f"By: {by}", *days.values()]})
        heading = [
            "Settled in",
            DIMENSIONS[by][0],
            "Fought",
            "Won",
            "Lost",
            "Won in percent",
            "Recovered",
            "Fees",
            "Net",
        ]
        lines = [
            [
                one.currency.upper(), label_of(by, one.key), one.fought, one.won, one.lost,
                f"{one.permille // 10}.{one.permille % 10}", one.recovered, one.fees, one.net,
            ]
            for of_currency in found.values()
            for one in of_currency
        ]  # fmt: skip
        return csv_answer(self.endpoint, heading, iter([lines] if lines else []))


def _asked() -> tuple[str, dict[str, str], dict[str, list[Result]]]:
    by = request.args.get("by") or "reason"
    if by not in DIMENSIONS:
        raise BadRequest("Results are not told apart by that.")
    chosen = _CLOSED.read(request.args)
    values = {"closed_from": chosen.value, "closed_to": chosen.value_to} if chosen else {}
    days = {name: value for name, value in values.items() if value}
    return by, days, results(current_account_id(), by, *([chosen.condition] if chosen else []))


def _line(result: Result, by: str, days: dict[str, str]) -> dict[str, Any]:
    """A line with the lists behind its cells."""
    urls = {status: _url("disputes.index_view", behind(result, by, status, days)) for status in ("all", "won", "lost")}
    return {"result": result, "label": label_of(by, result.key) if result.key else "All", "urls": urls}


def _url(endpoint: str, asked: dict[str, str]) -> str:
    return url_for(endpoint, _external=False, **asked)
