"""Alert rules: who is told of what, when, and how."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.alerts import operations, wishes
from app.alerts.conditions import heading
from app.alerts.shown import CHANNEL_NAMES, LABELS, MEASURE_NAMES, label_of, receiver, state_of
from app.alerts.targets import Reach
from app.currencies import CURRENCIES
from app.database import db
from app.errors import BadRequest, DomainError
from app.models.alert import VIEW, AlertDelivery, AlertRule
from app.models.saved_view import SavedView
from app.settings import Settings
from app.web import columns, figures
from app.web.accounts import current_account_id
from app.web.admin import expose
from app.web.filters import ChoiceFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission
from app.web.sealing import Seal
from app.web.sessions import current_actor
from app.web.shelves import visible_to

_STATES = {
    "live": ("Live", "good"),
    "snoozed": ("Snoozed", "wait"),
    "broken": ("Broken", "bad"),
    "ended": ("Ended", "calm"),
}
_SHOWN = 10


class AlertRulesView(ListView[AlertRule, AlertRule]):
    """/admin/alerts"""

    model = AlertRule
    permission = Permission.ALERT_MANAGE
    endpoint = "alerts"
    title = "Alerts"
    lead = "Who is told of what, when, and how."
    group = "Oversight"
    icon = "bell"
    noun = ("rule", "rules")
    order = "made"
    empty_title = "No rules yet"
    empty_text = "Make one, and you are told before something is late."
    template = "alerts/list.html"
    columns = (
        columns.text("source", "Of what", label_of, priority=1),
        columns.text("when", "When", heading, priority=2),
        columns.text("to", "To", lambda rule: ", ".join(receiver(channel) for channel in rule.channels), priority=1),
        columns.text("state", "State", lambda rule: _STATES[state_of(rule)][0], priority=1),
        columns.text("by", "Made by", lambda rule: rule.made_by, priority=3),
        columns.instant("made", "Made", lambda rule: rule.created_at, sort=AlertRule.created_at, priority=3),
    )
    filters = (
        ChoiceFilter(
            name="source",
            label="Of what",
            options=(*LABELS.items(), (VIEW, "A saved view")),
            match=equals(AlertRule.source),
        ),
    )

    def rows(self) -> Select[Any]:
        return super().rows().options(joinedload(AlertRule.view), selectinload(AlertRule.channels))

    def line_url(self, line: AlertRule) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new", methods=("GET",))
    def new(self) -> ResponseReturnValue:
        """The form that makes a rule; `source` in the address chooses what of."""
        return self._form_page(request.args, "")

    @expose("/new", methods=("POST",))
    def create(self) -> ResponseReturnValue:
        """Make a rule, and show this once what its webhook is signed with."""
        typed, settings = request.form, _settings()
        try:
            wish = wishes.read(typed, views=_views(), maker_id=current_user.id)
            made = operations.add_rule(
                wish,
                account_id=current_account_id(),
                reach=Reach.of(settings),
                seal=Seal.for_alerts(settings.secret_key),
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._form_page(typed, str(refusal)), 400
        if made.secret:
            return self.render("alerts/made.html", breadcrumbs=self._way(), rule=made.rule, secret=made.secret)
        flash("From now on this is told.", "success")
        return redirect(url_for(".details", key=made.rule.id), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One rule."""
        return self._page(find(AlertRule, key, what="alert rule"))

    @expose("/<key>/test", methods=("POST",))
    def test(self, key: str) -> ResponseReturnValue:
        """Send a test through each of its channels."""
        rule = find(AlertRule, key, what="alert rule")
        done = "A test is on its way; what the receiver answers stands below in some seconds."
        return self._act(rule, lambda: operations.try_out(rule.id, actor=current_actor()), done)

    @expose("/<key>/snooze", methods=("POST",))
    def snooze(self, key: str) -> ResponseReturnValue:
        """Silence it until a time, with a remark."""
        rule = find(AlertRule, key, what="alert rule")
        typed = request.form
        try:
            until = _instant(typed.get("until", ""))
            operations.snooze(rule.id, until=until, remark=typed.get("remark", ""), actor=current_actor())
        except DomainError as refusal:
            db.session.rollback()
            return self._page(find(AlertRule, key, what="alert rule"), typed, str(refusal)), refusal.status
        flash("It is silent until then.", "success")
        return redirect(url_for(".details", key=rule.id), 303)

    @expose("/<key>/wake", methods=("POST",))
    def wake(self, key: str) -> ResponseReturnValue:
        """Let it tell again."""
        rule = find(AlertRule, key, what="alert rule")
        return self._act(rule, lambda: operations.wake(rule.id, actor=current_actor()), "It tells again.")

    @expose("/<key>/end", methods=("POST",))
    def end(self, key: str) -> ResponseReturnValue:
        """Tell nothing any more."""
        rule = find(AlertRule, key, what="alert rule")
        return self._act(rule, lambda: operations.end(rule.id, actor=current_actor()), "The rule has ended.")

    def _act(self, rule: AlertRule, act: Callable[[], object], done: str) -> ResponseReturnValue:
        back = url_for(".details", key=rule.id)
        try:
            act()
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(done, "success")
        return redirect(back, 303)

    def _page(self, rule: AlertRule, typed: Mapping[str, str] | None = None, error: str = "") -> str:
        state, tone = _STATES[state_of(rule)]
        lately = (
            select(AlertDelivery).where(AlertDelivery.rule_id == rule.id).options(joinedload(AlertDelivery.channel))
        )
        in_order = lately.order_by(AlertDelivery.raised_at.desc(), AlertDelivery.id.desc()).limit(_SHOWN)
        now = clock.now()
        return self.render(
            "alerts/rule.html",
            breadcrumbs=self._way(),
            rule=rule,
            label=label_of(rule),
            condition=heading(rule),
            view_url=_view_url(rule),
            channels=[(CHANNEL_NAMES[channel.kind], receiver(channel)) for channel in rule.channels],
            state=state,
            tone=tone,
            told=[(sent, receiver(sent.channel)) for sent in db.session.scalars(in_order)],
            typed=typed or {},
            error=error,
            usual_until=_as_typed(now + timedelta(hours=8)),
            latest_until=_as_typed(now + timedelta(days=31)),
            silent=rule.snoozed_until is not None and rule.snoozed_until > now,
        )

    def _form_page(self, typed: Mapping[str, str], error: str) -> str:
        return self.render(
            "alerts/new.html",
            breadcrumbs=self._way(),
            sources=list(LABELS.items()),
            views=[(f"{VIEW}:{key}", label) for key, label in _views().items()],
            measures=list(MEASURE_NAMES.items()),
            currencies=[(code, code.upper()) for code in sorted(CURRENCIES)],
            typed=typed,
            error=error,
        )

    def _way(self) -> list[tuple[str, str]]:
        return [(self.title, url_for(".index_view"))]


def _views() -> dict[str, str]:
    """The kept views this person can have watched, by their ids, with the lists they are of."""
    person = current_user._get_current_object()
    lists = {
        name: view
        for name, view in figures.lists().items()
        if person.may(view.permission) and figures.can_be_watched(view)
    }
    kept = select(SavedView.id, SavedView.name, SavedView.list_name).where(
        SavedView.account_id == current_account_id(), visible_to(person), SavedView.list_name.in_(lists)
    )
    rows = db.session.execute(kept.order_by(SavedView.list_name, SavedView.name)).all()
    return {str(row.id): f"{lists[row.list_name].title}: {row.name}" for row in rows}


def _view_url(rule: AlertRule) -> str | None:
    listed = figures.lists().get(rule.view.list_name) if rule.view else None
    return url_for(f"{listed.endpoint}.index_view", view=rule.view_id) if listed else None


def _instant(typed: str) -> datetime:
    """A day and a time in UTC, as browsers send them."""
    try:
        return datetime.fromisoformat(typed.strip()).replace(tzinfo=UTC)
    except ValueError as error:
        raise BadRequest("Write the time like 2026-11-27 08:00.") from error


def _as_typed(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M}"


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
