"""Entries of the trail for readers who may not see persons: who acted stays readable, whom it was about is masked."""

from collections.abc import Mapping
from typing import Any

from app.audit.sentences import sentence
from app.models.audit_log import AuditLog
from app.web.admin import sees
from app.web.history import Entry
from app.web.people import visible

# Colleagues are no secret to who reads the trail: acts about them, and where an act about something else names one.
_OF_STAFF = frozenset({"staff", "role", "alert_rule", "api_key"})
_COLLEAGUES = frozenset({"asked_by", "approved_by", "invited_by", "made_by", "by", "owner"})
# Of a list or a batch, and never of a person.
_PLAIN = frozenset({"name"})


def readable(entry: AuditLog, *, of: str | None = None) -> AuditLog:
    """The entry as the person of this request may read it: itself, or a copy that belongs to no session.

    of: the customer it is about, on the pages about that customer.
    """
    if sees(of):
        return entry
    copy = AuditLog(**{column.key: getattr(entry, column.key) for column in AuditLog.__table__.columns})
    copy.reason = visible(entry.reason)
    if entry.actor_kind == "customer":
        copy.actor, copy.ip = visible(entry.actor), None
    if entry.object_type not in _OF_STAFF:
        copy.object_id = visible(entry.object_id)
        copy.before, copy.after = _fields(entry.before), _fields(entry.after)
    return copy


def as_entry(entry: AuditLog, *, of: str | None = None) -> Entry:
    """One line of the timeline of a thing."""
    by_staff = entry.actor_kind in {"staff", "api_key"}
    shown = readable(entry, of=of)
    return {
        "at": entry.at,
        "title": sentence(shown),
        "text": shown.reason,
        "icon": "user" if by_staff else "arrows-exchange",
        "tone": "note" if by_staff else "calm",
    }


def _fields(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {name: _field(name, value) for name, value in fields.items()}


def _field(name: str, value: Any) -> Any:
    if name in _COLLEAGUES:
        return value
    return visible(value) if name in _PLAIN else visible({name: value})[name]
