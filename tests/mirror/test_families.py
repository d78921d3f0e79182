"""Lines and items live and die with their parents, however many there are."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.database import db, transaction
from app.mirror import kinds, pull
from app.mirror.door import Saved
from app.models.invoice import Invoice, InvoiceLine
from app.models.refund import Refund
from app.models.subscription import Subscription, SubscriptionItem
from tests import factories, objects
from tests.canned import Canned
from tests.mirror.reading import gateway_to
from tests.objects import read, told


@pytest.fixture
def account_id(app: Flask) -> int:
    return factories.account().id


def save(kind: str, obj: dict[str, Any], news: Any) -> Saved:
    with transaction():
        return kinds.save_all(kind, [obj], news)


def line_ids(invoice_id: str) -> list[str]:
    return sorted(db.session.scalars(select(InvoiceLine.id).where(InvoiceLine.invoice_id == invoice_id)))


def test_an_invoice_brings_its_lines(account_id):
    save(
        "invoice",
        objects.invoice([objects.line(id="il_1", amount=70), objects.line(id="il_2")], id="in_1"),
        told(account_id),
    )

    row = db.session.get_one(InvoiceLine, "il_1")
    assert (row.invoice_id, row.amount, row.price_id) == ("in_1", 70, "price_1")
    assert db.session.get_one(Invoice, "in_1").subscription_id == "sub_1"
    assert line_ids("in_1") == ["il_1", "il_2"]


def test_a_line_that_vanished_goes(account_id):
    save("invoice", objects.invoice([objects.line(id="il_1"), objects.line(id="il_2")], id="in_1"), told(account_id, 1))

    save("invoice", objects.invoice([objects.line(id="il_2", amount=9)], id="in_1"), told(account_id, 2))

    assert line_ids("in_1") == ["il_2"]
    assert db.session.get_one(InvoiceLine, "il_2").amount == 9


def test_lines_of_older_news_do_not_come_back(account_id):
    save("invoice", objects.invoice([objects.line(id="il_2")], id="in_1"), told(account_id, 2))

    saved = save("invoice", objects.invoice([objects.line(id="il_1")], id="in_1"), told(account_id, 1))

    assert saved == Saved(older=["in_1"])
    assert line_ids("in_1") == ["il_2"]


def test_an_invoice_cut_after_ten_lines_is_saved_and_in_doubt_and_keeps_the_lines_it_had(account_id):
    save("invoice", objects.invoice([objects.line(id=f"il_{n:02}") for n in range(12)], id="in_1"), told(account_id, 1))

    ten = [objects.line(id=f"il_{n:02}") for n in range(10)]
    saved = save("invoice", objects.invoice(ten, id="in_1", has_more=True, status="paid"), told(account_id, 2))

    assert saved == Saved(applied=["in_1"], doubtful=["in_1"])
    assert len(line_ids("in_1")) == 12
    assert db.session.get_one(Invoice, "in_1").status == "paid"


def test_all_137_lines_are_read(account_id):
    lines = [objects.line(id=f"il_{n:03}", amount=n, created=1) for n in range(137)]
    short = objects.invoice(lines[:10], id="in_1", has_more=True, total=sum(range(137)))

    with Canned({"/v1/invoices/in_1/lines": lines}) as canned:
        canned.objects["/v1/invoices/in_1"] = short
        saved = pull.read_again("invoice", "in_1", gateway_to(canned), account_id)

    assert saved == Saved(applied=["in_1"])
    assert len(line_ids("in_1")) == 137
    total = db.session.scalar(select(func.sum(InvoiceLine.amount)).where(InvoiceLine.invoice_id == "in_1"))
    assert total == db.session.get_one(Invoice, "in_1").total


def test_all_31_items_are_read_and_give_the_period(account_id):
    items = [objects.item(id=f"si_{n:03}", current_period_end=objects.NOON + n) for n in range(31)]
    short = objects.subscription(items[:10], id="sub_1", has_more=True)

    with Canned({"/v1/subscription_items": items}) as canned:
        canned.objects["/v1/subscriptions/sub_1"] = short
        pull.read_again("subscription", "sub_1", gateway_to(canned), account_id)
        asked = canned.requests[-1][1]

    assert db.session.scalar(select(func.count()).select_from(SubscriptionItem)) == 31
    assert db.session.get_one(Subscription, "sub_1").current_period_ends_at == told(account_id, 30).seen_at
    assert "subscription=sub_1" in asked
    assert "limit=100" in asked


def test_all_23_refunds_inside_a_charge_are_read(account_id):
    charge = objects.charge(id="ch_1", amount_refunded=2_300)
    refunds = [objects.refund(charge, amount=100) for _ in range(23)]
    url = "/v1/charges/ch_1/refunds"
    charge["refunds"] = {"object": "list", "data": refunds[:10], "has_more": True, "url": url}
    assert save("charge", charge, told(account_id)).doubtful == ["ch_1"]

    with Canned({url: refunds}) as canned:
        canned.objects["/v1/charges/ch_1"] = charge
        pull.read_again("charge", "ch_1", gateway_to(canned), account_id)

    assert db.session.scalar(select(func.sum(Refund.amount)).where(Refund.charge_id == "ch_1")) == 2_300
    assert db.session.scalar(select(func.count()).select_from(Refund)) == 23


def test_a_subscription_of_an_old_version_has_its_own_period(account_id):
    old = objects.subscription([], id="sub_1", current_period_start=objects.NOON, current_period_end=objects.NOON + 5)

    save("subscription", old, read(account_id, 1))

    assert db.session.get_one(Subscription, "sub_1").current_period_ends_at == told(account_id, 5).seen_at
