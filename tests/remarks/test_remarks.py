"""Notes, tags and fields: what is kept, what it was before, and what is never kept."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from app.database import db
from app.models.audit_log import AuditLog
from app.models.remark import CustomValue, Note, Tag
from tests import factories
from tests.desk import Desk, Page, staff
from tests.queries import counted

CARD = "4000 0027 6000 3184"


def remarks(kind: str, key: object) -> str:
    return f"/admin/remarks/{kind}/{key}"


def write(desk: Desk, about: str, words: str, *, expect: int = 303) -> Page:
    return desk.post(f"{about}/note", {"words": words}, expect=expect)


def versions() -> list[tuple[int, str, str, bool]]:
    rows = db.session.query(Note).order_by(Note.note_id, Note.version)
    return [(note.version, note.words, note.written_by, note.replaced_at is None) for note in rows]


def acts() -> list[tuple[str, str, str, Any]]:
    found = db.session.query(AuditLog).order_by(AuditLog.id)
    return [
        (act.action, act.object_type, act.object_id, act.after)
        for act in found
        if act.action.startswith(("note.", "tag.", "field."))
    ]


def the_note() -> UUID:
    return db.session.query(Note).first().note_id  # type: ignore[union-attr]


def test_a_note_stands_on_the_page_and_its_words_are_not_in_the_trail(app: Flask) -> None:
    mira, ana = factories.customer(id="cus_mira"), staff(app, email="ana@shop.example")

    answer = write(ana, remarks("customer", mira.id), "Wants\r\ninvoices by post")

    assert answer.location == "/admin/customers/cus_mira#remarks"
    assert "ana@shop.example" in ana.get("/admin/customers/cus_mira").words
    assert versions() == [(1, "Wants\ninvoices by post", "ana@shop.example", True)]
    assert acts() == [("note.added", "customer", "cus_mira", {"note": str(the_note())})]


def test_an_edit_keeps_what_was_written_before(app: Flask) -> None:
    mira, ana, ben = factories.customer(), staff(app, email="ana@shop.example"), staff(app, email="ben@shop.example")
    write(ana, remarks("customer", mira.id), "Calls on Mondays")

    ben.get(remarks("customer", mira.id))
    ben.post(f"/admin/remarks/note/{the_note()}/edit", {"words": "Calls on Tuesdays", "version": "1"})

    assert versions() == [
        (1, "Calls on Mondays", "ana@shop.example", False),
        (2, "Calls on Tuesdays", "ben@shop.example", True),
    ]
    page = ben.get(remarks("customer", mira.id))
    assert "Calls on Mondays" in page.words
    assert "Calls on Mondays" not in ben.get(f"/admin/customers/{mira.id}").words
    assert [act[0] for act in acts()] == ["note.added", "note.edited"]


def test_two_who_edit_at_once_do_not_overwrite_each_other(app: Flask) -> None:
    mira, ana = factories.customer(), staff(app)
    write(ana, remarks("customer", mira.id), "One")
    edit = f"/admin/remarks/note/{the_note()}/edit"
    ana.post(edit, {"words": "Two", "version": "1"})

    page = ana.post(edit, {"words": "Three", "version": "1"}, expect=409)

    assert "has changed this note meanwhile" in page.words
    assert "Three" in page.html
    assert [version[1] for version in versions()] == ["One", "Two"]


def test_a_removed_note_leaves_the_page_and_stays_in_the_table(app: Flask) -> None:
    mira, ana = factories.customer(), staff(app)
    write(ana, remarks("customer", mira.id), "Wrong person")

    ana.post(f"/admin/remarks/note/{the_note()}/remove")

    assert "Wrong person" not in ana.get(f"/admin/customers/{mira.id}").words
    assert [(version[1], version[3]) for version in versions()] == [("Wrong person", False)]
    assert "not there any more" in ana.post(f"/admin/remarks/note/{the_note()}/remove", expect=404).words


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (f"Card {CARD} was read out", "Card [card number] was read out"),
        ("key sk_live_abc123", "key [secret]"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("x" * 10_000, "x" * 10_000),
    ],
)
def test_what_is_kept_of_a_note(app: Flask, typed: str, kept: str) -> None:
    mira = factories.customer()

    write(staff(app), remarks("customer", mira.id), typed)

    assert [version[1] for version in versions()] == [kept]


@pytest.mark.parametrize(("typed", "words"), [("", "needs words"), (" \n ", "needs words"), ("x" * 10_001, "10,001")])
def test_what_is_no_note_is_said_and_nothing_is_lost(app: Flask, typed: str, words: str) -> None:
    mira = factories.customer()

    page = write(staff(app), remarks("customer", mira.id), typed, expect=400)

    assert words in page.words
    assert typed.strip() in page.html
    assert (versions(), acts()) == ([], [])


@pytest.mark.parametrize("kind", ["charge", "dispute", "refund"])
def test_payments_disputes_and_refunds_have_notes_and_tags_as_well(app: Flask, kind: str) -> None:
    charge = factories.charge()
    row = {"charge": charge, "dispute": factories.dispute(charge), "refund": factories.refund(charge)}[kind]
    ana = staff(app)

    write(ana, remarks(kind, row.id), "Parcel came back")
    ana.post(f"{remarks(kind, row.id)}/tags", {"tags": "Parcel lost, vip"})

    page = ana.get(f"/admin/{kind}s/{row.id}")
    assert "Parcel came back" in page.words
    assert "parcel-lost" in page.words
    listed = ana.get(f"/admin/{kind}s/?tag=parcel-lost")
    assert f"/admin/{kind}s/{row.id}" in listed.links
    assert f"/admin/{kind}s/{row.id}" not in ana.get(f"/admin/{kind}s/?tag=other").links


def test_a_tag_filters_the_customers_and_goes_again(app: Flask) -> None:
    mira, _ = factories.customer(id="cus_mira"), factories.customer(id="cus_other")
    ana = staff(app)
    about = remarks("customer", mira.id)

    ana.post(f"{about}/tags", {"tags": "VIP"})
    links = ana.get("/admin/customers/?tag=vip").links
    ana.post(f"{about}/tags/remove", {"tag": "vip"})

    assert "/admin/customers/cus_mira" in links
    assert "/admin/customers/cus_other" not in links
    assert "Nothing matches" in ana.get("/admin/customers/?tag=vip").words
    assert [(act[0], act[3]) for act in acts()] == [("tag.added", {"tags": "vip"}), ("tag.removed", {"tags": "vip"})]


@pytest.mark.parametrize(
    ("typed", "status", "words"),
    [
        ("", 400, "Write a tag"),
        (" , ", 400, "Write a tag"),
        ("mona@example.com", 400, "letters from a to z"),
        ("x" * 41, 400, "40 at most"),
        ("4000002760003184", 400, "card number"),
        ("vip\0", 400, "letters from a to z"),
        ("Mona", 422, "own data"),
        ("friend-of-berg", 422, "own data"),
        (",".join(f"t{n}" for n in range(11)), 400, "At most 10"),
    ],
)
def test_what_is_no_tag(app: Flask, typed: str, status: int, words: str) -> None:
    mona = factories.customer(name="Mona Berg", email="mona.berg@example.com")

    page = staff(app).post(f"{remarks('customer', mona.id)}/tags", {"tags": typed}, expect=status)

    assert words in page.words
    assert (db.session.query(Tag).count(), acts()) == (0, [])


def test_a_field_has_a_history_and_goes_when_it_is_empty(app: Flask) -> None:
    mira, ana = factories.customer(), staff(app)
    about = remarks("customer", mira.id)

    for value in ("silver", "gold"):
        ana.post(f"{about}/field", {"name": "Loyalty level", "value": value})
    page = ana.get(f"/admin/customers/{mira.id}")
    ana.post(f"{about}/field", {"name": "loyalty-level", "value": ""})

    assert "loyalty-level gold" in page.words
    rows = db.session.query(CustomValue).order_by(CustomValue.id)
    assert [(row.name, row.value, row.replaced_at is None) for row in rows] == [
        ("loyalty-level", "silver", False),
        ("loyalty-level", "gold", False),
    ]
    assert [act[0] for act in acts()] == ["field.set", "field.set", "field.removed"]


def test_who_may_not_write_reads(app: Flask) -> None:
    mira = factories.customer()
    write(staff(app), remarks("customer", mira.id), "Write to mona@example.com")
    viewer = staff(app, "view_only")

    page = viewer.get(f"/admin/customers/{mira.id}")

    assert "Write to m***@example.com" in page.words
    assert "Add note" not in page.words
    viewer.post(f"{remarks('customer', mira.id)}/note", {"words": "x"}, expect=403)
    assert len(versions()) == 1


@pytest.mark.parametrize("path", ["customer/cus_nobody", "nothing/x", "customer/%00", "refund/abc", "note/abc/edit"])
def test_what_is_not_there_is_not_there(app: Flask, path: str) -> None:
    ana = staff(app)
    about = f"/admin/remarks/{path}"
    page = ana.post(about if path.endswith("edit") else f"{about}/note", {"words": "x"}, expect=404)

    assert "There is no" in page.words or "nothing of this kind" in page.words


def test_the_remarks_of_another_account_are_not_ours(app: Flask) -> None:
    mira, other = factories.customer(), factories.another_account().id
    theirs = factories.customer(account_id=other)

    staff(app).post(f"{remarks('customer', theirs.id)}/note", {"words": "x"}, expect=404)

    assert versions() == []
    assert mira.id != theirs.id


def test_the_remarks_of_a_page_are_one_question(app: Flask) -> None:
    key, ana = factories.customer().id, staff(app)
    for n in range(5):
        write(ana, remarks("customer", key), f"Note {n}")

    with counted() as queries:
        ana.get(f"/admin/customers/{key}")

    assert len([query for query in queries if "FROM custom_values" in query]) == 1
