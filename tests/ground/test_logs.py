"""One request, one line, whatever a visitor wrote into it; and no secret in it (cases A20, A22)."""

import logging
from uuid import uuid4

import orjson
import pytest
from flask import Flask
from sqlalchemy import text

from app import clock
from app.database import db, transaction
from app.logs import JsonLines, redact, request_id
from app.timetable.lines import Line
from app.timetable.schedules import Every
from jobs.runner import run_now


def line(message: str, **fields: object) -> dict[str, object]:
    record = logging.makeLogRecord({"name": "test", "levelname": "INFO", "msg": message, **fields})
    text = JsonLines().format(record)
    assert "\n" not in text
    parsed = orjson.loads(text)
    assert isinstance(parsed, dict)
    return parsed


@pytest.mark.parametrize("agent", ["a\r\nfake line", "\x1b[31mred", '{"level":"error"}', "\ud800", "\u2028next"])
def test_nothing_can_forge_a_second_line(agent: str) -> None:
    known = line("request.done", agent=agent)

    assert known["level"] == "info"
    assert known["event"] == "request.done"


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_51Hmarker",
        "rk_test_marker",
        "whsec_marker+/=",
        "pi_3Nabc_secret_marker",
        "seti_1abc_secret_marker",
        "4242424242424242",
        "4242 4242 4242 4242",
        "3782-822463-10005",
    ],
)
def test_secrets_and_card_numbers_do_not_stay(secret: str) -> None:
    known = line(f"said {secret} here", field=f"and {secret}")

    assert "marker" not in str(known)
    assert secret not in str(known)


@pytest.mark.parametrize("plain", ["ch_3Nabcdef4242424242424242", "req_1234567890123", "2026-11-23", "1774656000"])
def test_ids_and_times_stay_readable(plain: str) -> None:
    assert redact(plain) == plain


def test_an_error_of_the_database_tells_what_is_wrong_and_not_with_whom(
    committed: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonLines())
    values = {
        "id": uuid4(),
        "email": "mira@example.com",
        "hash": "$argon2id$marker",
        "name": "Mira\nLind",
        "now": clock.now(),
    }
    columns = "id, email, name, role, password_hash, created_at"

    def refuse() -> int:
        with transaction():
            statement = f"INSERT INTO staff ({columns}) VALUES (:id, :email, :name, 'nobody', :hash, :now)"
            db.session.execute(text(statement), values)
        raise AssertionError("no row of this role is taken")

    ended = run_now(Line(refuse, Every(seconds=60)))

    for said in (ended.error or "", caplog.text):
        assert "ck_staff_role" in said
        assert [word for word in ("mira@example.com", "Mira", "Lind", "marker") if word in said] == []
    assert "in refuse" in caplog.text


def test_the_request_is_named_on_each_of_its_lines() -> None:
    token = request_id.set("req-1")
    try:
        assert line("x")["request_id"] == "req-1"
    finally:
        request_id.reset(token)
    assert "request_id" not in line("x")


def test_an_error_keeps_its_traceback_without_the_secret() -> None:
    try:
        raise ValueError("key sk_test_marker")
    except ValueError:
        import sys

        known = line("failed", exc_info=sys.exc_info())

    assert "ValueError" in str(known["error"])
    assert "marker" not in str(known)


@pytest.mark.parametrize(
    "key",
    [
        "12345678-1234-4123-9a54-ba9389b4b4e6",
        "a2345678-b234-4123-9123-123456789012",
        "12345678-1234-4123-9123-123456789012",
    ],
)
def test_a_uuid_full_of_digits_is_no_card_number(key: str) -> None:
    assert redact(f"refund {key} of 4242 4242 4242 4242") == f"refund {key} of [card number]"
