"""What says who a customer is stays hidden from who may not see it, and shows for ten minutes to who gave a reason."""

from collections.abc import Iterable
from datetime import timedelta
from functools import cached_property
from uuid import uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from app import clock
from app.actor import Actor
from app.audit import trail
from app.customers.timeline import KINDS
from app.database import db, transaction
from app.models.approval import Approval
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.customer_link import CustomerLink
from app.models.dispute import Dispute
from app.models.mail import Mail
from app.models.payment_intent import PaymentIntent
from app.models.refund import Refund
from app.models.remark import Note
from app.models.staff import StaffSession
from app.models.webhook_event import WebhookEvent
from app.staff import roles
from app.web.permissions import ROLES, Permission
from tests import factories
from tests.desk import Desk, staff
from tests.factories import NOON
from tests.web.examples import ARGUMENTS, OF_THE_HOUSE, Shop
from tests.web.routes import Route, routes

# Stand in everything that says who the customer is, and nowhere else.
SECRET, IP, IP6 = "zyzzyva", "198.51.100.77", "2001:db8:7::77"
ADDRESS = f"{SECRET}@example.com"
TOLD = f"{ADDRESS} called from {IP} and [{IP6}]"
OBJECT = {
    "email": ADDRESS,
    "customerPhone": SECRET,
    "ip": IP,
    "ipAddress": IP6,
    "billing_details": {"name": SECRET, "address": {"line1": SECRET, "postal_code": SECRET}},
    "description": TOLD,
    "acceptance": {"online": {"ip_address": IP, "user_agent": TOLD}},
    "evidence": {"customer_purchase_ip": IP, "customer_name": SECRET},
}
RAW = factories.packed(OBJECT)
LABELS = {"login": ADDRESS, "client_ip": IP, "phone": SECRET, "said": TOLD}
# Evidence, the file about one person and a receipt have to say who somebody is: whoever may send them sees it there.
BY_DESIGN = {
    Permission.DISPUTE_EVIDENCE, Permission.DISPUTE_SUBMIT, Permission.CUSTOMER_EXPORT, Permission.RECEIPT_SEND
}  # fmt: skip


class Marked(Shop):
    """The rows of `Shop`, all of one customer of whom everything is a secret but the name."""

    @cached_property
    def customer(self) -> Customer:
        made = factories.customer(
            name="Jo Doe", email=ADDRESS, phone=SECRET, description=TOLD, labels=LABELS, raw=RAW, **self._of
        )
        factories.payment_method(customer_id=made.id, fingerprint=f"quetzal{made.id}", raw=RAW, **self._of)
        factories.mandate(customer_id=made.id, raw=RAW, **self._of)
        return made

    @cached_property
    def charge(self) -> Charge:
        plain = {"receipt_email": ADDRESS, "description": TOLD, "labels": LABELS, "raw": RAW}
        made = factories.charge(customer_id=self.customer.id, payment_intent_id=self.intent.id, **plain, **self._of)
        factories.charge(receipt_email=ADDRESS, description=TOLD, labels=LABELS, raw=RAW, **self._of)
        return made

    @cached_property
    def intent(self) -> PaymentIntent:
        return factories.payment_intent(
            customer_id=self.customer.id, description=TOLD, labels=LABELS, raw=RAW, **self._of
        )

    @cached_property
    def refund(self) -> Refund:
        return factories.refund(self.charge, raw=RAW, reason_text=TOLD, **self._of)

    @cached_property
    def dispute(self) -> Dispute:
        return factories.dispute(self.charge, raw=RAW, **self._of)

    @cached_property
    def event(self) -> WebhookEvent:
        body = factories.packed({"id": "evt_1", "data": {"object": OBJECT | {"id": self.charge.id}}})
        return factories.event(body=body, object_id=self.charge.id, customer_id=self.customer.id)

    def _notes(self, kind: str, key: str) -> list[Note]:
        same = {"note_id": uuid4(), "subject_type": kind, "subject_id": key, "words": TOLD, "written_at": NOON}
        by = {"written_by": "ana@shop.example", **self._of}
        return [Note(version=1, replaced_at=NOON, **same, **by), Note(version=2, **same, **by)]

    def fill(self) -> None:
        """What the others stand beside: notes of one and two versions, mails, requests, and acts in the trail."""
        self.mail, self.approval, self.alert, self.blocked, self.batch = (
            super().mail, super().approval, super().alert, super().blocked, super().batch,
        )  # fmt: skip
        things = {"customer": self.customer.id, "charge": self.charge.id, "refund": str(self.refund.id),
                  "dispute": self.dispute.id, "payment_intent": self.intent.id}  # fmt: skip
        with transaction():
            db.session.add_all(note for kind, key in things.items() for note in self._notes(kind, key))
            words = {"subject": TOLD, "text": TOLD, "recipient": ADDRESS, "customer_id": self.customer.id}
            db.session.execute(update(Mail).values(**words))
            db.session.execute(update(Approval).values(summary=TOLD, reason=TOLD, facts={"email": ADDRESS}))
        for kind, key in things.items():
            with transaction():
                after = {"email": ADDRESS, "charge": TOLD, "amount": TOLD, "phone": SECRET, "nested": OBJECT}
                trail.record(
                    Actor.job("tests"),
                    "refund.requested",
                    kind,
                    key,
                    account_id=self._of["account_id"],
                    reason=TOLD,
                    after=after,
                )
        with transaction():
            trail.record(Actor("customer", ADDRESS, ip=IP), "customer.wrote", "customer", ADDRESS, reason=TOLD)


