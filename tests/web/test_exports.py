"""What is downloaded is the list: whole, exact, in three formats, harmless, and put on record."""

import csv
import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import text

from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.money import MinorUnits, Money
from app.web.workbook import workbook
from tests import factories
from tests.desk import Desk, staff
from tests.web.routes import lists

LIST = "/admin/charges/"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\u200b=1", "＝1", '=cmd|"/C calc"!A0')


def _sheets(content: bytes) -> list[list[list[Any]]]:
    """Sheet by sheet the values of its rows, read by another program than wrote them."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]


def _made(rows: list[list[object]], *, heading: list[str] | None = None, **limits: int) -> bytes:
    heading = heading or [f"c{n}" for n in range(len(rows[0]))]
    return b"".join(workbook("List", heading, iter([rows]), **limits))


def _taken(desk: Desk, path: str) -> bytes:
    answer = desk.client.get(path)
    assert answer.status_code == 200
    return answer.get_data()


def test_the_same_payments_in_three_formats(app: Flask) -> None:
    mira = factories.customer(email="mira@example.com")
    factories.charge(id="ch_1", customer_id=mira.id, created_at=NOON)
    factories.charge(id="ch_2", amount=500, currency="jpy", created_at=NOON + timedelta(minutes=1, microseconds=5))
    factories.charge(id="ch_3", amount=1_234_567, currency="kwd", created_at=NOON + timedelta(minutes=2))
    finance = staff(app, "finance")

    lines = list(csv.DictReader(io.StringIO(_taken(finance, f"{LIST}export.csv").decode(), newline="")))
    [[heading, *rows]] = _sheets(_taken(finance, f"{LIST}export.xlsx"))
    records = [json.loads(line) for line in _taken(finance, f"{LIST}export.jsonl").splitlines()]

    assert [(line["Amount"], line["Amount currency"], line["Date (UTC)"]) for line in lines] == [
        ("1234.567", "KWD", "2026-11-01T12:02:00Z"),
        ("500", "JPY", "2026-11-01T12:01:00.000005Z"),
        ("50.00", "EUR", "2026-11-01T12:00:00Z"),
    ]
    at = {title: heading.index(title) for title in heading}
    assert [(row[at["Amount"]], row[at["Amount currency"]], row[at["Payment"]]) for row in rows] == [
        (1234.567, "KWD", "ch_3"),
        (500, "JPY", "ch_2"),
        (50, "EUR", "ch_1"),
    ]
    assert rows[2][at["Date (UTC)"]] == NOON.replace(tzinfo=None)
    assert records[2] == {
        "amount": 50.0,
        "amount_currency": "EUR",
        "amount_minor": 5_000,
        "status": "succeeded",
        "customer": "mira@example.com",
        "method": "card",
        "brand": "visa",
        "last_4": "4242",
        "decline": None,
        "created": "2026-11-01T12:00:00Z",
        "id": "ch_1",
    }
    assert [(record["amount_minor"], record["created"]) for record in records[:2]] == [
        (1_234_567, "2026-11-01T12:02:00Z"),
        (500, "2026-11-01T12:01:00.000005Z"),
    ]


def test_an_amount_is_never_a_float_on_its_way() -> None:
    largest = Money(MinorUnits(9_007_199_254_740_993), "eur")

    [[_, row]] = _sheets(_made([[largest, 2**53 + 1, Money(MinorUnits(-5), "eur")]]))

    assert row == ["90071992547409.93", "9007199254740993", -0.05]


@pytest.mark.parametrize("end", ["csv", "xlsx", "jsonl"])
def test_filters_sort_and_chosen_columns_are_those_of_the_list(app: Flask, end: str) -> None:
    factories.charge(id="ch_1", created_at=NOON, status="failed", paid=False)
    factories.charge(id="ch_2", created_at=NOON + timedelta(days=1))
    factories.charge(id="ch_3", created_at=NOON + timedelta(days=2))

    content = _taken(staff(app, "finance"), f"{LIST}export.{end}?status=succeeded&dir=asc&cols=id,created")

    if end == "csv":
        found = list(csv.reader(io.StringIO(content.decode(), newline="")))
    elif end == "xlsx":
        [found] = _sheets(content)
    else:
        records = [json.loads(line) for line in content.splitlines()]
        found = [list(records[0]), *(list(record.values()) for record in records)]
    place = {"csv": 2, "xlsx": 2, "jsonl": 3}[end]
    assert [row[place] for row in found] == [{"csv": "Payment", "xlsx": "Payment", "jsonl": "id"}[end], "ch_2", "ch_3"]
    assert len(found[0]) == place + 2


@pytest.mark.parametrize("end", ["csv", "xlsx", "jsonl"])
def test_an_address_is_masked_in_every_format_for_who_sees_it_masked_on_the_page(app: Flask, end: str) -> None:
    factories.charge(receipt_email="mira@example.com")
    with transaction():
        db.session.execute(
            text(
                "INSERT INTO role_permissions (role, permission, granted, changed_at)"
                " VALUES ('view_only', 'export', true, now())"
            )
        )

    content = _taken(staff(app, "view_only"), f"{LIST}export.{end}")

    whole = content
    if end == "xlsx":
        whole = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b"m***@example.com" in whole
    assert b"mira@" not in whole


@pytest.mark.parametrize("end", ["csv", "xlsx", "jsonl"])
def test_who_took_what_is_on_record_before_the_first_line(app: Flask, end: str) -> None:
    factories.charge()
    finance = staff(app, "finance")

    answer = finance.client.get(f"{LIST}export.{end}?status=succeeded", buffered=False)
    [act] = trail.of("list", "charges")
    answer.close()

    assert (act.action, act.actor) == ("list.exported", finance.email)
    assert act.after == {"as": end, "filters": ["Status: Succeeded"]}


def test_the_trail_is_taken_whole_and_taking_it_is_an_entry(app: Flask) -> None:
    with transaction():
        trail.record(
            Actor("staff", "ana@shop.example"), "refund.requested", "refund", "r-1",
            reason="broken", before={"left": 5}, after={"amount": "20.00 EUR", "charge": "ch_1"},
        )  # fmt: skip
    auditor = staff(app, "auditor")

    [record] = map(json.loads, _taken(auditor, "/admin/audit/export.jsonl?object=r-1").splitlines())
    [line] = csv.DictReader(io.StringIO(_taken(auditor, "/admin/audit/export.csv?object=r-1").decode(), newline=""))

    assert record["before"] == {"left": 5}
    assert record["after"] == {"amount": "20.00 EUR", "charge": "ch_1"}
    assert json.loads(line["After"]) == record["after"]
    assert len(record["hash"]) == 64
    assert [act.after for act in reversed(trail.of("list", "audit"))] == [
        {"as": "jsonl", "filters": ["Object id: r-1"]},
        {"as": "csv", "filters": ["Object id: r-1"]},
    ]


def test_every_list_can_be_taken_in_every_format_even_empty_and_no_name_stands_for_two_columns(app: Flask) -> None:
    admin = staff(app, "admin")
    doubled = []
    for view in lists(app):
        url = app.url_map.bind("localhost").build(f"{view.endpoint}.index_view")
        for end in ("csv", "xlsx", "jsonl"):
            _taken(admin, f"{url}export.{end}")
        names = [name for column in view.columns for name, _ in column.record]
        headings = [name for column in view.columns for name, _ in column.exports]
        own = [column.name for column in view.columns]
        doubled += [view.endpoint for found in (names, headings, own) if len(found) != len(set(found))]

    assert doubled == []


def test_what_would_be_a_formula_is_text_in_a_workbook_and_stays_exactly_what_it_was() -> None:
    content = _made([[words] for words in FORMULAS])

    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    cells = [sheet.cell(row, 1) for row in range(2, len(FORMULAS) + 2)]
    assert [cell.value for cell in cells] == list(FORMULAS)
    assert {cell.data_type for cell in cells} == {"s"}
    # Whoever edits such a cell has text before them still.
    assert all(cell.quotePrefix for cell in cells)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("a\0b\x07c", "abc"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("\ufffe\uffffx", "x"),
        ("line\nbreak ", "line\nbreak "),
        ("_x000D_", "_x000D_"),
        ("Öztürk 東京 🎉", "Öztürk 東京 🎉"),
        ("]]>", "]]>"),
        ("x" * 40_000, "x" * 32_766 + "…"),
        (True, True),
        (date(2026, 11, 1), datetime(2026, 11, 1)),  # noqa: DTZ001 - workbooks know no zones
        (datetime(1850, 1, 1, tzinfo=UTC), "1850-01-01T00:00:00Z"),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, 23, 59, 59)),  # noqa: DTZ001
        ({"b": 1, "a": "=1"}, '{"a":"=1","b":1}'),
        (None, None),
    ],
)
def test_every_value_arrives_in_a_workbook(given: object, read: object) -> None:
    [[_, row]] = _sheets(_made([[given, "end"]]))

    # How the reader spells the escape of an underscore is its own matter.
    assert [str(row[0]).replace("_x005F_", "_") if isinstance(row[0], str) else row[0], row[1]] == [read, "end"]


def test_rows_beyond_a_sheet_go_on_in_the_next_with_the_heading_again() -> None:
    rows: list[list[object]] = [[number] for number in range(7)]

    assert _sheets(_made(rows, rows_of_a_sheet=4)) == [
        [["c0"], [0], [1], [2]],
        [["c0"], [3], [4], [5]],
        [["c0"], [6]],
    ]
    assert len(_sheets(_made(rows, rows_of_a_sheet=8))) == 1
    by_size = b"".join(workbook("L", ["c0"], iter([rows[:3], rows[3:]]), bytes_of_a_sheet=10))
    assert _sheets(by_size) == [[["c0"], [0], [1], [2]], [["c0"], [3], [4], [5], [6]]]


def test_a_workbook_begins_before_the_first_row_is_read_and_keeps_no_row() -> None:
    asked = []

    def rows() -> Iterator[list[list[object]]]:
        for number in itertools.count():
            asked.append(number)
            yield [[number] * 3]

    pieces = workbook("List", ["a", "b", "c"], rows())

    first = next(pieces)
    assert first.startswith(b"PK")
    assert asked == []
    for _ in range(100):
        next(pieces)
    assert len(asked) < 110
    pieces.close()


@pytest.mark.parametrize("end", ["csv", "xlsx", "jsonl"])
def test_a_browser_that_goes_away_leaves_no_connection_behind(committed: Flask, end: str) -> None:
    for _ in range(3):
        factories.charge()
    finance = staff(committed, "finance")
    db.session.remove()

    answer = finance.client.get(f"{LIST}export.{end}", buffered=False)
    pieces = iter(answer.response)
    next(pieces)
    between = db.engine.pool.checkedout()  # type: ignore[attr-defined]
    answer.close()

    assert (between, db.engine.pool.checkedout()) == (0, 0)  # type: ignore[attr-defined]
    assert finance.get(LIST).status == 200


def test_a_list_of_many_batches_is_whole_in_a_workbook(app: Flask) -> None:
    account = factories.charge().account_id
    with transaction():
        db.session.execute(
            text("""
                INSERT INTO charges (id, account_id, created_at, raw, seen_at, heard_at, rank, amount, amount_captured,
                    amount_refunded, currency, status, captured, paid, refunded, disputed)
                SELECT 'ch_n' || lpad(n::text, 6, '0'), :account, timestamptz '2026-01-01' + n * interval '1 second',
                    '\\x00', now(), now(), 1, n, n, 0, 'eur', 'succeeded', true, true, false, false FROM generate_series(1, 4500) n
            """),
            {"account": account},
        )

    [[heading, *rows]] = _sheets(_taken(staff(app, "finance"), f"{LIST}export.xlsx?dir=asc&q=&created_to=2026-02-01"))

    assert [row[heading.index("Payment")] for row in rows] == [f"ch_n{n:06}" for n in range(1, 4501)]
