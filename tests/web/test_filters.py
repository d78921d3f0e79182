"""Filters and counts: what they find, and what they say."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.database import db, transaction
from app.errors import BadRequest
from app.models.account import Account
from app.models.charge import Charge
from app.money import MinorUnits
from app.web import counting
from app.web.counting import Count, LongLists, count
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, NumberFilter, TextFilter, equals

AMOUNT = AmountFilter(name="amount", label="Amount", column=Charge.amount, currency=Charge.currency)
CREATED = DateFilter(name="created", label="Created", column=Charge.created_at)
MINOR = NumberFilter(name="minor", label="Minor", column=Charge.amount)


def _charge(key: str, amount: int, currency: str, created: datetime | None = None, account: int = 1) -> Charge:
    return Charge(
        id=key, account_id=account, amount=MinorUnits(amount), amount_captured=MinorUnits(amount), amount_refunded=MinorUnits(0),
        currency=currency, status="succeeded", captured=True, paid=True, refunded=False, disputed=False, raw=b"", rank=1,
        created_at=created, seen_at=clock.now(), heard_at=clock.now(),
    )  # fmt: skip


@pytest.fixture
def account(app: Flask) -> int:
    with transaction():
        account = Account(livemode=False, stripe_id="acct_1", created_at=clock.now())
        db.session.add(account)
        db.session.flush()
        return account.id


def _found(filter_: AmountFilter | DateFilter | NumberFilter, **arguments: str) -> set[str]:
    chosen = filter_.read(arguments)
    assert chosen is not None
    return set(db.session.execute(select(Charge.id).where(chosen.condition)).scalars())


def test_an_amount_is_meant_in_the_currency_of_each_row(account: int) -> None:
    with transaction():
        rows = [
            ("eur", 999),
            ("eur", 1_000),
            ("jpy", 9),
            ("jpy", 10),
            ("kwd", 9_990),
            ("kwd", 10_000),
            ("isk", 1_000),
            ("xyz", 1_000),
        ]
        db.session.add_all([_charge(f"{code}{minor}", minor, code, account=account) for code, minor in rows])

    assert _found(AMOUNT, amount_from="10") == {"eur1000", "jpy10", "kwd10000", "isk1000", "xyz1000"}
    assert _found(AMOUNT, amount_to="9.99") == {"eur999", "jpy9", "kwd9990"}
    assert _found(AMOUNT, amount_from="9.990", amount_to="9.99") == {"eur999", "kwd9990"}


@pytest.mark.parametrize(
    "typed", ["ten", "1,000", "1e3", "NaN", "Infinity", "--1", "1.2.3", "9" * 40, "\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(BadRequest, match=r"Amount must be an amount like 10 or 10\.50\."):
        AMOUNT.read({"amount_from": typed})


def test_days_are_whole_and_both_ends_are_included(account: int) -> None:
    day = datetime(2026, 11, 23, tzinfo=UTC)
    with transaction():
        for key, at in {
            "before": day - timedelta(microseconds=1), "first": day, "last": day + timedelta(days=1, microseconds=-1),
            "after": day + timedelta(days=1),
        }.items():  # fmt: skip
            db.session.add(_charge(key, 1, "eur", at, account))

    assert _found(CREATED, created_from="2026-11-23", created_to="2026-11-23") == {"first", "last"}
    assert _found(CREATED, created_from="2026-11-24") == {"after"}


@pytest.mark.parametrize("typed", ["2026-02-30", "yesterday", "9999-12-31", "0000-01-01", "2026-11-23T00:00:00"])
def test_what_is_no_day_is_refused(typed: str) -> None:
    with pytest.raises(BadRequest, match="Created must be a day like 2026-11-23"):
        CREATED.read({"created_to": typed})


def test_numbers_are_whole(account: int) -> None:
    with transaction():
        db.session.add_all([_charge("a", 5, "eur", account=account), _charge("b", 6, "eur", account=account)])

    assert _found(MINOR, minor_from="6", minor_to="6") == {"b"}
    with pytest.raises(BadRequest, match="Minor must be a whole number"):
        MINOR.read({"minor_from": "6.0"})


def test_a_choice_is_one_of_those_offered_also_when_they_are_only_known_later() -> None:
    colour = ChoiceFilter(name="c", label="Currency", options=lambda: [("eur", "Euro")], match=equals(Charge.currency))

    chosen = colour.read({"c": "eur"})
    assert chosen is not None
    assert chosen.words == "Currency: Euro"
    assert colour.read({"c": ""}) is None
    with pytest.raises(BadRequest, match="Currency has no such choice"):
        colour.read({"c": "usd"})


def test_text_is_taken_without_the_blanks_around_it() -> None:
    word = TextFilter(name="w", label="Word", match=equals(Charge.id))

    chosen = word.read({"w": "  ch_1  "})
    assert chosen is not None
    assert (chosen.value, chosen.words) == ("ch_1", "Word: ch_1")
    assert word.read({"w": "   "}) is None
    with pytest.raises(BadRequest, match="Word is too long"):
        word.read({"w": "x" * 201})
    with pytest.raises(BadRequest, match="Word holds a character that nothing can contain"):
        word.read({"w": "a\0b"})


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Count(0, exact=True), "0 payments"),
        (Count(1, exact=True), "1 payment"),
        (Count(1_234, exact=True), "1,234 payments"),
        (Count(1_200_000, exact=False), "about 1,200,000 payments"),
    ],
)
def test_a_count_says_whether_it_was_counted(found: Count, words: str) -> None:
    assert found.words("payment", "payments") == words


def test_few_rows_are_counted_and_many_are_estimated(account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        db.session.execute(
            text(
                "INSERT INTO charges (id, account_id, raw, seen_at, heard_at, rank, amount, amount_captured, amount_refunded, "
                "currency, status, captured, paid, refunded, disputed) SELECT 'ch_' || n, :account, '', now(), now(), 1, "
                "n, n, 0, 'eur', 'succeeded', true, true, false, false FROM generate_series(1, 1234) n"
            ),
            {"account": account},
        )
        db.session.execute(text("ANALYZE charges"))
    rows = select(Charge).where(Charge.account_id == account)

    assert count(rows) == Count(1_234, exact=True)
    assert count(rows.where(Charge.amount <= 10)) == Count(10, exact=True)
    monkeypatch.setattr(counting, "EXACT_UP_TO", 1_000)
    assert count(rows) == Count(1_200, exact=False)
    assert count(rows.where(Charge.amount <= 10)) == Count(10, exact=True)


def test_an_estimate_is_remembered_and_a_count_is_not(account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = select(Charge).where(Charge.account_id == account)
    lists = LongLists()

    assert lists.count(rows, asked="all") == Count(0, exact=True)
    with transaction():
        db.session.add(_charge("ch_1", 5, "eur", account=account))
    assert lists.count(rows, asked="all") == Count(1, exact=True)
    monkeypatch.setattr(counting, "EXACT_UP_TO", 0)
    estimate = lists.count(rows, asked="all")
    monkeypatch.undo()

    assert not estimate.exact
    assert lists.count(rows, asked="all") is estimate
    assert lists.count(rows, asked="others") == Count(1, exact=True)


def test_counting_gives_up_in_time_and_leaves_the_page_its_rows(account: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction():
        db.session.add_all([_charge(f"ch_{number}", number, "eur", account=account) for number in range(20)])
    monkeypatch.setattr(counting, "PATIENCE_MS", 20)
    slow = select(Charge).where(Charge.account_id == account, text("pg_sleep(0.05) IS NOT NULL"))

    found = count(slow)

    assert not found.exact
    assert len(db.session.execute(select(Charge)).all()) == 20
    assert db.session.execute(text("SHOW statement_timeout")).scalar_one() == "0"
