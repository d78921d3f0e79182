"""The line is taken apart as people mean it."""

import pytest

from app.errors import BadRequest
from app.search.kinds import BY_NAME
from app.search.language import KEYS, Term, UnknownKey, Wanted, read


def _read(typed: str) -> Wanted:
    return read(typed, BY_NAME)


def test_pairs_and_words_stand_side_by_side() -> None:
    wanted = _read('  Anna status:failed amount:>5000 name:"Jo Lind" brand:visa Berg ')

    assert wanted.text == "Anna Berg"
    assert wanted.terms == (
        Term("status", "=", "failed"),
        Term("amount", ">", "5000"),
        Term("name", "=", "Jo Lind"),
        Term("brand", "=", "visa"),
    )


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("amount:>=10", [(">=", "10")]),
        ("amount:<=10", [("<=", "10")]),
        ("amount:<10", [("<", "10")]),
        ("amount:=10", [("=", "10")]),
        ("AMOUNT:10", [("=", "10")]),
        ("amount:10..20", [(">=", "10"), ("<=", "20")]),
        ("amount:10..", [(">=", "10")]),
        ("amount:..20", [("<=", "20")]),
    ],
)
def test_amounts_are_compared_and_ranged(typed: str, terms: list[tuple[str, str]]) -> None:
    assert [(term.sign, term.value) for term in _read(typed).terms] == terms


def test_what_only_looks_like_a_pair_is_text() -> None:
    assert _read("https://shop.example/x").text == "https://shop.example/x"
    assert _read("12:30").text == "12:30"
    assert _read("status: failed").text == "status: failed"
    assert _read("").is_empty


@pytest.mark.parametrize("typed", ["colour:red", "amuont:5", "status:failed foo:bar", "A:1"])
def test_an_unknown_key_is_answered_with_the_keys_there_are(typed: str) -> None:
    with pytest.raises(UnknownKey, match="You can use: status, amount, currency") as refused:
        _read(typed)

    assert all(key in str(refused.value) for key in KEYS)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("amount:..", "from where to where"),
        ("amount:>", "Say what you look for"),
        ("in:mars", "nothing called “mars”"),
        ("a\0b", "a character that nothing can contain"),
        ("x" * 201, "too long"),
        (" ".join(["brand:visa"] * 13), "more than 12 conditions"),
    ],
)
def test_what_makes_no_sense_is_said_in_words(typed: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        _read(typed)
