"""One timeline of all that happened to a person: each thing once, in order, on pages and as a file."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.models.mail import Mail
from app.webhooks import envelope, inbox
from tests import factories, objects
from tests.desk import Desk, staff
from tests.factories import NOON

MIRA = "/admin/customers/cus_mira"


def recorded(action: str, object_type: str, object_id: str, *, actor: Actor | None = None, **more: Any) -> None:
    with transaction():
        trail.record(actor or Actor("staff", "ana@shop.example"), action, object_type, object_id, **more)


def a_life() -> None:
    factories.customer(id="cus_mira", name="Mira", email="mira@example.com")
    charge = factories.charge(id="ch_1", customer_id="cus_mira")
    refund = factories.refund(charge)
    dispute = factories.dispute(charge, id="dp_1")
    factories.event(id="evt_1", type="charge.succeeded", object_id="ch_1", object_type="charge", customer_id="cus_mira")
    factories.event(id="evt_2", type="refund.created", object_id=refund.stripe_id, object_type="refund")
    factories.event(id="evt_3", type="charge.dispute.created", object_id=dispute.id, object_type="dispute")
    factories.event(id="evt_x", type="charge.succeeded", object_id="ch_other", customer_id="cus_other")
    recorded("refund.requested", "refund", str(refund.id), reason="Sent the wrong size", after={"amount": "10.00 EUR"})
    recorded("refund.answered", "refund", str(refund.id), actor=Actor.stripe(), after={"status": "succeeded"})
    recorded("refund.needs_person", "refund", str(refund.id), actor=Actor.job("settle_refunds"))
    recorded("refund.requested", "refund", "somebody-elses")
    with transaction():
        db.session.add(
            Mail(
                account_id=charge.account_id, kind="receipt.copy", recipient="mira@example.com", subject="Your receipt",
                text="x", customer_id="cus_mira", asked_by="ana@shop.example", queued_at=NOON, not_before=NOON,
            )
        )  # fmt: skip


def titles(desk: Desk, path: str = f"{MIRA}/timeline") -> list[str]:
    found = re.findall(r'class="event-title">(?:<a[^>]*>)?([^<]*)<', desk.get(path).html)
    return [title.strip() for title in found]


def test_each_thing_is_there_once(app: Flask) -> None:
    a_life()
    ana = staff(app, "admin")
    ana.post("/admin/remarks/customer/cus_mira/note", {"words": "Calls on Mondays"})

    assert sorted(titles(ana)) == sorted(
        [
            "Payment succeeded",
            "Stripe made the refund",
            "Dispute opened",
            "ana@shop.example asked for a refund of 10.00 EUR of —",
            next(title for title in titles(ana) if "calls for a person" in title),
            "Mail: Your receipt",
            "Note",
        ]
    )


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("stripe", ["Dispute opened", "Stripe made the refund", "Payment succeeded"]),
        ("mail", ["Mail: Your receipt"]),
        ("note", []),
        ("access", ["Personal read"]),
    ],
)
def test_a_kind_is_shown_alone(app: Flask, kind: str, shown: list[str]) -> None:
    a_life()
    ana = staff(app)
    ana.get(MIRA)

    assert titles(ana, f"{MIRA}/timeline?kind={kind}") == shown


def test_no_such_kind_and_no_such_place(app: Flask) -> None:
    a_life()
    ana = staff(app)

    for query in ("kind=nothing", "after=x", "after=%00", "after=W10.x"):
        ana.get(f"{MIRA}/timeline?{query}", expect=400)


def test_pages_and_the_file_hold_the_same_rows_in_the_same_order(app: Flask) -> None:
    factories.customer(id="cus_mira", name="Mira")
    for n in range(120):
        factories.event(
            id=f"evt_{n:03}", type=f"customer.made_up_{n:03}", customer_id="cus_mira",
            # Three at a time share an instant, so that only the id tells them apart.
            created_at=NOON + timedelta(seconds=n // 3),
        )  # fmt: skip
    lead = staff(app, "support_lead")

    shown, path = [], f"{MIRA}/timeline"
    while path:
        shown += titles(lead, path)
        path = next((link for link in lead.get(path).links if "after=" in link), "")
    answer = lead.client.get(f"{MIRA}/timeline.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))

    assert shown == [f"customer.made_up_{n:03}" for n in range(119, -1, -1)]
    assert [row["What"] for row in rows if row["Kind"] == "stripe"] == shown
    assert rows[0]["Id"] == "stripe:evt_119"


def test_the_file_is_for_those_who_may_and_is_put_on_record(app: Flask) -> None:
    a_life()
    staff(app, "support").get(f"{MIRA}/timeline.csv", expect=403)

    answer = staff(app, "support_lead").client.get(f"{MIRA}/timeline.csv?kind=staff")

    assert answer.get_data(as_text=True).count("\r\n") == 2
    [act] = [act for act in trail.of("customer", "cus_mira") if act.action == "timeline.exported"]
    assert act.after == {"kind": "staff"}


def test_a_formula_in_a_note_is_harmless_in_the_file(app: Flask) -> None:
    factories.customer(id="cus_mira")
    lead = staff(app, "support_lead")
    lead.post("/admin/remarks/customer/cus_mira/note", {"words": "=cmd|' /C calc'!A0"})

    assert "'=cmd|" in lead.client.get(f"{MIRA}/timeline.csv").get_data(as_text=True)


def test_opening_the_page_is_put_on_record_each_time_and_says_whether_it_was_masked(app: Flask) -> None:
    factories.customer(id="cus_mira")
    vic = staff(app, "view_only", email="vic@shop.example")
    ana = staff(app, "support", email="ana@shop.example")

    for person in (vic, ana, ana):
        person.get(MIRA)

    assert [(act.action, act.actor) for act in reversed(trail.of("customer", "cus_mira"))] == [
        ("personal.opened", "vic@shop.example"),
        ("personal.read", "ana@shop.example"),
        ("personal.read", "ana@shop.example"),
    ]


@pytest.mark.parametrize(
    ("kind", "thing", "before"),
    [
        ("customer.updated", objects.customer(id="cus_mira"), None),
        ("charge.succeeded", objects.charge(customer="cus_mira"), None),
        ("charge.succeeded", objects.charge(customer=objects.customer(id="cus_mira")), None),
        (
            "payment_method.detached",
            {"id": "pm_1", "object": "payment_method", "customer": None},
            {"customer": "cus_mira"},
        ),
        ("customer.tax_id.created", {"id": "txi_1", "object": "tax_id", "customer": "cus_mira"}, None),
    ],
)
def test_an_event_knows_whose_it_is(app: Flask, kind: str, thing: dict[str, Any], before: Any) -> None:
    factories.customer(id="cus_mira")
    event = {
        "id": "evt_told", "object": "event", "type": kind, "created": objects.NOON, "livemode": False,
        "api_version": "2026-10-28.endive", "data": {"object": thing, "previous_attributes": before},
    }  # fmt: skip

    inbox.take_in([envelope.of(event)])

    assert len(titles(staff(app), f"{MIRA}/timeline?kind=stripe")) == 1
