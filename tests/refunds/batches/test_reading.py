"""Files as people and their spreadsheets really make them."""

import pytest

from app.errors import BadRequest
from app.refunds.batches.reading import MOST_ROWS, Line, read_file, read_text

TWO = [Line(2, "ch_1", amount="12.50"), Line(3, "pi_2")]


@pytest.mark.parametrize(
    "content",
    [
        b"payment,amount\nch_1,12.50\npi_2,\n",
        b"\xef\xbb\xbfpayment,amount\r\nch_1,12.50\r\npi_2,\r\n",
        "payment;amount\r\nch_1;12.50\r\npi_2;".encode("utf-16"),
        b"Charge ID\tAmount\nch_1\t12.50\npi_2\t\n",
        b'"id";"amount"\n"ch_1";" 12.50 "\n"pi_2";""\n',
    ],
)
def test_marks_separators_quotes_and_line_ends_do_not_matter(content: bytes) -> None:
    assert read_file(content) == TWO


def test_without_headings_the_columns_stand_in_their_order() -> None:
    assert read_text("ch_1, 12.50\n\n  \npi_2") == [Line(1, "ch_1", amount="12.50"), Line(4, "pi_2")]


def test_quotes_hold_separators_line_breaks_and_quotes_together() -> None:
    [line] = read_file(b'payment,words,colour\nch_1,"Broken, ""twice""\nand late",red\n')

    assert line == Line(3, "ch_1", words='Broken, "twice"\nand late')


def test_letters_of_windows_are_read() -> None:
    [line] = read_file("payment;words\nch_1;Größe falsch\n".encode("cp1252"))

    assert line.words == "Größe falsch"


def test_a_line_with_more_cells_than_columns_is_marked() -> None:
    [line] = read_text("payment,amount\nch_1,12,50")

    assert line == Line(2, "ch_1", amount="12", surplus=True)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no payments in it"),
        (b"\n \n", "no payments in it"),
        (b"payment,amount\n", "no payments below"),
        (b"payment\nch_1\0\n", "NUL character in line 2"),
        (b'payment\n"ch_1\n', "cannot be read: check its quotes"),
        (b'payment\n"ch_1"x\n', "Line 2 cannot be read"),
        (b"payment\nch_" + b"x" * 3_000, "Line 2 is too long"),
        (b"name,amount\nJo,5\n", "The first line must"),
        (b"payment,id\nch_1,ch_1\n", "Two columns could be the payment"),
        (b"id,Amount Refunded\nch_1,5\n", "may be an amount or not"),
        (b"\xff\xfe\x00", "This file is no text"),
        (b"\x81\x8d", "This file is no text"),
    ],
)
def test_what_is_no_such_table_is_refused_in_words(content: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read_file(content)


def test_five_thousand_are_read_and_one_more_is_not() -> None:
    full = "payment\n" + "ch_1\n" * MOST_ROWS

    assert len(read_text(full)) == 5_000
    for more in (full + "ch_1\n", "ch_1\n" * 5_001):
        with pytest.raises(BadRequest, match="more than 5,000 payments"):
            read_text(more)
