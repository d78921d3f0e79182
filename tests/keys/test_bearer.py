"""What opens for a key, what does not, and what nobody learns."""

import logging
import re
import zlib
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.keys import operations
from app.logs import redact
from app.models.api_key import ApiKey
from app.models.audit_log import AuditLog
from app.staff import operations as staff_operations
from app.staff import roles
from app.web.key_format import WORD, new_key, read_key
from app.web.permissions import FOR_KEYS, ROLES, SIGNED_IN, Permission
from tests import factories
from tests.desk import staff
from tests.keys.conftest import TESTS, Maker, Program, owner
from tests.web.routes import Route, fingerprint, routes, routes_with_rows
from tests.web.test_matrix import Away

USED = ("api_calls", "api_keys", "rate_buckets")


def test_a_key_says_what_it_is_and_whose_data_it_opens(app: Flask, program: Maker) -> None:
    answer = program("sync", "personal.read").ping()

    row = db.session.scalars(select(ApiKey)).one()
    assert answer.status_code == 200
    assert answer.json == {
        "key": {"name": "Billing", "prefix": row.prefix, "expires_at": row.expires_at.isoformat()},  # type: ignore[union-attr]
        "scopes": ["personal.read", "sync"],
        "account": {"id": "acct_1", "name": "Shop"},
        "mode": "sandbox",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    assert (row.last_used_ip, row.last_used_at is not None) == ("127.0.0.1", True)


def test_no_route_for_programs_needs_what_no_key_can_have(app: Flask) -> None:
    by_key = [route for route in routes(app) if route.by_key]

    assert {route.endpoint for route in by_key} >= {"api.ping", "sync_api.read_again"}
    assert [str(route) for route in by_key if not set(route.needs) <= FOR_KEYS | {SIGNED_IN}] == []
    never = {Permission.STAFF_MANAGE, Permission.API_KEY_MANAGE, Permission.RULES_MANAGE, Permission.PERSONAL_UNMASK}
    assert FOR_KEYS.isdisjoint(never | {Permission.REFUND_APPROVE})


def test_a_key_opens_the_routes_of_its_scopes_and_none_of_the_others(app: Flask, program: Maker) -> None:
    app.extensions["gateway"], before = Away(), app.extensions["gateway"]
    ours, theirs = routes_with_rows(app)
    right, wrong = program("sync"), program("charge.read")
    try:
        found = {str(route): (_of(right, route), _of(wrong, route)) for route in ours if route.by_key}
        others = {str(route): _of(right, route) for route in theirs if route.by_key}
    finally:
        app.extensions["gateway"] = before

    assert {route: codes for route, codes in found.items() if "sync" in route} == {
        route: (503, 403) for route in found if "sync" in route
    }
    assert found["GET /api/ping"] == (200, 200)
    assert set(others.values()) == {404}


def test_a_key_of_another_account_sees_the_other_account(app: Flask, program: Maker) -> None:
    ours, charge = factories.account(), factories.charge()
    other = program("sync", account_id=factories.another_account().id)

    assert other.ping().json["account"]["id"] == "acct_other"  # type: ignore[index]
    assert other.ask("POST", f"/api/sync/{charge.id}").status_code == 404
    assert ours.stripe_id == "acct_1"


def test_what_is_no_working_key_opens_nothing_and_all_of_it_sounds_the_same(app: Flask, program: Maker) -> None:
    good = program()
    key, by_key = good.key, [route for route in routes(app) if route.by_key]
    almost = key[:20] + ("A" if key[20] != "A" else "B") + key[21:]
    wrong_secret = _with_checksum(almost[:-6])
    before = fingerprint(without=USED)
    headers = [
        key, f"Basic {key}", f"Bearer{key}", f"Bearer  {key}", f"Bearer {key} ", f"Bearer {key},Bearer {key}", "Bearer",
        "Bearer ", f"Bearer {key[:-1]}", f"Bearer {key}x", f"Bearer {key[:20]}", f"Bearer {almost}", f"Bearer {wrong_secret}",
        f"Bearer {key.swapcase()}", f"Bearer {new_key(live=False)}", f"Bearer {new_key(live=True)}", f"Bearer {'A' * 60_000}",
        f"Bearer {key[:30]}\u00e9{key[31:]}", f"Bearer {key.replace('_', '%5F')}", "Bearer null", "Bearer ' OR 1=1 --",
    ]  # fmt: skip

    answers = {
        (header[:90], route.endpoint): good.ask(route.method, route.path, header)
        for header in headers
        for route in by_key
    }

    assert {answer.status_code for answer in answers.values()} == {401}
    assert {answer.mimetype for answer in answers.values()} == {"application/problem+json"}
    assert {answer.json["type"] for answer in answers.values()} == {"urn:counterfoil:problem:no-valid-key"}  # type: ignore[index]
    assert {answer.headers["WWW-Authenticate"] for answer in answers.values()} == {'Bearer realm="counterfoil"'}
    assert len({answer.json["detail"] for answer in answers.values()}) == 1  # type: ignore[index]
    assert good.ping("").status_code == 401
    assert fingerprint(without=USED) == before
    assert good.ping(f"bEARER {key}").status_code == 200


@pytest.mark.parametrize("sign", ["\0", "\r\nX-Evil: 1", "\n", "\t", "\x7f"])
def test_nothing_hides_in_the_header(app: Flask, program: Maker, sign: str) -> None:
    """A web server refuses most of these itself; what it lets through is no key."""
    good = program()
    seen = {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/ping", "HTTP_AUTHORIZATION": f"Bearer {good.key}{sign}"}

    answer = app.test_client().open("/api/ping", environ_overrides=seen)

    assert answer.status_code == 401
    assert "X-Evil" not in answer.headers


def test_a_key_in_an_address_is_refused_and_stands_in_no_log(
    app: Flask, program: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = program()

    answers = [
        good.ask("GET", f"/api/ping?key={good.key}"),
        good.ask("GET", f"/api/ping?access_token={good.key}", ""),
        good.ask("GET", f"/api/{good.key}"),
        good.ask("POST", f"/api/sync/{good.key}"),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 404, 404]
    assert "rotate this key" in answers[0].json["detail"]  # type: ignore[index]
    assert [answer for answer in answers if good.key[20:] in answer.get_data(as_text=True)] == []
    from app.logs import JsonLines

    lines = [JsonLines().format(record) for record in caplog.records]
    assert [line for line in lines if good.key[20:] in line] == []
    assert len([line for line in lines if "request.answered" in line]) == 4


def test_a_person_s_cookie_opens_no_machine_s_door_and_a_key_no_page(app: Flask, program: Maker) -> None:
    admin, good = staff(app, "admin"), program()

    for route in routes(app):
        if route.by_key:
            assert admin.client.open(route.path, method=route.method).status_code == 401
        elif route.is_door and route.method == "GET":
            assert good.ask("GET", route.path).status_code in {303, 404, 308}, str(route)
    both = admin.client.get("/api/ping", headers={"Authorization": f"Bearer {good.key}"})
    assert both.json["key"]["name"] == "Billing"  # type: ignore[index]


def test_ended_keys_are_refused_from_the_next_request_on(app: Flask, program: Maker) -> None:
    revoked, short = program(), program(lasts=30)
    row = db.session.scalars(select(ApiKey).where(ApiKey.prefix == revoked.key[:20])).one()
    assert revoked.ping().status_code == 200

    operations.revoke(row.id, account_id=row.account_id, actor=TESTS)
    assert revoked.ping().status_code == 401
    with time_machine.travel(clock.now() + timedelta(days=30, seconds=1)):
        assert short.ping().status_code == 401
    assert short.ping().status_code == 200


def test_a_key_may_never_more_than_who_answers_for_it(app: Flask, program: Maker) -> None:
    good = program("sync", "charge.read")
    staff_operations.add_staff("bo@shop.example", role="admin", password="four unrelated words", actor=TESTS)
    staff_operations.change_role(owner().id, role="view_only", actor=TESTS)

    assert good.ping().json["scopes"] == ["charge.read"]  # type: ignore[index]
    refused = good.ask("POST", "/api/sync/ch_1")
    assert (refused.status_code, refused.json["type"]) == (403, "urn:counterfoil:problem:missing-scope")  # type: ignore[index]

    roles.change("view_only", ROLES["view_only"] - {Permission.CHARGE_READ}, second_factor=False, actor=TESTS)
    assert good.ping().json["scopes"] == []  # type: ignore[index]
    staff_operations.deactivate(owner().id, actor=TESTS)
    assert good.ping().status_code == 401
    staff_operations.reactivate(owner().id, actor=TESTS)
    assert good.ping().status_code == 200


def test_too_many_requests_are_told_when_to_come_back_and_other_keys_go_on(app: Flask, program: Maker) -> None:
    slow, other = program(per_minute=60), program(per_minute=60)

    answers = [slow.ping() for _ in range(14)]

    codes = [answer.status_code for answer in answers]
    assert codes[:10] == [200] * 10
    assert codes[-1] == 429
    last = answers[-1]
    assert last.headers["Retry-After"] == "1"
    assert last.headers["RateLimit-Limit"] == "60"
    assert last.headers["RateLimit-Remaining"] == "0"
    assert last.json["type"] == "urn:counterfoil:problem:too-many-requests"  # type: ignore[index]
    assert other.ping().status_code == 200


def test_every_wrong_turn_below_api_is_a_problem(app: Flask, program: Maker) -> None:
    good = program()

    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("POST", "/api/ping", 405),
        ("POST", "/api/sync/nothing", 404),
    ):
        answer = good.ask(method, path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
        assert set(answer.json) == {"type", "title", "status", "detail", "request_id"}  # type: ignore[arg-type]


def test_keys_have_a_form_that_scanners_know_and_no_mistyped_one_passes() -> None:
    keys = {str(new_key(live=live)) for live in (True, False) for _ in range(50)}

    assert len({key[:20] for key in keys}) == len({key[20:-6] for key in keys}) == 100
    for key in keys:
        assert re.fullmatch(r"cf_(live|test)_[0-9A-Za-z]{61}", key)
        assert str(read_key(key)) == key
        assert _with_checksum(key[:-6]) == key
        for place in range(8, len(key), 7):
            other = "0" if key[place] != "0" else "1"
            assert read_key(key[:place] + other + key[place + 1 :]) is None


def test_a_key_never_gets_into_logs_or_the_trail(app: Flask, program: Maker) -> None:
    key = program().key

    assert redact(f"with {key}, please") == f"with {key[:20]}[secret], please"
    with transaction():
        trail.record(TESTS, "note.added", "customer", "cus_1", reason=f"use {key}", after={"x": [key]})
    entry = db.session.scalars(select(AuditLog).order_by(AuditLog.id.desc()).limit(1)).one()
    assert key[20:] not in f"{entry.reason} {entry.after}"
    tables = ("api_keys", "audit_logs", "mails")
    whole = "".join(
        str(db.session.scalar(db.text(f"SELECT string_agg(t::text, '') FROM {table} t"))) for table in tables
    )
    assert key[20:-6] not in whole
    assert WORD.search(whole) is None


def test_whoever_can_write_the_table_but_lacks_the_secret_makes_no_key(app: Flask, program: Maker) -> None:
    """The hash of one row, copied to another, is that row's no longer."""
    one, other = program(), program()
    rows = {row.prefix: row for row in db.session.scalars(select(ApiKey))}
    with transaction():
        rows[other.key[:20]].secret_hash = rows[one.key[:20]].secret_hash
    forged = _with_checksum(other.key[:20] + one.key[20:-6])

    assert Program(app, forged).ping().status_code == 401
    assert other.ping().status_code == 401
    assert one.ping().status_code == 200


def test_the_actor_of_what_a_key_does_is_named_by_what_it_is_for(app: Flask, program: Maker) -> None:
    good = program()
    row = db.session.scalars(select(ApiKey)).one()
    made = db.session.scalars(select(AuditLog).where(AuditLog.action == "api_key.made")).one()

    assert made.object_id == row.prefix == good.key[:20]
    assert made.after == {
        "name": "Billing",
        "scopes": ["sync"],
        "per_minute": 600,
        "expires_at": row.expires_at.isoformat(),
    }  # type: ignore[union-attr]
    assert Actor("api_key", f"Billing ({row.prefix})").kind == "api_key"


def _of(program: Program, route: Route) -> int:
    return program.ask(route.method, route.path).status_code


def _with_checksum(body: str) -> str:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    left, word = zlib.crc32(body.encode()), ""
    for _ in range(6):
        left, digit = divmod(left, 62)
        word = letters[digit] + word
    return body + word