@pytest.fixture
def marked(app: Flask) -> Marked:
    shop = Marked(factories.account().id)
    shop.fill()
    return shop


def test_who_may_not_see_persons_finds_nothing_of_them_on_any_page(app: Flask, marked: Marked) -> None:
    pages = _pages(app, marked)
    roles.change(
        "support_lead",
        set(Permission) - BY_DESIGN - {Permission.PERSONAL_READ, Permission.PERSONAL_UNMASK},
        second_factor=False,
        actor=Actor.command("tests"),
    )

    opened, leaks = 0, []
    for role in ("view_only", "developer", "auditor", "dispute_analyst", "support_lead"):
        person = staff(app, role)
        for route in pages:
            if role == "dispute_analyst" and BY_DESIGN & set(route.needs):
                continue
            answer = person.client.get(route.path)
            opened += answer.status_code == 200
            leaks += [(role, route.path, word) for word in _leaks(answer)]

    assert leaks == [], "\n".join(map(str, leaks))
    assert opened > 150


def test_the_marks_are_there_for_who_may_see_them(app: Flask, marked: Marked) -> None:
    """Otherwise the walk above could not fail."""
    admin = staff(app, "admin")

    found = {route.path.split("/")[2] for route in _pages(app, marked) if list(_leaks(admin.client.get(route.path)))}

    assert found >= {"customers", "charges", "payments", "refunds", "disputes", "mails", "webhooks", "remarks", "audit"}


def test_a_reason_shows_one_person_for_ten_minutes_on_the_pages_about_them_and_nowhere_else(
    app: Flask, marked: Marked
) -> None:
    analyst, colleague = staff(app, "dispute_analyst"), staff(app, "dispute_analyst")
    pages = [route for route in _pages(app, marked) if not BY_DESIGN & set(route.needs)]
    other = factories.customer(name="Bo", email=f"{SECRET}.other@example.com")
    key, start = marked.customer.id, clock.now()
    theirs = {
        f"/admin/customers/{key}", f"/admin/customers/{key}/timeline", f"/admin/charges/{marked.charge.id}",
        f"/admin/payments/{marked.intent.id}", f"/admin/refunds/{marked.refund.id}",
        f"/admin/disputes/{marked.dispute.id}", f"/admin/remarks/charge/{marked.charge.id}",
    }  # fmt: skip

    with time_machine.travel(start, tick=False) as time:
        form = analyst.get(f"/admin/customers/{key}/unmask?back=/admin/charges/{marked.charge.id}")
        assert list(_leaks(form.answer)) == []
        done = analyst.post(
            f"/admin/customers/{key}/unmask",
            {"reason": "The bank wants the address", "back": f"/admin/charges/{marked.charge.id}"},
        )
        assert done.location == f"/admin/charges/{marked.charge.id}"

        assert _showing(analyst, pages) == theirs
        assert _showing(colleague, pages) == set()
        assert list(_leaks(analyst.get(f"/admin/customers/{other.id}").answer)) == []
        assert f"You see {key} in full" in analyst.get("/admin/charges/").words

        time.move_to(start + timedelta(minutes=9, seconds=59))
        assert ADDRESS in analyst.get(f"/admin/customers/{key}").html
        time.move_to(start + timedelta(minutes=10))
        assert _showing(analyst, pages) == set()
        assert "You see" not in analyst.get("/admin/charges/").words


