"""Asking for an erasure, agreeing to it, watching it, and what stands on the page of somebody who was erased."""

from uuid import uuid4

import pytest
from flask import Flask

from app.actor import Actor
from app.approvals import policies
from app.audit import chain
from app.customers.erasing import operations
from app.database import db, transaction
from app.models.approval import Approval
from app.models.audit_log import AuditLog
from app.models.erasure import Erasure
from app.models.refund import Refund
from app.webhooks import inbox
from app.webhooks.envelope import of
from jobs.erase_persons import erase_persons
from tests.customers.erasing.person import ANA, Person
from tests.desk import staff

MARK = "quetzalcoatl"


@pytest.fixture
def mona(committed: Flask) -> Person:
    person = Person("mona1", MARK)
    person.arrive()
    return person


def _sent(page, **more: str) -> dict[str, str]:
    return {
        "reason": "Asked to be forgotten",
        "typed": "cus_mona1",
        "promise": next(form["promise"] for form in page.forms if "promise" in form),
        **more,
    }


def _policy(act: str, *, is_on: bool) -> None:
    policies.set_policy(
        act, is_on=is_on, needed=1, thresholds={}, ask_roles=[], approve_roles=[], expires_after_days=7,
        actor=Actor("staff", "ana@shop.example"),
    )  # fmt: skip


def test_two_people_erase_somebody_and_the_page_says_so(committed: Flask, mona: Person) -> None:
    lead, admin = staff(committed, "support_lead"), staff(committed, "admin")
    assert "Erase person" in lead.get("/admin/customers/cus_mona1").words
    form = lead.get("/admin/erasures/of/cus_mona1")
    assert "Another person has to agree before anything is erased." in form.words

    asked = lead.post("/admin/erasures/of/cus_mona1", _sent(form))
    approval = db.session.query(Approval).one()
    db.session.rollback()
    assert asked.location == f"/admin/approvals/{approval.id}"
    assert "waits for another person’s word" in lead.get("/admin/erasures/of/cus_mona1").words
    request = admin.get(asked.location)
    assert ("Erase the person behind cus_mona1, for good" in request.words, MARK in request.html) == (True, False)
    admin.post(f"/admin/approvals/{approval.id}/approve", {"words": ""})

    page = lead.get(f"/admin/erasures/{approval.id}")
    assert "Under way." in page.words
    assert erase_persons() == 1
    page = lead.get(f"/admin/erasures/{approval.id}")
    assert ("Erased." in page.words, "Stripe’s events" in page.words) == (True, True)
    paper = lead.client.get(f"/admin/erasures/{approval.id}/certificate.pdf")
    assert (paper.status_code, paper.mimetype, paper.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert lead.get("/admin/erasures/").words.count("cus_mona1") >= 1
    gone = lead.get("/admin/customers/cus_mona1")
    assert "Erased on" in gone.words
    assert MARK not in gone.html.lower()
    assert lead.get("/admin/customers/?q=cus_mona1", expect=302).location == "/admin/customers/cus_mona1"
    assert "cus_mona1" not in lead.get(f"/admin/customers/?q={MARK}").words
    assert lead.get("/admin/charges/ch_mona1").status == 200
    assert lead.get("/admin/customers/cus_mona1/timeline").status == 200
    assert chain.verify() is None


def test_pages_of_what_was_theirs_tell_that_the_whole_object_is_not_whole_any_more(
    committed: Flask, mona: Person
) -> None:
    otto = Person("otto22", "ottokar")
    otto.arrive()
    erasure_id = uuid4()
    operations.begin(
        erasure_id, mona.customer_id, account_id=mona.account_id, reason="Asked", forced_because=None, actor=ANA
    )
    erase_persons()
    inbox.take_in([of(event) for event in mona.events(second=9)])
    with transaction():
        ids = dict(db.session.query(Refund.stripe_id, Refund.id).all())
    admin = staff(committed, "admin")

    for path in (
        *("customers/cus_{}", "charges/ch_{}", "payments/pi_{}", "disputes/dp_{}", "methods/pm_{}"),
        *("mandates/mandate_{}", "credit-notes/cn_{}", "webhooks/evt_{}5x0", "refunds/re_{}"),
    ):
        theirs, others = (
            admin.get("/admin/" + (f"refunds/{ids['re_' + key]}" if "re_" in path else path.format(key)))
            for key in ("mona1", "otto22")
        )
        assert ("person who was erased" in theirs.words, "without the person" in theirs.words) == (True, True), path
        assert MARK not in theirs.html.lower(), path
        assert ("was erased" in others.words, "as Stripe sent it" in others.words or "as it came" in others.words) == (
            False,
            True,
        ), path


def test_one_person_begins_it_where_the_shop_wishes_no_second(committed: Flask, mona: Person) -> None:
    _policy("customer.erase", is_on=False)
    lead = staff(committed, "support_lead")

    answer = lead.post("/admin/erasures/of/cus_mona1", _sent(lead.get("/admin/erasures/of/cus_mona1")))

    erasure = db.session.query(Erasure).one()
    db.session.rollback()
    assert answer.location == f"/admin/erasures/{erasure.id}"
    assert (erasure.asked_by, erasure.state) == (lead.email, "running")


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"typed": "cus_mona"}, "Type the customer’s id exactly"),
        ({"reason": " "}, "Write a sentence on why."),
        ({"promise": "x"}, "This form is damaged."),
        ({"force": "yes", "force_reason": ""}, "Write a sentence on why."),
    ],
)
def test_a_form_that_is_not_right_erases_nothing_and_keeps_what_was_typed(
    committed: Flask, mona: Person, sent: dict[str, str], said: str
) -> None:
    lead = staff(committed, "support_lead")
    form = lead.get("/admin/erasures/of/cus_mona1")

    page = lead.post("/admin/erasures/of/cus_mona1", _sent(form, **sent), expect=400)

    assert (page.status, said in page.words) == (400, True)
    assert (db.session.query(Approval).count(), db.session.query(Erasure).count()) == (0, 0)
    db.session.rollback()


