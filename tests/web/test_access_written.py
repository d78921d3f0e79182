"""Who opens a person's page or takes a file or a list away stands in the trail, each time."""

from flask import Flask
from sqlalchemy import func, select

from app.database import db
from app.models.audit_log import AuditLog
from tests.desk import Desk, staff
from tests.web.routes import Route, routes_with_rows, undone
from tests.web.test_matrix import desk_app

__all__ = ["desk_app"]

# Pages that are there to show one person's data.
PERSONAL = frozenset(
    {"customers.details", "disputes.evidence", "disputes.texts", "disputes.review", "disputes.visa", "mails.details"}
)  # fmt: skip
# Files that say nothing of anybody.
PLAIN = frozenset({"static", "refund_batches.template"})


def test_every_file_and_every_download_leaves_a_line(desk_app: Flask) -> None:
    admin = staff(desk_app, "admin")
    silent, taken = [], set()
    for route in _opened(desk_app):
        with undone():
            before = _entries(admin)
            answer = admin.client.get(route.path, query_string=dict(route.form))
            is_file = "attachment" in answer.headers.get("Content-Disposition", "")
            answer.get_data()
            answer.close()
            if is_file:
                taken.add(route.endpoint)
                if _entries(admin) != before + 1:
                    silent.append((route.endpoint, _entries(admin) - before))

    assert silent == []
    # All lists as CSV, Excel and JSON lines, and what is printed or was attached.
    assert {"charges.export_csv", "audit.export_jsonl", "mails.file", "receipts.paper"} <= taken
    assert len(taken) > 60


def test_every_page_of_a_person_leaves_a_line_each_time(desk_app: Flask) -> None:
    admin = staff(desk_app, "admin")
    written = {}
    for route in _opened(desk_app):
        if route.endpoint in PERSONAL:
            before = _entries(admin)
            for _ in range(2):
                admin.client.get(route.path, query_string=dict(route.form)).close()
            written[route.endpoint] = _entries(admin) - before

    assert written == dict.fromkeys(PERSONAL & set(written), 2)
    assert {"customers.details", "disputes.evidence", "mails.details"} <= set(written)


def test_an_auditor_opens_the_trail_and_no_page_of_the_shop(desk_app: Flask) -> None:
    auditor = staff(desk_app, "auditor")
    opened = set()
    for route in _opened(desk_app):
        with undone():
            answer = auditor.client.get(route.path, query_string=dict(route.form))
            answer.close()
            if answer.status_code == 200 and route.path.startswith("/admin/"):
                opened.add(route.path.split("/")[2].partition("?")[0])

    # Besides the trail, what belongs to the person alone.
    assert opened <= {"audit", "sessions", "second-factor", "passkeys", "digest", "views", "search", ""}
    assert "audit" in opened


def _opened(app: Flask) -> list[Route]:
    ours, _ = routes_with_rows(app)
    return [route for route in ours if route.method == "GET" and not route.by_key and route.endpoint not in PLAIN]


def _entries(person: Desk) -> int:
    number = select(func.count()).select_from(AuditLog).where(AuditLog.actor == person.email)
    return int(db.session.scalar(number) or 0)
