"""People are found by what somebody remembers of them, and the index forgets whom the table forgets."""

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update

from app.database import db, transaction
from app.models.customer import Customer
from app.models.search_word import SearchWord
from app.web.permissions import ROLES
from app.web.words import customers_called, fold, slips, split
from tests import factories


@pytest.fixture
def finds(app: Flask):
    """Who is found by these words, for somebody who may see addresses or for somebody who may not."""

    def ask(words: str, role: str = "support") -> list[str]:
        with app.test_request_context():
            from flask import g

            g.permissions = ROLES[role]
            return customers_called(words)

    return ask


def test_a_person_is_found_by_any_word_of_the_name_and_any_two_in_a_row(app: Flask, finds) -> None:
    anna = factories.customer(name="Anna Maria Müller-Lüdenscheidt", email="am@shop.example").id
    factories.customer(name="Hanna Maier", email="hanna@shop.example")

    for words in (
        "anna", "ANNA MARIA", "maria", "mull", "Müller", "müller lüd", "ludenscheidt", "Lüdenscheidt Anna", "maria  müller-lü",
        "anna müller", "ludenscheidt mar",
    ):  # fmt: skip
        assert finds(words) == [anna], words


def test_one_wrong_letter_still_finds_the_name(app: Flask, finds) -> None:
    schmidt = factories.customer(name="Berta Schmidt", email="b@shop.example").id

    for words in ("Schmitd", "Schmdt", "Schmiddt", "Xchmidt", "Berta Schmist", "Bertha Schmidt", "Schmidt Bert"):
        assert finds(words) == [schmidt], words
    for words in ("Sxhmixt", "Sch", "Schmixxt", "Bett"):
        assert finds(words) == ([schmidt] if words == "Sch" else []), words


def test_who_is_called_so_comes_before_who_is_called_similarly(app: Flask, finds) -> None:
    long = factories.customer(name="Annabelle Berg").id
    exact = factories.customer(name="Anna").id

    assert finds("anna") == [exact, long]


def test_an_address_is_found_whole_begun_by_its_parts_and_its_domain(app: Flask, finds) -> None:
    found = factories.customer(name="X", email="Jo.Lovelace+shop@Analytical.example").id

    for words in (
        "jo.lovelace+shop@analytical.example", "JO.LOVELACE+SHOP@ANALYTICAL.EXAMPLE", "jo.love", "lovelace", "shop",
        "analytical.example", "@analytical.example",
    ):  # fmt: skip
        assert finds(words) == [found], words


def test_a_value_of_the_metadata_is_found(app: Flask, finds) -> None:
    found = factories.customer(labels={"crm": "C-10042", "plan": "Größe XL", "vip": True}).id

    assert finds("c-10042") == [found]
    assert finds("C-100") == [found]
    assert finds("grosse xl") == [found]


def test_without_the_right_to_see_addresses_only_a_whole_one_is_found(app: Flask, finds) -> None:
    found = factories.customer(name="Jo Lind", email="jo.lind@example.com", labels={"crm": "C-10042"}).id
    as_name = factories.customer(name="mia@example.org", email=None).id

    assert finds("jo.lind@example.com", "view_only") == [found]
    assert finds("mia@example.org", "view_only") == [as_name]
    assert finds("C-10042", "view_only") == [found]
    assert finds("lind", "view_only") == [found]
    for words in ("jo.lind@", "jo.lind@example.co", "example.com", "mia@", "mia", "example.org", "C-1004", "C"):
        assert finds(words, "view_only") == [], words


def test_a_sign_of_a_pattern_is_only_itself(app: Flask, finds) -> None:
    factories.customer(name="Jo Lind", email="jo@example.com")

    for words in ("%", "_", "' OR 1=1--", "x'; select pg_sleep(5)--", "\\", "\U0010ffff", "jo@example.com'"):
        assert finds(words) == [], words


def test_a_customer_who_is_changed_erased_or_deleted_is_no_longer_found_by_the_old_words(app: Flask, finds) -> None:
    key = factories.customer(name="Jo Lind", email="jo@example.com", labels={"crm": "C-1"}).id
    with transaction():
        db.session.execute(update(Customer).values(phone="+49 1"))
    unchanged = finds("jo lind")
    with transaction():
        db.session.execute(update(Customer).values(name="Ada Lind", labels=None))
    renamed = finds("jo lind"), finds("C-1"), finds("ada"), finds("jo@example.com")
    with transaction():
        db.session.execute(update(Customer).values(name=None, email=None))
    erased = db.session.scalars(select(SearchWord)).all()
    with transaction():
        db.session.execute(update(Customer).values(name="Jo"))
        db.session.execute(delete(Customer))

    assert unchanged == [key]
    assert renamed == ([], [], [key], [key])
    assert erased == []
    assert db.session.scalars(select(SearchWord)).all() == []


def test_a_customer_of_another_account_is_not_found(app: Flask, finds) -> None:
    mine = factories.customer(name="Jo Lind").id
    factories.customer(name="Jo Lind", account_id=factories.another_account().id)

    assert finds("lind") == [mine]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=30))
@settings(max_examples=300, deadline=None, database=None)
def test_what_is_typed_is_folded_as_what_is_kept(words: str) -> None:
    assert fold(fold(words)) == fold(words)
    assert all(word for word in split(words))


def test_python_and_postgresql_fold_alike(app: Flask) -> None:
    names = [
        "Łukasz Żółć", "Große-Straße", "ÆRØ", "Œuvre", "İstanbul ılık", "Ελένη Σοφίας", "Дарья Ёлкина", "Đorđe", "Ħal",
        "naïve café", "O’Brien", "O'Neill", "ﬁrst", "①", "Ⅷ", "株式会社", "김민수", "محمد", "a\u0301",
        "Jo—Anne", "x[y]z`{}~", "a\tb", "  ", "",
    ]  # fmt: skip
    for name in names:
        kept = db.session.execute(
            text("SELECT search_fold(:name) AS folded, search_split(:name) AS split"), {"name": name}
        ).one()
        assert (fold(name), split(name)) == (kept.folded, kept.split), name


def test_a_slip_is_one_letter_away() -> None:
    assert {"nna", "nana", "annab", "bnna", "ana"} <= slips("anna")
    assert "anna" not in slips("anna")
    assert "annaxy" not in slips("anna")