def test_who_may_not_erase_sees_no_way_to(committed: Flask, mona: Person) -> None:
    support = staff(committed, "support")

    assert "Erase person" not in support.get("/admin/customers/cus_mona1").words
    assert support.get("/admin/erasures/of/cus_mona1", expect=403).status == 403
    assert support.get("/admin/erasures/", expect=403).status == 403


def test_an_export_can_need_another_persons_word(committed: Flask, mona: Person) -> None:
    _policy("customer.export", is_on=True)
    lead, admin = staff(committed, "support_lead"), staff(committed, "admin")
    lead.get("/admin/customers/cus_mona1")

    why = lead.post("/admin/customers/cus_mona1/hand-out", {}, expect=200)
    assert "Another person has to agree." in why.words
    asked = lead.post("/admin/customers/cus_mona1/hand-out", {"reason": "She asked for it"})
    approval = db.session.query(Approval).one()
    db.session.rollback()
    assert asked.location == f"/admin/approvals/{approval.id}"
    admin.get(asked.location)
    admin.post(f"/admin/approvals/{approval.id}/approve", {"words": ""})
    lead.get("/admin/customers/cus_mona1")
    taken = lead.client.post("/admin/customers/cus_mona1/hand-out", data={"csrf_token": lead.token})
    others = admin.client.post("/admin/customers/cus_mona1/hand-out", data={"csrf_token": admin.token})

    assert (taken.status_code, taken.mimetype) == (200, "application/zip")
    assert taken.get_data()[:2] == b"PK"
    assert others.mimetype == "text/html"
    exported = db.session.query(AuditLog).filter_by(action="customer.exported").all()
    assert [entry.actor for entry in exported] == [lead.email]
    db.session.rollback()
