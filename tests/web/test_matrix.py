"""Role by route by object: who gets through which door, with rows of ours and of somebody else's behind it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NoReturn

import pytest
from flask import Flask
from sqlalchemy import select

from app.actor import Actor
from app.database import db
from app.errors import GatewayUnavailable
from app.models.audit_log import AuditLog
from app.models.staff import Staff
from app.staff import operations, roles
from app.web.permissions import ROLES, Access, Permission, granted
from tests.desk import Desk, Page, read, staff, visitor
from tests.web.examples import IN_FORMS, MARK
from tests.web.routes import UNSAFE, Route, fingerprint, routes_with_rows, undone

# Every route for every role: more than any other test, on a busy machine more than the two minutes each may take.
pytestmark = pytest.mark.timeout(360)

# A call below /api/ is noted, whoever makes it and whatever it is answered.
CALLS = ("api_calls", "rate_buckets")
# What is only there to remember that somebody looked.
NOTES = ("audit_logs", "staff_sessions", "accounts", *CALLS)


class Away:
    """A Stripe that cannot be reached, at once."""

    def __getattr__(self, verb: str) -> Any:
        def fail(*_: object, **__: object) -> NoReturn:
            raise GatewayUnavailable(f"Stripe does not answer {verb}.")

        return fail


@pytest.fixture
def desk_app(app: Flask) -> Iterator[Flask]:
    app.extensions["gateway"], before = Away(), app.extensions["gateway"]
    yield app
    app.extensions["gateway"] = before


def test_each_role_gets_through_exactly_the_doors_of_the_table(desk_app: Flask) -> None:
    ours, _ = routes_with_rows(desk_app)
    doors = [route for route in ours if route.is_door]
    people = {role: staff(desk_app, role) for role in ROLES}

    wrong = {role: _wrong(doors, person, ROLES[role]) for role, person in people.items()}

    assert wrong == {role: [] for role in ROLES}


def test_a_role_that_the_shop_turned_upside_down_has_exactly_the_other_doors(desk_app: Flask) -> None:
    ours, _ = routes_with_rows(desk_app)
    doors = [route for route in ours if route.is_door]
    opposite = set(Permission) - ROLES["support"]
    roles.change("support", opposite, second_factor=False, actor=Actor.command("tests"))
    assert granted("support", dict.fromkeys(ROLES["support"], False)) == set()

    person = staff(desk_app, "support")

    assert _wrong(doors, person, frozenset(opposite)) == []


def test_a_row_of_another_account_is_no_row_at_all(desk_app: Flask) -> None:
    _, theirs = routes_with_rows(desk_app)
    admin = staff(desk_app, "admin")
    admin.get("/admin/sessions/")
    before = fingerprint(without=("staff_sessions", *CALLS))

    found = {str(route): _open(admin, route) for route in theirs}

    # Programs' addresses know no cookie: whose row it is, is not even asked.
    said = {route: page.status for route, page in found.items() if page.status != 404}
    assert {route: status for route, status in said.items() if (" /api/" not in route) or status != 401} == {}
    assert [route for route, page in found.items() if MARK in page.words] == []
    assert fingerprint(without=("staff_sessions", *CALLS)) == before


def test_a_form_of_ours_does_nothing_with_a_row_of_another_account(desk_app: Flask) -> None:
    ours, theirs = routes_with_rows(desk_app)
    named = {(route.method, route.endpoint): route.form for route in theirs if route.form}
    mixed = [replace(route, form=named[key]) for route in ours if (key := (route.method, route.endpoint)) in named]
    admin = staff(desk_app, "admin")
    admin.get("/admin/sessions/")
    before = fingerprint(without=("staff_sessions",))

    pages = [_open(admin, route) for route in mixed]

    assert len(pages) == len(IN_FORMS)
    assert [page.status for page in pages if page.status not in {303, 404}] == []
    assert fingerprint(without=("staff_sessions",)) == before


@pytest.mark.parametrize("who", ["a visitor", "somebody whose access ended"])
def test_nobody_else_gets_through_any_door_or_learns_anything(desk_app: Flask, who: str) -> None:
    ours, _ = routes_with_rows(desk_app)
    stranger = visitor(desk_app) if who == "a visitor" else _deactivated(desk_app)
    stranger.get("/login")
    before = fingerprint()

    for route in ours:
        if route.is_door:
            page = _open(stranger, route)
            assert (page.status, (page.location or "")[:6]) == (303, "/login"), str(route)
            # What stands in the address they came with is no secret to them.
            assert MARK not in page.html.replace(route.path, ""), str(route)

    assert fingerprint() == before


def test_looking_never_changes_anything(desk_app: Flask) -> None:
    ours, _ = routes_with_rows(desk_app)
    admin = staff(desk_app, "admin")
    before = fingerprint(without=NOTES)

    for route in ours:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = admin.client.open(route.path, method=method, query_string=dict(route.form))
            # Without jobs and a sandbox beside it, the application is not ready, and says so.
            assert answer.status_code < 500 or route.endpoint == "health.ready", (method, str(route))

    assert fingerprint(without=NOTES) == before


def test_before_stripe_was_ever_heard_of_every_act_has_an_answer(desk_app: Flask) -> None:
    admin = staff(desk_app, "admin")
    ours, _ = routes_with_rows(desk_app)

    answers = {}
    for route in ours:
        if route.is_door and route.method in UNSAFE:
            with undone():
                db.session.execute(db.text("UPDATE accounts SET livemode = true"))
                db.session.commit()
                answers[str(route)] = _open(admin, route)

    assert {route: page.status for route, page in answers.items() if not _works(page)} == {}


def _wrong(doors: list[Route], person: Desk, held: frozenset[Permission]) -> list[tuple[str, object]]:
    """Doors that opened when they should not, or the other way round, that broke, or whose refusal is not on record."""
    wrong: list[tuple[str, object]] = []
    for route in doors:
        missing = [str(need) for need in route.needs if not isinstance(need, Access) and need not in held]
        with undone():
            last = db.session.scalar(select(AuditLog.id).order_by(AuditLog.id.desc()).limit(1))
            page = _open(person, route)
            refusals = select(AuditLog).where(AuditLog.id > last, AuditLog.action == "access.refused")
            noted = [(entry.actor, entry.object_id, entry.after) for entry in db.session.scalars(refusals)]
        entry = (person.email, route.path, {"method": route.method, "missing": missing})
        if noted != ([entry] if missing else []):
            wrong.append((str(route), noted))
        elif not (_says_no(page, route) if missing else _works(page)):
            wrong.append((str(route), page.status))
    return wrong


def _works(page: Page) -> bool:
    """503 is said where Stripe did not answer."""
    return page.status < 500 or page.status == 503


def _says_no(page: Page, route: Route) -> bool:
    return page.status == 403 and MARK not in page.html.replace(route.path, "")


def _deactivated(app: Flask) -> Desk:
    person = staff(app, "admin")
    found = db.session.query(Staff).filter_by(email=person.email).one()
    staff(app, "admin")
    operations.deactivate(found.id, actor=Actor.command("tests"))
    return person


def _open(person: Desk, route: Route) -> Page:
    if route.method not in UNSAFE:
        return read(person.client.open(route.path, method=route.method, query_string=dict(route.form)))
    return read(person.client.open(route.path, method=route.method, data={"csrf_token": person.token, **route.form}))
