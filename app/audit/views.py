"""The trail as a list of sentences, and one entry with everything it holds."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_

from app.audit.masked import readable
from app.audit.sentences import SENTENCES, label, sentence
from app.database import db
from app.models.audit_log import ACTOR_KINDS, AuditLog
from app.models.erasure import Erasure
from app.web import columns
from app.web.admin import expose, sees
from app.web.asked import Asked
from app.web.columns import Column
from app.web.filters import ChoiceFilter, DateFilter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission


class AuditView(ListView[AuditLog, AuditLog]):
    """Who did what to what, newest first."""

    model = AuditLog
    permission = Permission.AUDIT_READ
    endpoint = "audit"
    title = "Audit trail"
    lead = "Who did what to what, and why. Entries are only ever added."
    group = "Oversight"
    icon = "history"
    noun = ("entry", "entries")
    of_account = False
    order = "id"
    search_hint = "Person, object or request id"
    empty_text = "Every act of a person or a job appears here."
    columns = (
        columns.text("what", "What happened", sentence, priority=1),
        columns.text("reason", "Reason", lambda entry: entry.reason, priority=2),
        columns.text("actor", "By", lambda entry: entry.actor, priority=3),
        columns.instant("at", "When", lambda entry: entry.at, priority=1),
        columns.text("action", "Act", lambda entry: label(entry.action), usual=False),
        columns.code("object", "Object", lambda entry: entry.object_id, priority=3),
        columns.text("ip", "From", lambda entry: entry.ip, priority=3),
        columns.number("id", "No.", lambda entry: entry.id, sort=AuditLog.id, priority=3),
        columns.text("kind", "Kind of actor", lambda entry: label(entry.actor_kind), usual=False),
        columns.text("thing", "Kind of object", lambda entry: entry.object_type, usual=False),
        columns.code("request", "Request id", lambda entry: entry.request_id, usual=False),
        columns.data("before", "Before", lambda entry: entry.before, usual=False),
        columns.data("after", "After", lambda entry: entry.after, usual=False),
        columns.code("hash", "Hash", lambda entry: entry.hash.hex(), usual=False),
    )
    filters = (
        ChoiceFilter(
            name="action",
            label="Act",
            options=tuple((action, label(action)) for action in SENTENCES),
            match=equals(AuditLog.action),
        ),
        ChoiceFilter(
            name="by",
            label="Kind of actor",
            options=tuple((kind, label(kind)) for kind in ACTOR_KINDS),
            match=equals(AuditLog.actor_kind),
        ),
        TextFilter(name="actor", label="Actor", match=equals(AuditLog.actor)),
        TextFilter(name="object", label="Object id", match=equals(AuditLog.object_id)),
        DateFilter(name="at", label="When", column=AuditLog.at),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(
            AuditLog.actor == text.lower(),
            AuditLog.object_id == text,
            AuditLog.request_id == text,
            _reasons().icontains(text, autoescape=True),
        )

    def lines(self, rows: Sequence[AuditLog]) -> Sequence[AuditLog]:
        """Each as this person may read it, made once for all of its columns."""
        return [readable(entry) for entry in rows]

    def exported(self, asked: Asked) -> Sequence[Column[Any]]:
        """Everything, where nobody chose: a trail without what was before and after, and without its hashes, is no evidence."""
        return asked.columns if asked.columns_chosen else self.columns

    def line_url(self, line: AuditLog) -> str:
        return self.get_url(".details", entry_id=line.id)  # type: ignore[no-any-return]

    @expose("/<entry_id>")
    def details(self, entry_id: str) -> str:
        entry = readable(find(AuditLog, entry_id, what="entry", of_account=False))
        erasure = db.session.get(Erasure, entry.erasure_id) if entry.erasure_id else None
        return self.render(
            "audit/entry.html",
            entry=entry,
            sentence=sentence(entry),
            changes=_changes(entry),
            erasure=erasure,
            gone=[_piece(field) for field in sorted(entry.digests or {})],
        )


def _piece(field: str) -> str:
    """`after.search_words` as people say it."""
    side, _, name = field.partition(".")
    return (
        f"{name.replace('_', ' ')} ({side})"
        if name
        else {"ip": "address it came from"}.get(side, side.replace("_", " "))
    )


def _reasons() -> ColumnElement[str | None]:
    """What may be searched of them: an address that is masked cannot be guessed letter by letter, either."""
    if sees():
        return AuditLog.reason.expression
    return func.regexp_replace(AuditLog.reason, r"\S+@\S+|\d+([.]\d+){3}|\S*:\S*:\S*", "***", "g")


def _changes(entry: AuditLog) -> list[tuple[str, object, object]]:
    """Each field that changed, before and after."""
    before, after = entry.before or {}, entry.after or {}
    return [(field, before.get(field), after.get(field)) for field in sorted({*before, *after})]
