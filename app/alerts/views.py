"""Alerts: the rules, what was told, and one's own digest."""

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.alerts import digest, operations
from app.alerts.sources import SOURCES
from app.errors import BadRequest, DomainError
from app.models.alert import STATES, AlertDelivery, AlertRule
from app.settings import Settings
from app.web import columns
from app.web.accounts import current_account_id
from app.web.admin import StaffView, expose
from app.web.columns import personal
from app.web.filters import ChoiceFilter, DateFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import SIGNED_IN, Permission, needs
from app.web.sessions import current_actor

_SNOOZES = ((1, "1 hour"), (8, "8 hours"), (24, "1 day"), (168, "1 week"))
_LABELS = {source.name: source.label for source in SOURCES}
_CHANNELS = (("mail", "Mail"), ("slack", "Slack, incoming webhook"), ("webhook", "Signed webhook"))


def _target(rule: AlertRule) -> str:
    """An address as this person may see it; of a URL only where it leads, for Slack's is itself a secret."""
    if rule.channel == "mail":
        return personal(rule.target) or ""
    return rule.target.split("/")[2]


def _state(rule: AlertRule) -> str:
    return "ended" if rule.ended_at else "snoozed" if rule.snoozed_until else "live"


class AlertRulesView(ListView[AlertRule, AlertRule]):
    """/admin/alerts"""

    model = AlertRule
    permission = Permission.ALERT_MANAGE
    endpoint = "alerts"
    title = "Alerts"
    lead = "Who is told of what, and how."
    group = "Oversight"
    icon = "bell"
    noun = ("rule", "rules")
    order = "made"
    empty_title = "No rules yet"
    empty_text = "Make one, and you are told before something is late."
    template = "alerts/list.html"
    columns = (
        columns.text("source", "Of what", lambda rule: _LABELS.get(rule.source, rule.source), priority=1),
        columns.text("channel", "How", lambda rule: dict(_CHANNELS)[rule.channel], priority=2),
        columns.text("target", "To", _target, priority=1),
        columns.text("state", "State", lambda rule: _state(rule).capitalize(), priority=1),
        columns.text("by", "Made by", lambda rule: rule.made_by, priority=3),
        columns.instant("made", "Made", lambda rule: rule.created_at, sort=AlertRule.created_at, priority=3),
    )
    filters = (
        ChoiceFilter(name="source", label="Of what", options=tuple(_LABELS.items()), match=equals(AlertRule.source)),
    )

    def line_url(self, line: AlertRule) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new", methods=("GET",))
    def new(self) -> ResponseReturnValue:
        """The form that makes a rule."""
        return self._form_page({}, "")

    @expose("/new", methods=("POST",))
    def create(self) -> ResponseReturnValue:
        """Make a rule."""
        typed, settings = request.form, _settings()
        try:
            rule = operations.add_rule(
                account_id=current_account_id(),
                source=typed.get("source", ""),
                more_than=_number(typed.get("more_than", "0")),
                window_hours=_number(typed.get("window_hours", "24")),
                channel=typed.get("channel", ""),
                target=typed.get("target", ""),
                local=settings.alerts_local,
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._form_page(typed, str(refusal)), refusal.status
        flash("From now on this is told.", "success")
        return redirect(url_for(".details", key=rule.id), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One rule."""
        rule = find(AlertRule, key, what="alert rule")
        return self.render(
            "alerts/rule.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            rule=rule,
            label=_LABELS.get(rule.source, rule.source),
            channel=dict(_CHANNELS)[rule.channel],
            target=_target(rule),
            state=_state(rule),
            snoozes=_SNOOZES,
        )

    @expose("/<key>/test", methods=("POST",))
    def test(self, key: str) -> ResponseReturnValue:
        """Send a test to its receiver."""
        rule = find(AlertRule, key, what="alert rule")
        return self._act(rule, lambda: operations.try_out(rule.id, actor=current_actor()), "A test is on its way.")

    @expose("/<key>/snooze", methods=("POST",))
    def snooze(self, key: str) -> ResponseReturnValue:
        """Silence it for some hours."""
        rule = find(AlertRule, key, what="alert rule")
        hours = request.form.get("hours", "")
        return self._act(
            rule, lambda: operations.snooze(rule.id, hours=_number(hours), actor=current_actor()), "It is done."
        )

    @expose("/<key>/end", methods=("POST",))
    def end(self, key: str) -> ResponseReturnValue:
        """Tell nothing any more."""
        rule = find(AlertRule, key, what="alert rule")
        return self._act(rule, lambda: operations.end(rule.id, actor=current_actor()), "The rule has ended.")

    def _act(self, rule: AlertRule, act: object, done: str) -> ResponseReturnValue:
        back = url_for(".details", key=rule.id)
        try:
            act()  # type: ignore[operator]
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(done, "success")
        return redirect(back, 303)

    def _form_page(self, typed: object, error: str) -> str:
        return self.render(
            "alerts/new.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            sources=list(_LABELS.items()),
            channels=_CHANNELS,
            typed=typed,
            error=error,
        )


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
    columns = (
        columns.text("text", "What", lambda sent: sent.text, priority=1),
        columns.status("state", "State", "alert", lambda sent: sent.state),
        columns.text("to", "To", lambda sent: _target(sent.rule), priority=2),
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
        DateFilter(name="raised", label="Day (UTC)", column=AlertDelivery.raised_at),
    )

    def line_url(self, line: AlertDelivery) -> str | None:
        return url_for("alerts.details", key=line.rule_id)


class DigestView(StaffView):
    """/admin/digest"""

    permission = SIGNED_IN
    endpoint = "digest"
    title = "Daily digest"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Where I am, and whether I want it."""
        zone, wanted = digest.wish(current_user.id)
        return self.render("alerts/digest.html", zone=zone, wanted=wanted)

    @expose("/", methods=("POST",))
    @needs(SIGNED_IN)
    def save(self) -> ResponseReturnValue:
        """Keep it."""
        zone, wanted = request.form.get("zone", "").strip(), "wanted" in request.form
        try:
            digest.set_wish(current_user.id, zone=zone, wanted=wanted, actor=current_actor())
        except DomainError as refusal:
            return self.render("alerts/digest.html", zone=zone[:64], wanted=wanted, error=str(refusal)), refusal.status
        flash("It is kept.", "success")
        return redirect(url_for(".index_view"), 303)


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7):  # noqa: PLR2004 - more hours than a window has
        raise BadRequest("Write a whole number.")
    return int(text)
