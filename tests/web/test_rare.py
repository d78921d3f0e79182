"""Rare rows are found like others, whichever way they are looked for."""

import random
from datetime import timedelta
from itertools import product

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, func, select

from app.database import db, transaction
from app.models import charge_facets
from app.models.charge import FACETS_ARE_MADE_OF, Charge
from app.models.charge_facets import BRAND, COUNTRY, CURRENCY, DECLINE, METHOD, STATE, Facet
from app.models.charge_states import STATES
from app.web import rare
from app.web.keyset import LAST, Keyset
from app.web.rare import Sieve
from tests import factories
from tests.factories import NOON
from tests.queries import counted

NEWEST_FIRST = Keyset("charges.created", Charge.created_at, Charge.id, descending=True)
OLDEST_FIRST = Keyset("charges.created", Charge.created_at, Charge.id, descending=False)


def _many(count: int = 120) -> int:
    """Payments of every kind, some at the same instant; the account they belong to, beside another one's."""
    chance = random.Random(7)  # noqa: S311 - the same rows each time
    ours, theirs = factories.account().id, factories.another_account().id
    rows = []
    for number in range(count):
        amount = chance.choice((100, 5_000, 13_742))
        captured, failed = chance.random() < 0.8, chance.random() < 0.4
        rows.append(
            {
                "id": f"ch_{number:04}", "account_id": chance.choice((ours, ours, theirs)),
                "created_at": NOON + timedelta(hours=number // 2), "raw": b"", "rank": 0, "seen_at": NOON, "heard_at": NOON,
                "amount": amount, "amount_captured": chance.choice((amount, amount // 2)) if captured and not failed else 0,
                "amount_refunded": chance.choice((0, 0, 50, amount)), "currency": chance.choice(("eur", "eur", "jpy", "kwd")),
                "status": "failed" if failed else chance.choice(("succeeded", "succeeded", "succeeded", "pending")),
                "captured": captured, "paid": not failed, "refunded": chance.random() < 0.2, "disputed": chance.random() < 0.1,
                "outcome_type": chance.choice((None, "blocked", "authorized")), "method_type": chance.choice(("card", "ideal")),
                "brand": chance.choice((None, "visa", "jcb")), "country": chance.choice((None, "DE", "IS")),
                "decline_code": chance.choice((None, "lost_card", "fraudulent")) if failed else None,
                "failure_code": chance.choice((None, "card_declined", "lost_card")) if failed else None,
            }
        )  # fmt: skip
    with transaction():
        db.session.execute(Charge.__table__.insert(), rows)
    return ours


def _sieve(facets: list[tuple[Facet, str]], account_id: int, *more: ColumnElement[bool]) -> Sieve:
    words = [word for facet, value in facets if (word := facet.word(value))]
    index = charge_facets.having(words, account_id=account_id) if words else None
    return Sieve([*(facet.condition(value) for facet, value in facets), *more], index)


@pytest.fixture(params=["near", "further", "sorted", "sorted after a walk", "walked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every way that rows are looked for, on few rows: by how long the walks are, and what they are worth."""
    near, worth, longer, many = {
        "near": (1_000, 0, 0, 0),
        "further": (1, 10**9, 10**3, 0),
        "sorted": (1, 0, 0, 0),
        "sorted after a walk": (1, 10**9, 0, 10**9),
        "walked": (1, 10**9, 0, -1),
    }[request.param]
    for name, value in {"_NEAR": near, "_WALKED_FOR_ONE": worth, "_LONGER": longer, "_MANY": many}.items():
        monkeypatch.setattr(rare, name, value)
    return str(request.param)


def test_a_sieve_lets_the_same_rows_through_in_the_same_order_page_by_page(app: Flask, way: str) -> None:
    ours = _many()
    rows = select(Charge).where(Charge.account_id == ours)
    asked: list[list[tuple[Facet, str]]] = [
        [(BRAND, "jcb")],
        [(STATE, "failed"), (DECLINE, "lost_card"), (COUNTRY, "is")],
        [(STATE, "refunded"), (CURRENCY, "EUR"), (METHOD, "card")],
        [(STATE, "failed"), (DECLINE, "card_declined")],
        [(COUNTRY, "XX"), (BRAND, "visa")],
    ]

    for facets, keyset, size in product(asked, (NEWEST_FIRST, OLDEST_FIRST), (1, 5, 200)):
        sieve = _sieve(facets, ours, Charge.amount > 50)
        every = keyset.batch(rows.where(*sieve.conditions), size=1_000, after=None)
        seen: list[str] = []
        at = None
        while True:
            page = keyset.page(rows, size=size, at=at, sieve=sieve)
            seen += [row.id for row in page.rows]
            if not page.has_after:
                break
            at = keyset.position(page.rows[-1], "after")
        last = keyset.page(rows, size=size, at=LAST, sieve=sieve)
        assert seen == [row.id for row in every], (facets, keyset, size)
        assert [row.id for row in last.rows] == seen[-size:], (facets, keyset, size)


def test_the_back_of_a_list_is_found_through_a_sieve(app: Flask, way: str) -> None:
    ours = _many()
    rows = select(Charge).where(Charge.account_id == ours)
    sieve = _sieve([(BRAND, "visa")], ours)
    every = [row.id for row in NEWEST_FIRST.batch(rows.where(*sieve.conditions), size=1_000, after=None)]
    seventh = db.session.get_one(Charge, every[6])

    page = NEWEST_FIRST.page(rows, size=3, at=NEWEST_FIRST.position(seventh, "before"), sieve=sieve)

    assert [row.id for row in page.rows] == every[3:6]
    assert page.has_before
    assert page.has_after


def test_a_list_that_ends_within_the_walk_is_one_question(app: Flask) -> None:
    ours = _many()
    rows = select(Charge).where(Charge.account_id == ours)

    with counted() as asked:
        NEWEST_FIRST.page(rows, size=50, at=None, sieve=_sieve([(COUNTRY, "XX")], ours))

    assert len(asked) == 1


@pytest.mark.parametrize("facet", ["STATE", "CURRENCY", "METHOD", "BRAND", "COUNTRY", "DECLINE"])
def test_the_index_knows_by_each_word_exactly_the_rows_the_condition_is_true_of(app: Flask, facet: str) -> None:
    ours = _many()
    values = {
        "STATE": list(STATES),
        "CURRENCY": ["eur", "JPY", "kwd", "usd"],
        "METHOD": ["card", "ideal", "klarna"],
        "BRAND": ["visa", "JCB", "amex"],
        "COUNTRY": ["de", "IS", "FR"],
        "DECLINE": ["lost_card", "FRAUDULENT", "expired_card"],
    }[facet]
    meant: Facet = getattr(charge_facets, facet)

    found = {value: _ids(ours, charge_facets.having([meant.word(value)], account_id=ours)) for value in values}

    assert found == {value: _ids(ours, meant.condition(value)) for value in values}
    assert any(found.values())


def test_each_payment_has_one_state_and_the_index_calls_it_as_its_page_does(app: Flask) -> None:
    ours = _many(400)

    for row in db.session.scalars(select(Charge).where(Charge.account_id == ours)):
        states = [
            word for word in STATES if row.id in _ids(ours, charge_facets.having([STATE.word(word)], account_id=ours))
        ]
        assert states == [row.state], row.id


def test_a_question_for_facets_is_one_the_index_can_answer(app: Flask) -> None:
    ours = _many()
    asked = select(Charge.id).where(charge_facets.having(["lIS", "sfailed", "dlost_card"], account_id=ours))
    db.session.execute(func.set_config("enable_seqscan", "off", True).select())
    db.session.execute(func.set_config("enable_indexscan", "off", True).select())
    written = str(asked.compile(db.engine, compile_kwargs={"literal_binds": True}))

    plan = "\n".join(db.session.connection().exec_driver_sql(f"EXPLAIN {written}").scalars())

    assert "Bitmap Index Scan on ix_charges_facets" in plan
    # Who was declined has failed: asking for both would only mislead the planner.
    assert f"{ours}sfailed" not in plan


def _ids(account_id: int, condition: ColumnElement[bool]) -> set[str]:
    return set(db.session.scalars(select(Charge.id).where(Charge.account_id == account_id, condition)))


def test_the_index_is_made_of_columns_that_there_are() -> None:
    assert set(FACETS_ARE_MADE_OF) <= set(Charge.__table__.columns.keys())
