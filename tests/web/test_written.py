"""What PostgreSQL writes into a download is, byte for byte, what is written here of the same rows."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import Text, select

from app.database import db
from app.models.charge import Charge
from app.models.refund import Refund
from app.web import shelves
from app.web.export import csv_answer
from app.web.keyset import Keyset
from app.web.listing import ListView, _parts
from tests import factories
from tests.desk import staff
from tests.web.routes import lists

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
TEXTS = (
    *("plain", "Öztürk 東京 🎉", "a,b", 'say "hi"', "two\nlines", "two\r\nlines", "end\r", "", " ", "\\.", "NULL", "~x", "[x"),
    *("=1+1", "+1", "-", "@SUM(A1)", "\t1", "  =1", "\u200b=1", "\ufeff+1", "＝1", " \u2060＠x", '=cmd|"/C calc"!A0,1', "'=1", "9"),
)  # fmt: skip
INSTANTS = (
    NOON,
    NOON + timedelta(microseconds=5),
    NOON + timedelta(milliseconds=500),
    datetime(850, 1, 2, tzinfo=UTC),
    None,
)
AMOUNTS = (0, 5, 99, 100, 123_456, 2**62)
CURRENCIES = ("eur", "jpy", "kwd", "isk", "xxx", "EUR")


def _charge(number: int, columns: dict[str, Any]) -> None:
    owner = factories.customer(**_texts(number, "name", "email")) if number % 3 else None
    changes = columns | {"customer_id": owner.id if owner else "cus_unknown"}
    states = ({}, {"captured": False}, {"captured": False, "refunded": True}, {"disputed": True}, {"refunded": True})
    more = ({"amount_refunded": 1}, {"status": "failed"}, {"status": "failed", "outcome_type": "blocked"})
    factories.charge(**changes | {"status": "succeeded"} | (*states, *more)[number % 8])


def _intent(number: int, columns: dict[str, Any]) -> None:
    owner = factories.customer(**_texts(number, "name", "email")) if number % 3 else None
    error = {"decline_code": TEXTS[number % len(TEXTS)], "code": TEXTS[-number % len(TEXTS)]} if number % 4 else None
    factories.payment_intent(**columns | {"customer_id": owner.id if owner else None, "last_payment_error": error})


def _refund(number: int, columns: dict[str, Any]) -> None:
    states = ("succeeded", "failed", "pending", "requested", "refused", columns["status"])
    who = {"requested_by": "ana@shop", "requested_at": NOON, "reason_text": columns["reason_text"] or "x"}
    reasons = ("requested_by_customer", "duplicate", None)
    changes = {"status": states[number % 6], "reason": reasons[number % 3], "amount": max(columns["amount"], 1)}
    changes |= who if number % 2 else {"requested_by": None, "reason_text": None}
    changes |= {"asked_at": NOON if number % 5 else None, "tries": number % 4, "refusal": None if number % 7 else "no"}
    paid = factories.charge(amount=changes["amount"], currency=columns["currency"])
    factories.refund(paid, **columns | changes | {"charge_id": paid.id})


def _payout(number: int, columns: dict[str, Any]) -> None:
    sign = -1 if number % 2 else 1
    factories.payout(
        **columns | {"amount": sign * columns["amount"], "arrives_on": date(2026, 11, 3) if number % 3 else None}
    )


def _event(number: int, columns: dict[str, Any]) -> None:
    at = columns["created_at"] or NOON
    factories.event(**columns | {"created_at": at, "received_at": at, "state": "processed"})


MAKERS: dict[str, Callable[[int, dict[str, Any]], object]] = {
    "charges": _charge,
    "customers": lambda _number, columns: factories.customer(**columns),
    "payments": _intent,
    "refunds": _refund,
    "payouts": _payout,
    "webhooks": _event,
}


def _texts(number: int, *names: str) -> dict[str, Any]:
    return {name: TEXTS[(number + 7 * place) % len(TEXTS)] for place, name in enumerate(names)}


def _fill(view: ListView[Any, Any]) -> None:
    """One row for each text, in every column that holds text, together with amounts, currencies and instants."""
    names = [
        c.key for c in view.model.__table__.columns if isinstance(c.type, Text) and not c.primary_key and not c.unique
    ]
    known = {c.key for c in view.model.__table__.columns}
    for number in range(len(TEXTS)):
        more = {
            "amount": AMOUNTS[number % len(AMOUNTS)],
            "currency": CURRENCIES[number % len(CURRENCIES)],
            "created_at": INSTANTS[number % len(INSTANTS)],
        }
        MAKERS[view.endpoint](number, _texts(number, *names) | {key: v for key, v in more.items() if key in known})


def _written(app: Flask) -> list[ListView[Any, Any]]:
    return [view for view in lists(app) if any(column.written for column in view.columns)]


@pytest.mark.parametrize("endpoint", MAKERS)
@pytest.mark.parametrize("asked_for", ["", "dir=asc&sort={order}", "cols={last}"])
def test_both_ways_give_the_same_bytes(app: Flask, endpoint: str, asked_for: str) -> None:
    view = next(view for view in _written(app) if view.endpoint == endpoint)
    _fill(view)
    query = asked_for.format(order=view.order, last=view.columns[-1].name)

    with staff(app, "admin").client as client:
        by_postgresql = client.get(f"/admin/{endpoint}/export.csv?{query}").get_data()
        asked, _ = shelves.ask(view, request.args, by_default=False)
        assert view._written(asked)
        heading, values = _parts(column.exports for column in view.exported(asked))
        by_python = csv_answer(endpoint, heading, view._batches(asked, values)).get_data()

    assert by_postgresql.count(b"\r\n") > len(TEXTS)
    assert by_postgresql.split(b"\r\n") == by_python.split(b"\r\n")


def test_every_list_that_postgresql_writes_is_compared_and_written_whole(app: Flask) -> None:
    views = _written(app)

    assert {view.endpoint for view in views} == set(MAKERS)
    assert [
        (view.endpoint, column.name)
        for view in views
        for column in view.columns
        if len(column.written) != len(column.exports)
    ] == []


@pytest.mark.parametrize(
    "query", ["status=failed", "status=failed&brand=visa&currency=eur", "amount_from=1&amount_to=50", "q=4242"]
)
def test_filters_hold_whichever_way_it_is_written(app: Flask, query: str) -> None:
    for number, (status, currency) in enumerate(itertools.product(("failed", "succeeded"), ("eur", "jpy"))):
        factories.charge(
            id=f"ch_{number}", status=status, currency=currency, amount=4_000 + 4_000 * number, last4="4242"
        )

    content = staff(app, "admin").client.get(f"/admin/charges/export.csv?{query}&cols=id").get_data(as_text=True)

    found = {line.rpartition(",")[2] for line in content.splitlines()[1:]}
    expected = {
        "status=failed": {"ch_0", "ch_1"},
        "q=4242": {"ch_0", "ch_1", "ch_2", "ch_3"},
        "amount_from=1&amount_to=50": {"ch_0"},
    }
    assert found == expected.get(query, {"ch_0"})


def test_a_percent_sign_or_a_quote_in_a_filter_is_a_value_and_nothing_else(app: Flask) -> None:
    factories.customer(id="cus_1", country="%S")
    factories.customer(id="cus_2", country="'")
    admin = staff(app, "admin").client

    found = [
        admin.get("/admin/customers/export.csv", query_string={"country": asked, "cols": "id"})
        .get_data(as_text=True)
        .count("\r\n")
        - 1
        for asked in ("%S", "'", "'; DROP TABLE customers; --", "\\", "%(x)s", "%%")
    ]

    assert found == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("model", [Charge, Refund])
def test_a_list_in_stretches_is_the_whole_list_in_order_and_each_row_once(
    app: Flask, model: Any, descending: bool
) -> None:
    for number in range(23):
        made_at = None if number % 5 == 0 else NOON + timedelta(seconds=number // 3)
        charge = factories.charge(created_at=made_at)
        factories.refund(charge, created_at=made_at)
    keyset = Keyset("x", model.created_at, model.id, descending)
    whole = db.session.scalars(keyset.sorted(select(model))).all()

    for sizes in ([1], [2, 3], [5], [100]):
        stretches = [
            db.session.scalars(keyset.sorted(select(model)).where(*stretch)).all()
            for stretch in keyset.stretches(select(model), sizes=itertools.cycle(sizes))
        ]
        assert [row.id for stretch in stretches for row in stretch] == [row.id for row in whole]
        assert max(map(len, stretches)) <= max(*sizes, 5)
