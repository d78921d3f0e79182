"""Amounts are exact in every currency, or refused in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.currencies import CURRENCIES
from app.errors import BadAmount, CurrencyMismatch
from app.money import MinorUnits, Money


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("10", "usd", 1_000),
        (" 10 ", "eur", 1_000),
        ("10.5", "gbp", 1_050),
        ("10.50", "GBP", 1_050),
        ("0", "usd", 0),
        ("500", "jpy", 500),
        ("5.12", "kwd", 5_120),
        ("5.120", "kwd", 5_120),
        ("5", "isk", 500),
        ("5", "ugx", 500),
        ("5.00", "isk", 500),
        ("92233720368547758.07", "usd", 9_223_372_036_854_775_807),
    ],
)
def test_what_was_typed_is_what_is_meant(text: str, code: str, minor: int) -> None:
    assert Money.parse(text, code) == Money(MinorUnits(minor), code.lower())


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "usd", "Enter an amount."),
        ("-1", "usd", "plain digits"),
        ("+1", "usd", "plain digits"),
        ("0.001", "usd", "USD has 2 decimals"),
        ("10.005", "usd", "USD has 2 decimals"),
        ("1e3", "usd", "plain digits"),
        ("10,00", "eur", "with a point"),
        ("1,000.00", "usd", "with a point"),
        ("１０", "usd", "plain digits"),
        ("٣", "usd", "plain digits"),
        ("NaN", "usd", "plain digits"),
        ("Infinity", "usd", "plain digits"),
        ("10000000000000000000", "usd", "plain digits"),
        ("92233720368547758.08", "usd", "too large"),
        ("10.5", "jpy", "JPY has no decimals"),
        ("5.124", "kwd", "in steps of 0.010 KWD"),
        ("5.10", "isk", "in steps of 1.00 ISK"),
        (".5", "usd", "plain digits"),
        ("5.", "usd", "plain digits"),
        ("1 000", "usd", "plain digits"),
        ("10\n", "usd", "plain digits"),
        ("1_000", "usd", "plain digits"),
    ],
)
def test_what_is_unclear_is_refused_in_words(text: str, code: str, words: str) -> None:
    with pytest.raises(BadAmount, match=words):
        Money.parse(text, code)


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(0, 10**15))
def test_written_and_read_again_is_the_same(code: str, steps: int) -> None:
    money = Money(MinorUnits(steps * CURRENCIES[code].step), code)

    assert Money.parse(money.plain, code) == money


@given(st.integers(-(10**18), 10**18), st.integers(-(10**18), 10**18))
def test_sums_are_those_of_whole_numbers(left: int, right: int) -> None:
    total = Money(MinorUnits(left), "usd") + Money(MinorUnits(right), "usd")

    assert total == Money(MinorUnits(left + right), "usd")


@pytest.mark.parametrize(
    ("minor", "code", "written", "grouped"),
    [
        (5, "usd", "0.05 USD", "0.05"),
        (-5, "usd", "-0.05 USD", "-0.05"),
        (-123_456, "usd", "-1234.56 USD", "-1,234.56"),
        (123_456_789, "jpy", "123456789 JPY", "123,456,789"),
        (5_120, "kwd", "5.120 KWD", "5.120"),
        (9_007_199_254_740_993, "eur", "90071992547409.93 EUR", "90,071,992,547,409.93"),
    ],
)
def test_it_is_written_with_its_decimals(minor: int, code: str, written: str, grouped: str) -> None:
    money = Money(MinorUnits(minor), code)

    assert str(money) == written
    assert money.grouped == grouped


def test_two_currencies_are_never_one_number() -> None:
    dollars, yen = Money(MinorUnits(100), "usd"), Money(MinorUnits(100), "jpy")

    with pytest.raises(CurrencyMismatch):
        _ = dollars + yen
    with pytest.raises(CurrencyMismatch):
        _ = dollars - yen
    with pytest.raises(CurrencyMismatch):
        _ = dollars < yen
    assert dollars != yen
