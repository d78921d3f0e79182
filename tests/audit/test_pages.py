"""The trail as staff see it."""

from uuid import uuid4

from flask import Flask

from app.actor import Actor
from app.audit import erasing, trail
from app.database import db, transaction
from app.models.erasure import Erasure
from tests import factories
from tests.desk import staff
from tests.factories import NOON


def _write(reason: str = "Arrived broken", actor: str = "ben@shop.example") -> None:
    with transaction():
        trail.record(
            Actor("staff", actor, ip="203.0.113.7", request_id="req-77"),
            "refund.requested",
            "refund",
            "r-1",
            reason=reason,
            before={"refunded": "0.00 EUR"},
            after={"amount": "20.00 EUR", "charge": "ch_1"},
        )


def test_the_list_tells_acts_as_sentences_newest_first(app: Flask) -> None:
    auditor = staff(app, "auditor")
    _write()

    page = auditor.get("/admin/audit/")

    asked = page.words.index("ben@shop.example asked for a refund of 20.00 EUR of ch_1")
    assert asked < page.words.index(f"{auditor.email} signed in")
    assert "3 entries" in page.words


def test_an_entry_shows_everything_it_holds(app: Flask) -> None:
    auditor = staff(app, "auditor")
    _write()

    page = auditor.get("/admin/audit/3")

    assert page.headings == ["ben@shop.example asked for a refund of 20.00 EUR of ch_1"]
    for fact in ("Arrived broken", "203.0.113.7", "req-77", "refunded 0.00 EUR —", "amount — 20.00 EUR"):
        assert fact in page.words


def test_the_list_is_searched_and_filtered(app: Flask) -> None:
    auditor = staff(app, "auditor")
    _write()
    _write(reason="Something else", actor="eva@shop.example")

    for query, found in {
        "q=r-1": 2,
        "q=req-77": 2,
        "q=broken": 1,
        "q=%25": 0,
        "actor=eva@shop.example": 1,
        "action=refund.requested": 2,
        "by=command": 1,
        "object=r-1&actor=ben@shop.example": 1,
        "at_from=2000-01-01&at_to=2000-12-31": 0,
    }.items():
        page = auditor.get(f"/admin/audit/?{query}")
        assert (f"{found} entr" if found else "Nothing matches") in page.words, query


def test_what_somebody_typed_is_shown_as_text(app: Flask) -> None:
    auditor = staff(app, "auditor")
    _write(reason="<script>alert(1)</script>", actor='"><img src=x onerror=alert(1)>')

    for path in ("/admin/audit/", "/admin/audit/3"):
        page = auditor.get(path)
        assert "<script>alert" not in page.html
        assert "<img src=x" not in page.html
        assert "<script>alert(1)</script>" in page.words


def test_a_download_is_itself_written_down_with_what_was_asked(app: Flask) -> None:
    auditor = staff(app, "auditor")
    _write()

    page = auditor.get("/admin/audit/export.csv?q=r-1&action=refund.requested")

    lines = page.html.splitlines()
    assert page.answer.mimetype == "text/csv"
    assert 'attachment; filename="audit-' in page.answer.headers["Content-Disposition"]
    assert lines[0] == (
        "What happened,Reason,By,When (UTC),Act,Object,From,No.,Kind of actor,Kind of object,Request id,Before,After,Hash"
    )
    assert lines[1].startswith(
        "ben@shop.example asked for a refund of 20.00 EUR of ch_1,Arrived broken,ben@shop.example,"
    )
    assert len(lines) == 2
    entry = auditor.get("/admin/audit/4")
    assert entry.headings == [f"{auditor.email} downloaded the list of audit"]
    assert "Search: r-1" in entry.words


def test_an_auditor_sees_the_trail_and_nothing_else(app: Flask) -> None:
    auditor = staff(app, "auditor")

    auditor.get("/admin/audit/")
    for path in ("/admin/staff/", "/admin/staff/roles", "/admin/webhooks/", "/admin/webhooks/refusals/"):
        auditor.get(path, expect=403)


def test_an_entry_whose_words_were_erased_says_so_plainly(committed: Flask) -> None:
    auditor = staff(committed, "auditor")
    _write(reason="Quetzal phoned")
    account = factories.account()
    with transaction():
        erasure = Erasure(
            id=uuid4(),
            account_id=account.id,
            customer_id="cus_q",
            state="running",
            asked_by="ana@shop.example",
            reason="Asked for it",
            obstacles=[],
            begun_at=NOON,
        )
        db.session.add(erasure)
    with transaction():
        erasing.take_out(
            {3: ["reason", "after.charge"]},
            erasure_id=erasure.id,
            account_id=account.id,
            actor=Actor.job("erase_persons"),
        )

    page = auditor.get("/admin/audit/3")

    assert f"Erasure {erasure.id} of 2 Nov 2026" in page.words
    assert "charge (after), reason" in page.words
    assert "Quetzal" not in page.html
    assert (
        "erase_persons took the words of an erased person out of earlier entries" in auditor.get("/admin/audit/").words
    )
