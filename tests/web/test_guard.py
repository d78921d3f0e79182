"""Every route has its door, and the door opens for whom it should."""

import pytest
from flask import Flask
from sqlalchemy import select

from app.database import db
from app.models.audit_log import AuditLog
from app.models.staff import ROLES as ROLE_COLUMN
from app.web.permissions import LABELS, PUBLIC, ROLE_NAMES, ROLES, Permission, may
from tests.desk import staff, visitor
from tests.web.routes import SIGNED, UNSAFE, Route, fingerprint, routes, routes_with_rows

# The doors that are open to everybody, written down a second time: opening another takes two people.
OPEN = {
    "static", "front", "sign_in.form", "sign_in.code", "sign_in.leave", "links.join", "links.forgot", "sso.begin", "sso.back",
    "passkey_door.question", "passkey_door.come_in", "passkey_door.second_question", "passkey_door.second",
    "stripe_webhooks.receive",
    "card.start", "card.leave", "card.done", "card.stop", "card.stopped",
    "checkout.start", "checkout.leave", "checkout.done", "checkout.back",
    "health.live", "health.ready", "health.metrics",
}  # fmt: skip

# What each role may do with money and power, likewise.
WHO = {
    Permission.REFUND_CREATE: {"admin", "finance", "support_lead", "support"},
    Permission.REFUND_APPROVE: {"admin", "finance", "support_lead"},
    Permission.PAYMENT_LINK_MANAGE: {"admin", "finance", "support_lead", "support"},
    Permission.DISPUTE_EVIDENCE: {"admin", "finance", "support_lead", "dispute_analyst"},
    Permission.DISPUTE_SUBMIT: {"admin", "finance", "support_lead", "dispute_analyst"},
    Permission.DISPUTE_ACCEPT: {"admin", "finance", "support_lead", "dispute_analyst"},
    Permission.DISPUTE_FEE: {"admin", "finance"},
    Permission.FRAUD_RESOLVE: {"admin", "finance", "support_lead", "dispute_analyst"},
    Permission.STAFF_MANAGE: {"admin"},
    Permission.RULES_MANAGE: {"admin"},
    Permission.APPROVAL_READ: {"admin", "finance", "support_lead", "support", "dispute_analyst"},
    Permission.AUDIT_READ: {"admin", "auditor"},
    Permission.EVENT_READ: {"admin", "developer"},
    Permission.EXPORT: {"admin", "finance", "support_lead", "auditor"},
    Permission.API_KEY_MANAGE: {"admin"},
    Permission.PERSONAL_UNMASK: {"admin", "dispute_analyst"},
    Permission.PERSONAL_READ: {"admin", "finance", "support_lead", "support"},
}


def test_every_route_says_what_it_needs(app: Flask) -> None:
    assert [str(route) for route in routes(app) if not route.needs] == []


def test_only_these_doors_are_open_to_everybody(app: Flask) -> None:
    assert {route.endpoint for route in routes(app) if all(need is PUBLIC for need in route.needs)} - OPEN == set()


def test_a_route_that_says_nothing_is_open_to_nobody(app: Flask) -> None:
    admin = staff(app, "admin")
    forgotten = app.view_functions["my_sessions.index_view"]
    app.view_functions["my_sessions.index_view"] = lambda: "secret"
    try:
        page = admin.get("/admin/sessions/", expect=403)
        visitor(app).get("/admin/sessions/", expect=403)
    finally:
        app.view_functions["my_sessions.index_view"] = forgotten

    assert "secret" not in page.html


def test_the_matrix_is_the_one_that_was_decided() -> None:
    assert set(ROLES) == set(ROLE_COLUMN) == set(ROLE_NAMES)
    assert set(LABELS) == set(Permission)
    assert {need: {role for role in ROLES if may(role, need)} for need in WHO} == WHO
    assert ROLES["auditor"] == {Permission.AUDIT_READ, Permission.EXPORT}
    assert ROLES["view_only"].isdisjoint({Permission.REFUND_CREATE, Permission.EXPORT, Permission.SYNC})
    assert not may("somebody", Permission.CHARGE_READ)


def test_a_refusal_is_written_down_and_shows_nothing(app: Flask) -> None:
    support = staff(app, "support")
    admin = staff(app, "admin")

    page = support.get("/admin/audit/1", expect=403)

    assert page.headings == ["Not for your role"] or "Your role does not include this." in page.words
    assert admin.email not in page.html
    entry = db.session.execute(select(AuditLog).order_by(AuditLog.id.desc()).limit(1)).scalar_one()
    assert (entry.actor, entry.action, entry.object_id) == (support.email, "access.refused", "/admin/audit/1")
    assert entry.after == {"method": "GET", "missing": ["audit.read"]}


def test_the_menu_shows_only_what_opens(app: Flask) -> None:
    for role in ROLES:
        person = staff(app, role)
        page = person.get("/admin/sessions/")
        for link in {link for link in page.links if link.startswith("/admin/")}:
            person.get(link, expect=None)
            assert person.client.get(link).status_code in {200, 303}, (role, link)


def test_without_a_token_or_with_another_persons_nothing_changes(app: Flask) -> None:
    admin, other = staff(app, "admin"), staff(app, "admin")
    unsafe = _unsafe(app)
    before = fingerprint(without=("staff_sessions",))

    for route in unsafe:
        for form in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}, {"csrf_token": other.token}):
            answer = admin.client.open(route.path, method=route.method, data=form)
            assert answer.status_code == 400, (str(route), form)
        plain = admin.client.open(
            route.path, method=route.method, data=f"csrf_token={admin.token}", content_type="text/plain"
        )
        assert plain.status_code == 400, str(route)

    assert fingerprint(without=("staff_sessions",)) == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_another_site_sends_changes_nothing_even_with_a_token(app: Flask, headers: dict[str, str]) -> None:
    admin = staff(app, "admin")
    unsafe = _unsafe(app)
    before = fingerprint(without=("staff_sessions",))

    for route in unsafe:
        answer = admin.client.open(route.path, method=route.method, data={"csrf_token": admin.token}, headers=headers)
        assert answer.status_code == 403, str(route)

    assert fingerprint(without=("staff_sessions",)) == before


@pytest.mark.parametrize(
    "path",
    ["/admin/audit/1/../../staff/", "/admin//audit/", "/admin/audit/%2e%2e/", "/ADMIN/audit/", "/admin/audit/;x=1"],
)
def test_no_spelling_of_a_path_gets_round_the_guard(app: Flask, path: str) -> None:
    view_only, stranger = staff(app, "view_only"), visitor(app)

    assert view_only.client.get(path).status_code in {301, 303, 308, 403, 404}
    assert stranger.client.get(path).status_code in {301, 303, 308, 404}


@pytest.mark.parametrize("trick", [{"X-HTTP-Method-Override": "POST"}, {"X-Original-URL": "/admin/audit/"}])
def test_no_header_gets_round_the_guard(app: Flask, trick: dict[str, str]) -> None:
    view_only = staff(app, "view_only")

    page = view_only.get("/admin/sessions/", headers=trick)

    assert page.headings == ["Your sessions"]


def _unsafe(app: Flask) -> list[Route]:
    """Every route that may change something because somebody clicked, with rows behind it."""
    ours, _ = routes_with_rows(app)
    return [route for route in ours if route.method in UNSAFE and route.endpoint not in SIGNED and not route.by_key]
