"""What programs asked stands in a log for a week, by key, route and answer, and nothing of it that was sent."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select, update

from app import clock
from app.database import db, transaction
from app.models.api_call import ApiCall
from app.models.api_key import ApiKey
from app.web.api_log import STRANGERS_PER_MINUTE
from jobs.keep_house import keep_house
from tests import factories
from tests.desk import staff
from tests.keys.conftest import Maker


def test_a_call_leaves_key_route_status_duration_and_request_id(app: Flask, program: Maker) -> None:
    answer = program("sync").ping()

    call, key = db.session.scalars(select(ApiCall)).one(), db.session.scalars(select(ApiKey)).one()
    assert (call.key_id, call.account_id, call.method, call.route) == (key.id, key.account_id, "GET", "/api/ping")
    assert (call.status, call.request_id) == (200, answer.headers["X-Request-Id"])
    assert 0 <= call.duration_ms < 60_000


def test_refusals_stand_there_as_well_and_no_id_of_what_was_asked_about(app: Flask, program: Maker) -> None:
    billing = program("charge.read", per_minute=60)
    with transaction():
        # Two at once, and then one each five seconds.
        db.session.execute(update(ApiKey).values(per_minute=12))
    billing.ask("POST", "/api/sync/ch_of_jane")
    billing.ask("GET", "/api/jane@example.com")
    billing.ping("Bearer cf_test_nonsense")
    billing.ping()
    billing.ping()

    calls = db.session.scalars(select(ApiCall).order_by(ApiCall.id)).all()
    assert [(call.route, call.status, call.key is not None) for call in calls] == [
        ("/api/sync/<object_id>", 403, True),
        (None, 404, False),
        ("/api/ping", 401, False),
        ("/api/ping", 200, True),
        ("/api/ping", 429, True),
    ]


def test_calls_without_a_key_fill_no_disk(app: Flask, program: Maker) -> None:
    billing = program("sync")

    for _ in range(STRANGERS_PER_MINUTE + 40):
        billing.ping("Bearer nonsense")
    billing.ping()

    strangers = db.session.query(ApiCall).filter(ApiCall.key_id.is_(None)).count()
    # Some seconds may pass meanwhile, and give a few more away.
    assert STRANGERS_PER_MINUTE <= strangers < STRANGERS_PER_MINUTE + 40
    assert db.session.query(ApiCall).filter(ApiCall.key_id.is_not(None)).count() == 1


def test_the_page_finds_them_by_key_answer_and_request_and_the_key_leads_there(app: Flask, program: Maker) -> None:
    admin = staff(app, "admin")
    first, second = program("sync"), program("sync")
    request_id = first.ping().headers["X-Request-Id"]
    second.ping("Bearer nonsense")
    first.ask("POST", "/api/sync/%00")
    key = db.session.scalars(select(ApiKey).where(ApiKey.prefix == first.key[:20])).one()

    page = admin.get(f"/admin/keys/{key.id}")

    link = f"/admin/api-calls/?key={key.prefix}"
    assert link in page.links
    assert admin.get(link).words.count(key.prefix) >= 2
    assert key.prefix not in admin.get(f"/admin/api-calls/?key={second.key[:20]}").words.replace(
        "Key, as it begins", ""
    )
    refused = admin.get("/admin/api-calls/?answer=refused").words
    assert "401" in refused
    assert request_id not in refused
    assert request_id in admin.get(f"/admin/api-calls/?q={request_id}").words
    assert staff(app, "view_only").get("/admin/api-calls/", expect=403).status == 403
    assert staff(app, "developer").get("/admin/api-calls/").status == 200


def test_calls_are_forgotten_after_a_week(app: Flask, program: Maker) -> None:
    billing = program("sync")
    billing.ping()
    with transaction():
        db.session.execute(update(ApiCall).values(at=clock.now() - timedelta(days=7, minutes=1)))
    billing.ping()

    assert keep_house() == 1

    assert db.session.query(ApiCall).count() == 1


def test_another_account_s_calls_are_not_shown(app: Flask, program: Maker) -> None:
    program("sync")
    other = factories.another_account()
    admin = staff(app, "admin")
    program("sync", account_id=other.id).ping()

    assert "/api/ping" not in admin.get("/admin/api-calls/").words
