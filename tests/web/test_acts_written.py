"""Whatever a person changes is in the trail, in the very transaction that changes it: every form of every page is sent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from sqlalchemy import Connection, event

from app.database import db
from tests.desk import Desk, staff
from tests.web.routes import routes_with_rows, undone
from tests.web.test_matrix import desk_app

__all__ = ["desk_app"]

# What is written by the machinery about itself, or has a record of its own: sessions and tries to sign in, forms half filled in,
# the log of calls to Stripe, letters (the act that wrote one is in the trail), what was searched, the newest read of an object.
MACHINERY = frozenset(
    {"staff_sessions", "sign_in_steps", "sign_in_attempts", "gateway_calls", "accounts", "mails", "mail_attachments",
     "wanted_objects", "search_words", "erased_objects", "procrastinate_jobs", "job_runs"}
)  # fmt: skip
# What follows an act that is in the trail: how often Stripe was asked, which here never answers; an event being understood again.
COUNTED = frozenset({"acts", "gateway_calls", "webhook_events", "webhook_tries", "job_settings"})
# One press, several acts: each has its own entry.
SEVERAL: tuple[str, ...] = ()
# What people type, by the name of a field; for any other a form's own value is sent, or a word.
TYPED = {
    "reason": "Because somebody asked", "words": "Because somebody asked", "why": "Because somebody asked", "amount": "1.00",
    "email": "new@shop.example", "to": "new@shop.example", "name": "A name", "remark": "Known", "sure": "yes",
    "mail": "new@shop.example",
    "networks": "203.0.113.0/24", "hours": "8", "days": "7", "zone": "Europe/Berlin", "reference": "abc", "url": "https://x.example",
}  # fmt: skip
_WRITES = re.compile(r'\s*(?:WITH .*?)?(INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE | re.DOTALL)


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Written:
    """What one transaction wrote: the tables, and how many entries of the trail."""

    tables: set[str] = field(default_factory=set)
    entries: int = 0


def test_every_form_that_changes_something_says_so_in_the_same_transaction(desk_app: Flask) -> None:
    ours, _ = routes_with_rows(desk_app)
    admin = staff(desk_app, "admin")
    sent: dict[str, list[Written]] = {}
    for route in ours:
        if route.method != "GET" or not route.path.startswith("/admin/") or "export" in route.path:
            continue
        page = admin.client.get(route.path, query_string=dict(route.form))
        if page.mimetype != "text/html":
            page.close()
            continue
        for form in _forms(page.get_data(as_text=True), route.path):
            if form.action not in sent:
                sent[form.action] = _send(desk_app, admin, form)

    silent = {
        action: sorted(one.tables)
        for action, written in sent.items()
        for one in written
        if one.tables - MACHINERY and not one.entries and not (one.tables <= COUNTED and _is_told(action, written))
    }
    often = {
        action: one.entries
        for action, written in sent.items()
        for one in written
        if one.entries > 1 and not any(part in action for part in SEVERAL)
    }
    changing = {action for action, written in sent.items() if any(one.tables - MACHINERY for one in written)}
    assert (silent, often) == ({}, {})
    # Of a walk that finds nothing nothing follows.
    assert len(changing) > 40, sorted(changing)


def _is_told(action: str, written: list[Written]) -> bool:
    """Another transaction of the same press has the entry; or there is nothing to tell: somebody has an act looked up while Stripe
    does not answer, or keeps a job's values as they are, which only makes the row they would be kept in."""
    return action.endswith(("/look", "/parameters")) or any(one.entries for one in written)


def _send(app: Flask, admin: Desk, form: Form) -> list[Written]:
    with undone(), _watched() as written:
        answer = admin.client.post(form.action, data=form.fields)
        # 503: Stripe cannot be reached here, and the page says so.
        assert answer.status_code != 500, form.action
        answer.close()
    return written


@dataclass
class _Watch:
    """Hears what a connection writes, by transaction: what the product commits is the outermost savepoint under the fixture's."""

    done: list[Written] = field(default_factory=list)
    open: list[Written] = field(default_factory=list)

    def note(self, _connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        found = _WRITES.match(statement)
        if found and cursor.rowcount and self.open:
            table = found.group(2).lower()
            self.open[-1].tables.add(table)
            self.open[-1].entries += table == "audit_logs"

    def begin(self, *_: Any) -> None:
        self.open.append(Written())

    def end(self, *_: Any) -> None:
        one = self.open.pop()
        if not self.open:
            self.done.append(one)
            return
        self.open[-1].tables |= one.tables
        self.open[-1].entries += one.entries

    def undo(self, *_: Any) -> None:
        self.open.pop()


@contextmanager
def _watched() -> Iterator[list[Written]]:
    connection: Any = db.engines[None]
    assert isinstance(connection, Connection)
    watch = _Watch()
    heard = (
        ("after_cursor_execute", watch.note),
        ("savepoint", watch.begin),
        ("release_savepoint", watch.end),
        ("rollback_savepoint", watch.undo),
    )
    for name, listener in heard:
        event.listen(connection, name, listener)
    try:
        yield watch.done
    finally:
        for name, listener in heard:
            event.remove(connection, name, listener)


def _forms(html: str, path: str) -> list[Form]:
    reader = _Reader(path)
    reader.feed(html)
    return [form for form in reader.forms if form.action.startswith("/admin/") and "/sign-out" not in form.action]


class _Reader(HTMLParser):
    """The POST forms of a page, filled in: every box ticked, of each choice the last, of each field what a person would type."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._choice = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        name = named.get("name", "")
        if tag == "form":
            is_post = named.get("method", "get").lower() == "post"
            self._form = Form(named.get("action") or self.path) if is_post else None
            if self._form:
                self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "select":
            self._choice = name
        elif tag == "option" and self._choice:
            self._form.fields[self._choice] = named.get("value", "")
        elif tag in {"input", "textarea"} and name and named.get("type") != "file":
            self._form.fields[name] = named.get("value") or TYPED.get(name, "A word")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._choice = ""