def test_the_act_is_on_record_with_its_reason_and_in_the_timeline_and_among_who_looked(
    app: Flask, marked: Marked
) -> None:
    analyst, key = staff(app, "dispute_analyst"), marked.customer.id

    analyst.post(f"/admin/customers/{key}/unmask", {"reason": f"Asked by {ADDRESS}, card 4242 4242 4242 4242"})
    analyst.get(f"/admin/customers/{key}")
    analyst.post(f"/admin/customers/{key}/mask")

    acts = db.session.scalars(select(AuditLog).where(AuditLog.actor == analyst.email, AuditLog.object_id == key)).all()
    assert [act.action for act in acts] == ["personal.unmasked", "personal.read", "personal.hidden"]
    assert acts[0].reason == f"Asked by {ADDRESS}, card [card number]"
    said = f"{analyst.email} had the personal data of {key} shown in full for ten minutes"
    timeline = analyst.get(f"/admin/customers/{key}/timeline")
    assert said in timeline.words
    assert "Asked by z***@example.com" in timeline.words
    assert "Personal unmasked" in analyst.get(f"/admin/customers/{key}/timeline?kind=access").words
    assert list(KINDS)[-1] == "access"


def test_hidden_again_it_is_masked_at_once_and_hiding_twice_is_one_act(app: Flask, marked: Marked) -> None:
    analyst, key = staff(app, "dispute_analyst"), marked.customer.id
    analyst.post(f"/admin/customers/{key}/unmask", {"reason": "Asked for"})

    analyst.post(f"/admin/customers/{key}/mask", {"back": "https://evil.example/"})
    again = analyst.post(f"/admin/customers/{key}/mask")

    assert again.location == f"/admin/customers/{key}"
    assert list(_leaks(analyst.get(f"/admin/customers/{key}").answer)) == []
    hidden = select(AuditLog).where(AuditLog.action == "personal.hidden")
    assert len(db.session.scalars(hidden).all()) == 1
    assert db.session.scalars(select(StaffSession.unmasked).where(StaffSession.unmasked.is_not(None))).all() == []


@pytest.mark.parametrize("reason", ["", "   ", "abc", "\0\0\0\0", "x" * 501])
def test_without_a_reason_nothing_shows(app: Flask, marked: Marked, reason: str) -> None:
    analyst, key = staff(app, "dispute_analyst"), marked.customer.id

    page = analyst.post(f"/admin/customers/{key}/unmask", {"reason": reason}, expect=400)

    assert list(_leaks(page.answer)) == []
    assert list(_leaks(analyst.get(f"/admin/customers/{key}").answer)) == []
    assert db.session.scalars(select(AuditLog).where(AuditLog.action == "personal.unmasked")).all() == []


def test_what_was_shown_ends_with_the_permission_and_with_the_session(app: Flask, marked: Marked) -> None:
    analyst, key = staff(app, "dispute_analyst"), marked.customer.id
    analyst.post(f"/admin/customers/{key}/unmask", {"reason": "Asked for"})
    other_browser = Desk(app, analyst.email)
    other_browser.sign_in()

    assert list(_leaks(other_browser.get(f"/admin/customers/{key}").answer)) == []
    roles.change(
        "dispute_analyst",
        ROLES["dispute_analyst"] - {Permission.PERSONAL_UNMASK},
        second_factor=False,
        actor=Actor.command("tests"),
    )
    assert list(_leaks(analyst.get(f"/admin/customers/{key}").answer)) == []
    assert "You see" not in analyst.get(f"/admin/customers/{key}").words


