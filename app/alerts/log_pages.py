"""What was told: a list, and one alert with each try to hand it over."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from app.alerts.shown import CHANNEL_NAMES, label_of_kind, receiver
from app.database import db
from app.models.alert import STATES, AlertDelivery, AlertTry
from app.web import columns
from app.web.admin import expose
from app.web.filters import ChoiceFilter, DateFilter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission


class AlertLogView(ListView[AlertDelivery, AlertDelivery]):
    """/admin/alerts/log"""

    model = AlertDelivery
    permission = Permission.ALERT_MANAGE
    endpoint = "alert_log"
    section_url = "/admin/alerts/log"
    title = "Alerts sent"
    lead = "What was told to whom, and what the receiver answered."
    in_menu = False
    noun = ("alert", "alerts")
    order = "raised"
    empty_title = "Nothing was told yet"
    empty_text = "Each alert appears here with its tries, tests included."
    columns = (
        columns.text("text", "What", lambda sent: sent.text, priority=1),
        columns.status("state", "State", "alert", lambda sent: sent.state),
        columns.text("how", "How", lambda sent: CHANNEL_NAMES[sent.channel.kind], priority=3),
        columns.text("to", "To", lambda sent: receiver(sent.channel), priority=2),
        columns.text("answer", "Answer", lambda sent: sent.answer, priority=3),
        columns.number("tries", "Tries", lambda sent: sent.tries, priority=3),
        columns.instant("raised", "When", lambda sent: sent.raised_at, sort=AlertDelivery.raised_at, priority=1),
    )
    filters = (
        ChoiceFilter(
            name="state",
            label="State",
            options=[(state, state.capitalize()) for state in STATES],
            match=equals(AlertDelivery.state),
        ),
        TextFilter(name="object", label="About (id)", match=equals(AlertDelivery.object_id)),
        DateFilter(name="raised", label="Day (UTC)", column=AlertDelivery.raised_at),
    )

    def rows(self) -> Select[Any]:
        return super().rows().options(joinedload(AlertDelivery.channel))

    def line_url(self, line: AlertDelivery) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One alert, and each try."""
        sent = find(AlertDelivery, key, what="alert")
        tries = select(AlertTry).where(AlertTry.delivery_id == sent.id).order_by(AlertTry.id)
        return self.render(
            "alerts/sent.html",
            breadcrumbs=[("Alerts", url_for("alerts.index_view")), (self.title, url_for(".index_view"))],
            sent=sent,
            label=label_of_kind(sent.kind),
            channel=CHANNEL_NAMES[sent.channel.kind],
            to=receiver(sent.channel),
            tries=list(db.session.scalars(tries)),
        )
