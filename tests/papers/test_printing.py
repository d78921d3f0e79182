"""Papers say exactly what they were told, in any script we have letters for, and admit the ones we have not."""

import base64
import hashlib
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest
import time_machine
from pypdf import PdfReader

from app.money import MinorUnits, Money
from app.papers.printing import FONTS, GAP, print_sheet, words
from app.papers.sheets import Line, Sheet, Total
from app.web.theme import ROOT
from tests.papers.reading import pages_of, text_of

MANIFEST = json.loads((FONTS / "manifest.json").read_text())["files"]
SCRIPT = (ROOT / ".ci/fonts.sh").read_text()


def money(minor: int, currency: str = "eur") -> Money:
    return Money(MinorUnits(minor), currency)


PLAIN = Sheet(
    title="Receipt",
    sender=["Shop GmbH", "Street 1"],
    receiver=["Jane Doe", "jane@example.com"],
    facts=[("Paid on", "2 Nov 2026")],
    lines=[Line("Running shoes", money(5_000), "Size 42")],
    totals=[Total("Given back", money(-1_250)), Total("Total", money(3_750), strong=True)],
    notes=["Thank you."],
    foot="Shop GmbH",
)


def test_a_sheet_is_printed_whole() -> None:
    printed = print_sheet(PLAIN)

    said = text_of(printed.content)
    for part in ("Shop GmbH Street 1", "Receipt", "Jane Doe", "Paid on", "2 Nov 2026", "Running shoes", "Size 42", "50.00 EUR",
                 "−12.50 EUR", "37.50 EUR", "Thank you.", "Page 1 of 1"):  # fmt: skip
        assert part in said, part
    assert printed.unprinted == ""


@pytest.mark.parametrize(
    ("minor", "currency", "printed"),
    [
        (5_000, "jpy", "5,000 JPY"),
        (123_456, "eur", "1,234.56 EUR"),
        (5_120, "kwd", "5.120 KWD"),
        (500, "isk", "5.00 ISK"),
        (-1, "eur", "−0.01 EUR"),
        (9_223_372_036_854_775_807, "jpy", "9,223,372,036,854,775,807 JPY"),
    ],
)
def test_amounts_have_their_currencys_decimals(minor: int, currency: str, printed: str) -> None:
    assert words(money(minor, currency)) == printed
    sheet = replace(PLAIN, lines=[], totals=[Total("Total", money(minor, currency))])

    assert printed in text_of(print_sheet(sheet).content)


def test_the_same_sheet_is_the_same_bytes_at_any_time() -> None:
    first = print_sheet(PLAIN)
    with time_machine.travel(datetime(2030, 1, 1, tzinfo=UTC)):
        second = print_sheet(PLAIN)

    assert first.content == second.content


def test_a_file_knows_the_time_it_was_given() -> None:
    printed = print_sheet(replace(PLAIN, made_at=datetime(2026, 11, 2, 12, 0, tzinfo=UTC)))

    made = PdfReader(BytesIO(printed.content)).metadata
    assert made is not None
    assert made.creation_date == datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Müller Łódź", "Ελένη", "Привет", "Nguyễn", "山田 太郎", "さくら カード"])
def test_names_in_many_scripts_are_printed(name: str) -> None:
    printed = print_sheet(replace(PLAIN, receiver=[name]))

    assert "".join(name.split()) in "".join(text_of(printed.content).split())
    assert printed.unprinted == ""


def test_japanese_letters_come_only_with_papers_that_have_some() -> None:
    latin, japanese = print_sheet(PLAIN), print_sheet(replace(PLAIN, receiver=["山田 太郎"]))

    assert b"MPLUS1p" not in latin.content
    assert b"MPLUS1p" in japanese.content


def test_what_no_font_has_is_marked_and_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    printed = print_sheet(replace(PLAIN, receiver=["김민준 🎉"]))

    said = text_of(printed.content)
    assert printed.unprinted == "김민준🎉"
    assert f"{GAP}{GAP}{GAP} {GAP}" in said
    assert f"The mark {GAP} stands for a character that this document's fonts do not have." in said
    assert caplog.records == []


def test_what_nobody_can_print_harms_nothing() -> None:
    printed = print_sheet(replace(PLAIN, receiver=["a\0b\x1b[31m\ud800c\u202e"], notes=["", "x" * 3_000]))

    assert "a b [31m c" in text_of(printed.content)


def test_a_long_table_goes_on_over_pages_with_its_heading() -> None:
    lines = [Line(f"Thing {number} " + "with a long name " * (number % 7), money(number)) for number in range(120)]

    pages = pages_of(print_sheet(replace(PLAIN, lines=lines)).content)

    assert len(pages) > 3
    assert all("Description" in page for page in pages[:-1])
    assert f"Page 2 of {len(pages)}" in pages[1]
    everything = " ".join(pages)
    assert all(f"Thing {number} " in everything.replace("\n", " ") for number in range(120))


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["path"])
def test_every_font_is_as_it_was_fetched(entry: dict[str, str]) -> None:
    digest = hashlib.sha384((FONTS / entry["path"]).read_bytes()).digest()

    assert base64.b64encode(digest).decode() == entry["sha384"]
    assert entry["licence"] in {"Bitstream-Vera", "OFL-1.1"}
    assert f"={entry['version']}\n" in SCRIPT


def test_no_font_lies_there_that_the_manifest_does_not_name() -> None:
    there = {str(path.relative_to(FONTS)) for path in FONTS.rglob("*") if path.is_file()}

    assert there == {entry["path"] for entry in MANIFEST} | {"manifest.json"}
