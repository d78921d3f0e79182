"""Whether what a rule asks for is so, and the alerts that make it known."""

from collections.abc import Callable
from datetime import datetime, timedelta

from app.alerts.found import AT_ONCE, Found
from app.alerts.sources import BY_NAME
from app.database import db
from app.errors import Conflict, DomainError
from app.models.alert import VIEW, AlertRule
from app.models.saved_view import SavedView
from app.models.staff import Staff
from app.money import MinorUnits, Money
from app.web import figures
from app.web.roles import permissions_of

# Counted on from where a rule is broken, so that most alerts can say how many there are.
_FURTHER = 1_000


class CannotBeAsked(Conflict):
    """Nobody can say whether it is so; the rule has to be looked after."""


def words(rule: AlertRule) -> str:
    """The condition as a phrase: `more than 10`, `more than 500.00 EUR together`, `older than 24 hours`."""
    lately = f" of the last {_hours(rule.within_hours)}" if rule.within_hours else ""
    if rule.measure == "sum":
        return f"more than {_money(rule.more_than, rule)} together{lately}"
    if rule.measure == "oldest":
        return f"older than {_hours(rule.more_than)}{lately}"
    return f"more than {rule.more_than}{lately}" if rule.more_than else f"any{lately}"


def heading(rule: AlertRule) -> str:
    """The same at the beginning of a line."""
    phrase = words(rule)
    return phrase[0].upper() + phrase[1:]


def from_source(rule: AlertRule, things: list[Found], now: datetime) -> list[Found]:
    """Of what a source found, what this rule tells: each thing, or their sum as one."""
    if rule.within_hours:
        begun = now - timedelta(hours=rule.within_hours)
        things = [thing for thing in things if thing.since is None or thing.since >= begun]
    if rule.measure == "oldest":
        old = now - timedelta(hours=rule.more_than)
        return [thing for thing in things if thing.since is not None and thing.since < old]
    if rule.measure == "sum":
        return _sum(rule, things)
    return things if len(things) > rule.more_than else []


def from_view(rule: AlertRule, now: datetime) -> list[Found]:
    """One alert with the figure, when the view's figure is above the rule's. Asked with the rights its maker has now.

    Raises:
        CannotBeAsked: in words for who looks after the rule.
    """
    view = db.session.get(SavedView, rule.view_id) if rule.view_id else None
    maker = db.session.get(Staff, rule.maker_id)
    if view is None:
        raise CannotBeAsked("The view was deleted. End this rule, and make one for another view.")
    listed = figures.lists().get(view.list_name)
    if maker is None or maker.deactivated_at is not None:
        raise CannotBeAsked(f"{rule.made_by} does not work here any more. Make the rule anew.")
    rights = permissions_of(maker.role)
    if listed is None or listed.permission not in rights:
        raise CannotBeAsked(f"{rule.made_by} may not open this list any more.")
    if view.owner_id != maker.id and maker.role not in view.shared_with:
        raise CannotBeAsked(f"The view is no longer shared with {rule.made_by}.")
    name, stored, view_id = f"{listed.title}, “{view.name}”", dict(view.asked), view.id
    since = now - timedelta(hours=rule.within_hours) if rule.within_hours else None
    try:
        with figures.seen_with(rights):
            said = _FIGURES[rule.measure](rule, listed, stored, since, now)
    except DomainError as refusal:
        raise CannotBeAsked(str(refusal)) from refusal
    if said is None:
        return []
    path = f"/admin/{listed.url.removeprefix('/admin/').strip('/')}/?view={view_id}"
    return [Found("view", str(view_id), f"{name}: {said}", path=path)]


def _number(
    rule: AlertRule, listed: figures.AnyList, stored: dict[str, object], since: datetime | None, _now: datetime
) -> str | None:
    limit = rule.more_than + _FURTHER
    found = figures.number(listed, stored, since=since, at_most=limit)
    if found <= rule.more_than:
        return None
    return f"{'at least ' if found == limit else ''}{found:,} found, {words(rule)}."


def _total(
    rule: AlertRule, listed: figures.AnyList, stored: dict[str, object], since: datetime | None, _now: datetime
) -> str | None:
    found = figures.total(listed, stored, since=since, currency=rule.currency or "")
    return f"{_money(found, rule)}, {words(rule)}." if found > rule.more_than else None


def _oldest(
    rule: AlertRule, listed: figures.AnyList, stored: dict[str, object], since: datetime | None, now: datetime
) -> str | None:
    found = figures.oldest(listed, stored, since=since)
    if found is None or found >= now - timedelta(hours=rule.more_than):
        return None
    return f"the oldest is from {found:%-d %b %Y, %H:%M} UTC, {words(rule)}."


_Figure = Callable[[AlertRule, figures.AnyList, dict[str, object], datetime | None, datetime], str | None]
_FIGURES: dict[str, _Figure] = {"number": _number, "sum": _total, "oldest": _oldest}


def _sum(rule: AlertRule, things: list[Found]) -> list[Found]:
    amounts = [thing.money.minor for thing in things if thing.money and thing.money.currency == rule.currency]
    if sum(amounts) <= rule.more_than:
        return []
    label = BY_NAME[rule.source].label if rule.source != VIEW else ""
    at_least = "at least " if len(things) == AT_ONCE else ""
    return [Found("alert_rule", str(rule.id), f"{label}: {at_least}{_money(sum(amounts), rule)}, {words(rule)}.")]


def _money(minor: int, rule: AlertRule) -> Money:
    return Money(MinorUnits(minor), rule.currency or "")


def _hours(hours: int) -> str:
    return "1 hour" if hours == 1 else f"{hours} hours"