def test_who_counts_as_the_same_person_shows_along_and_who_was_linked_later_does_not(
    app: Flask, marked: Marked
) -> None:
    analyst, key = staff(app, "dispute_analyst"), marked.customer.id
    twin = factories.customer(name="Jo", email=ADDRESS)
    _link(key, twin.id)
    analyst.post(f"/admin/customers/{key}/unmask", {"reason": "Asked for"})
    later = factories.customer(name="Jo", email=ADDRESS)
    _link(key, later.id)

    shown = {
        row.id: ADDRESS in analyst.get(f"/admin/customers/{row.id}").html for row in (marked.customer, twin, later)
    }

    assert shown == {key: True, twin.id: True, later.id: False}
    # A history of three, one of whom is masked, is masked.
    assert ADDRESS not in analyst.get(f"/admin/customers/{key}/timeline").html


def test_nobody_looks_at_a_whole_list_that_way(app: Flask) -> None:
    analyst = staff(app, "dispute_analyst")
    people = [factories.customer() for _ in range(6)]

    answers = [
        analyst.post(f"/admin/customers/{one.id}/unmask", {"reason": "Asked for"}, expect=None).status for one in people
    ]

    assert answers == [303] * 5 + [409]


def test_a_masked_note_cannot_be_saved_over_with_its_mask(app: Flask, marked: Marked) -> None:
    analyst = staff(app, "dispute_analyst")

    page = analyst.get(f"/admin/remarks/charge/{marked.charge.id}")

    assert "z***@example.com" in page.words
    assert "what would be saved from here would lose it" in page.words
    assert [form for form in page.forms if form["action"].endswith("/edit")] == []


def test_a_reason_in_the_trail_cannot_be_guessed_letter_by_letter(app: Flask, marked: Marked) -> None:
    auditor, admin = staff(app, "auditor"), staff(app, "admin")

    found = {
        (desk.email.partition("-")[0], typed): "called from" in desk.get(f"/admin/audit/?q={typed}").words
        for desk in (auditor, admin)
        for typed in ("zyzz", "198.51", "called from")
    }

    assert found == {
        ("auditor", "zyzz"): False, ("auditor", "198.51"): False, ("auditor", "called from"): True,
        ("admin", "zyzz"): True, ("admin", "198.51"): True, ("admin", "called from"): True,
    }  # fmt: skip


def _pages(app: Flask, shop: Marked) -> list[Route]:
    """Every address that can be looked at, and searches that find the customer."""
    house = {name: str(make()) for name, make in OF_THE_HOUSE.items()}
    made = {name: str(of(shop)) for name, of in ARGUMENTS.items()} | house
    found = routes(app, lambda section, argument: made.get(f"{section}.{argument}", "unknown"))
    entries = db.session.scalars(select(AuditLog.id).where(AuditLog.reason == TOLD)).all()
    more = [f"/admin/audit/{entry}" for entry in entries]
    lists = (
        "customers/",
        "charges/",
        "payments/",
        "search/",
        "search/suggest",
        "disputes/",
        "refunds/",
        "mails/",
        "audit/",
    )
    more += [f"/admin/{where}?q={typed}" for where in lists for typed in ("Jo", shop.customer.id, shop.charge.id)]
    more += [f"/admin/customers/{shop.customer.id}/timeline?kind={kind}" for kind in KINDS]
    asked = [Route("GET", path, "", ()) for path in more]
    return [route for route in found if route.method == "GET" and route.endpoint != "static"] + asked


def _showing(person: Desk, pages: Iterable[Route]) -> set[str]:
    return {route.path.split("?")[0] for route in pages if list(_leaks(person.client.get(route.path)))}


def _leaks(answer: object) -> Iterable[str]:
    whole = f"{answer.headers}{answer.get_data().decode('utf-8', 'replace')}"  # type: ignore[attr-defined]
    return (word for word in (SECRET, IP, IP6) if word in whole)


def _link(one: str, other: str) -> None:
    with transaction():
        first, second = sorted((one, other))
        db.session.add(
            CustomerLink(account_id=factories.account().id, one=first, other=second, linked_by="ana", linked_at=NOON)
        )
