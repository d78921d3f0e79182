"""Rules and channels as people read them; an address never shows more than whoever looks may know."""

from app.alerts.sources import SOURCES
from app.models.alert import VIEW, AlertChannel, AlertRule
from app.web import figures
from app.web.columns import personal

CHANNEL_NAMES = {"mail": "Mail", "slack": "Slack, incoming webhook", "webhook": "Signed webhook"}
MEASURE_NAMES = {
    "number": "How many there are",
    "sum": "How much they are together",
    "oldest": "How old the oldest is, in hours",
}
LABELS = {source.name: source.label for source in SOURCES}


def receiver(channel: AlertChannel) -> str:
    """An address as this person may see it; of a URL only where it leads, for Slack's is itself a secret."""
    return personal(channel.shown) or "" if channel.kind == "mail" else channel.shown


def label_of(rule: AlertRule) -> str:
    """What it is about."""
    if rule.source != VIEW:
        return LABELS.get(rule.source, rule.source)
    if rule.view is None:
        return "A view that was deleted"
    listed = figures.lists().get(rule.view.list_name)
    return f"{listed.title if listed else rule.view.list_name}, “{rule.view.name}”"


def label_of_kind(kind: str) -> str:
    """What an alert in the log was about."""
    return {"test": "A test", VIEW: "A view"}.get(kind) or LABELS.get(kind, kind)


def state_of(rule: AlertRule) -> str:
    """ended, broken, snoozed or live."""
    if rule.ended_at:
        return "ended"
    return "broken" if rule.trouble else "snoozed" if rule.snoozed_until else "live"
