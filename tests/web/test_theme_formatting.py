"""Filters write money, times and names one way on every page."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from markupsafe import Markup

from app.web import formatting

MOMENT = datetime(2026, 11, 3, 8, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "digits"),
    [
        (125_000, "eur", "1,250.00"),
        (500, "JPY", "500"),
        (1_234_567, "kwd", "1,234.567"),
        (-4_200, "gbp", "−42.00"),
        (0, "usd", "0.00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(minor: int, currency: str, digits: str) -> None:
    expected = f'<span class="money">{digits}&nbsp;<span class="money-currency">{currency.upper()}</span></span>'

    assert str(formatting.money(minor, currency)) == expected


def test_a_currency_that_wants_to_be_a_script_is_text() -> None:
    assert "&lt;SCRIPT&gt;" in formatting.money(100, "<script>")


def test_a_row_holds_its_values_in_its_frames_and_only_what_is_markup_is_markup() -> None:
    frames = [Markup('<td class="start"></td>'), Markup('<td class="end"></td>')]

    linked = formatting.in_cells(["<b>Ana</b></td>", Markup("<i>1</i>")], frames, '/x?a="1"&b')
    plain = formatting.in_cells([Markup("<b>Ana</b>"), "</td>"], frames, None)

    assert linked == (
        '<td class="start"><a class="row-link" href="/x?a=&#34;1&#34;&amp;b">&lt;b&gt;Ana&lt;/b&gt;&lt;/td&gt;</a></td>'
        '<td class="end"><i>1</i></td>'
    )
    assert plain == '<td class="start"><b>Ana</b></td><td class="end">&lt;/td&gt;</td>'


def test_what_is_not_there_is_a_dash_and_not_an_error() -> None:
    assert formatting.money(None, "eur") == formatting.when(None) == formatting.day(None) == formatting.NOTHING


def test_an_instant_is_utc_to_machines_and_on_hover() -> None:
    machine = 'datetime="2026-11-03T08:05:09Z" title="2026-11-03 08:05:09 UTC" data-when="datetime"'

    assert str(formatting.when(MOMENT)) == f"<time {machine}>3 Nov 2026, 08:05 UTC</time>"
    assert formatting.when(MOMENT.astimezone(timezone(timedelta(hours=9)))) == formatting.when(MOMENT)


def test_a_day_has_no_time_zone() -> None:
    assert str(formatting.day(date(2026, 2, 1))) == '<time datetime="2026-02-01">1 Feb 2026</time>'


@pytest.mark.parametrize(
    ("address", "masked"),
    [("jane@example.com", "j***@example.com"), ("j@x.de", "j***@x.de"), ("nobody", ""), ("", ""), (None, "")],
)
def test_an_address_keeps_one_letter(address: str | None, masked: str) -> None:
    assert formatting.mask_email(address) == masked


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana Lovelace", "AL"),
        ("ana@shop.example", "A"),
        ("jan.van.dam@x.nl", "JD"),
        ("Łucja", "Ł"),
        ("", "?"),
        (None, "?"),
        ("—", "?"),
    ],
)
def test_initials_are_one_or_two_letters(name: str | None, letters: str) -> None:
    assert formatting.initials(name) == letters


@pytest.mark.parametrize(
    ("number", "short"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (12_400, "12.4k"),
        (999_949, "999.9k"),
        (999_950, "1M"),
        (3_000_000, "3M"),
        (-1_500, "-1.5k"),
    ],
)
def test_counts_are_short(number: int, short: str) -> None:
    assert formatting.compact(number) == short


def test_json_shows_what_json_has_no_word_for() -> None:
    assert (
        formatting.pretty_json({"at": MOMENT, "name": "Łucja"})
        == '{\n  "at": "2026-11-03 08:05:09+00:00",\n  "name": "Łucja"\n}'
    )
