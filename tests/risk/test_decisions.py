"""Decisions about risk, against a real sandbox: each is asked for once, and the trail says who and why."""

from typing import Any
from uuid import uuid4

import pytest
import stripe
from flask import Flask

from app.actor import Actor
from app.acts.recovery import recover
from app.acts.registry import kinds
from app.audit.sentences import sentence
from app.cli import take_in
from app.database import db
from app.gateways.current import gateway
from app.mirror import accounts, pull
from app.models.act import Act
from app.models.audit_log import AuditLog
from app.models.block_list_item import BlockListItem
from app.models.early_fraud_warning import EarlyFraudWarning
from app.models.review import Review
from app.staff import roles
from app.sync import operations
from app.web.permissions import ROLES, Permission
from tests import factories
from tests.desk import staff
from tests.system.conftest import shop  # noqa: F401 - the fixture
from tests.system.shop import Shop

LIST = "/admin/block-list/"
WHY = "Called the customer, all is well"


def reviewed(shop: Shop) -> str:  # noqa: F811
    """A payment set aside by a rule, known to the mirror; its review's id."""
    charge = shop.pay()
    review = shop.sandbox.control("POST", "money/review", {"charge": charge, "by": "rule"})
    account_id = accounts.current(livemode=False).id
    db.session.rollback()
    pull.read_again("review", review["id"], gateway(), account_id)
    return str(review["id"])


def form(**fields: str) -> dict[str, str]:
    return {"promise": str(uuid4()), "words": WHY} | fields


def sentences(object_type: str) -> list[str]:
    db.session.rollback()
    return [
        sentence(entry) for entry in db.session.query(AuditLog).filter_by(object_type=object_type).order_by(AuditLog.id)
    ]


def entry() -> BlockListItem:
    db.session.rollback()
    return db.session.query(BlockListItem).populate_existing().one()


def test_a_review_is_approved_once_and_the_trail_says_why(shop: Shop) -> None:  # noqa: F811
    review_id = reviewed(shop)
    desk, sent = staff(shop.app, "support_lead"), form()

    desk.post(f"/admin/reviews/{review_id}", sent)
    desk.post(f"/admin/reviews/{review_id}", sent)
    desk.post(f"/admin/reviews/{review_id}", form(), expect=409)

    assert len(shop.sandbox.requests("POST", f"/v1/reviews/{review_id}/approve")) == 1
    review = db.session.get_one(Review, review_id, populate_existing=True)
    assert (review.open, review.state) == (False, "approved")
    asked = db.session.query(AuditLog).filter_by(action="review.approve.requested").one()
    assert (asked.actor, asked.reason) == (desk.email, WHY)
    assert sentences("review")[1] == f"Stripe answered approve of {review_id}: approved"


def test_a_card_is_blocked_and_let_pay_again(shop: Shop) -> None:  # noqa: F811
    desk, sent = staff(shop.app, "finance"), form(item_type="card_fingerprint", value="fp_123")

    desk.post(f"{LIST}new", sent)
    desk.post(f"{LIST}new", sent)
    desk.post(f"{LIST}new", {**sent, "promise": str(uuid4())}, expect=409)

    assert len(shop.sandbox.requests("POST", "/v1/radar/value_list_items")) == 1
    item = entry()
    assert (item.value, item.item_type, item.removed_at) == ("fp_123", "card_fingerprint", None)
    desk.post(f"{LIST}{item.id}", form())
    assert entry().removed_at is not None
    assert shop.sandbox.objects("radar.value_list_item") == []
    desk.post(f"{LIST}{item.id}", form(), expect=409)
    assert [said for said in sentences("block_list") if desk.email in said] == [
        f"{desk.email} put fp_123 on the block list",
        f"{desk.email} took fp_123 off the block list",
    ]


def of_payment(charge_id: str, what: str = "card_fingerprint", **fields: str) -> dict[str, str]:
    return form(charge=charge_id, item_type=what, **fields)


def test_from_a_payment_s_page_its_card_is_blocked_and_its_next_payment_is_declined(shop: Shop) -> None:  # noqa: F811
    charge_id, desk = shop.pay(), staff(shop.app, "finance")
    assert f"{LIST}new?charge={charge_id}" in desk.get(f"/admin/charges/{charge_id}").links
    sent = of_payment(charge_id)

    page = desk.get(f"{LIST}new?charge={charge_id}")
    assert "The card, Visa ending in 4242" in page.words
    assert desk.post(f"{LIST}of-payment", sent).location == f"/admin/charges/{charge_id}"
    assert desk.post(f"{LIST}of-payment", sent).location == f"/admin/charges/{charge_id}"
    desk.post(f"{LIST}of-payment", of_payment(charge_id), expect=409)

    assert len(shop.sandbox.requests("POST", "/v1/radar/value_list_items")) == 1
    assert "On the block list already: Card" in desk.get(f"{LIST}new?charge={charge_id}").words
    asked = db.session.query(AuditLog).filter_by(action="block.add.requested").one()
    assert (asked.actor, asked.reason) == (desk.email, WHY)

    with pytest.raises(stripe.CardError) as declined:
        shop.pay(known=False)
    assert declined.value.error is not None
    shop.sync(str(declined.value.error.charge))
    shown = desk.get("/admin/blocked-payments/")
    assert f"/admin/charges/{declined.value.error.charge}" in shown.links
    assert "The shop's block list" in shown.words

    desk.post(f"{LIST}{entry().id}", form())
    assert shop.pay(known=False).startswith("ch_")


def test_the_address_of_a_payment_is_blocked_without_being_shown(shop: Shop) -> None:  # noqa: F811
    customer = shop.sandbox.stripe().v1.customers.create({"email": "mallory@example.com"}).id
    charge_id = shop.pay(customer=customer, receipt_email="Mallory@Example.com")
    roles.change(
        "finance", ROLES["finance"] - {Permission.PERSONAL_READ}, second_factor=False, actor=Actor.command("tests")
    )
    desk = staff(shop.app, "finance")

    page = desk.get(f"{LIST}new?charge={charge_id}&what=email")
    desk.post(f"{LIST}of-payment", of_payment(charge_id, "email"))

    assert "m***@" in page.words.lower()
    assert "mallory" not in page.html.lower()
    assert entry().value == "mallory@example.com"
    assert "mallory" not in str([(row.before, row.after, row.object_id) for row in db.session.query(AuditLog)])


@pytest.mark.parametrize(
    "change", [{"item_type": "email"}, {"item_type": "ip"}, {"item_type": ""}, {"words": " "}, {"promise": "x"}]
)
def test_what_a_payment_does_not_have_is_not_blocked(app: Flask, change: dict[str, str]) -> None:
    charge, desk = factories.charge(fingerprint="fp_1"), staff(app, "finance")

    desk.post(f"{LIST}of-payment", of_payment(charge.id) | change, expect=400)

    assert db.session.query(Act).count() == 0


def test_a_payment_without_anything_known_says_so(app: Flask) -> None:
    """A bank account's fingerprint is no card's."""
    charge = factories.charge(fingerprint="fp_1", method_type="sepa_debit")

    assert "Nothing to block" in staff(app, "finance").get(f"{LIST}new?charge={charge.id}").words


def test_an_address_on_the_list_is_neither_in_the_trail_nor_kept_with_the_act(shop: Shop) -> None:  # noqa: F811
    desk = staff(shop.app, "finance")

    desk.post(f"{LIST}new", form(item_type="email", value="Mallory@Example.com"))

    item = entry()
    assert item.value == "mallory@example.com"
    assert "mallory" not in str([(row.before, row.after, row.object_id) for row in db.session.query(AuditLog)])
    assert db.session.query(Act).one().form == {}
    assert "mallory@example.com" in desk.get(LIST).words
    hidden = staff(shop.app, "view_only").get(LIST).words
    assert "m***@example.com" in hidden
    assert "mallory" not in hidden


def test_what_was_changed_in_stripe_shows_after_reading_again(shop: Shop) -> None:  # noqa: F811
    client, desk = shop.sandbox.stripe(), staff(shop.app, "finance")
    lists: Any = {one.item_type: one.id for one in client.v1.radar.value_lists.list().data}
    made = client.v1.radar.value_list_items.create({"value_list": lists["customer_id"], "value": "cus_9"})

    desk.post(f"{LIST}read-again")
    assert (entry().id, entry().removed_at) == (made.id, None)
    client.v1.radar.value_list_items.delete(made.id)
    desk.post(f"{LIST}read-again")

    assert entry().removed_at is not None


def test_a_lost_answer_is_looked_up_and_blocks_once(shop: Shop) -> None:  # noqa: F811
    desk = staff(shop.app, "finance")
    shop.sandbox.fault("POST", "/v1/radar/value_list_items", reset=True, when="after")
    desk.post(f"{LIST}new", form(item_type="customer_id", value="cus_9"))
    assert db.session.query(BlockListItem).count() == 0
    db.session.rollback()

    shop.sandbox.heal()
    assert recover(gateway(), kinds()) == 1
    assert entry().value == "cus_9"
    assert len(shop.sandbox.objects("radar.value_list_item")) == 1


@pytest.mark.parametrize(
    ("item_type", "value"),
    [("card_bin", "424242"), ("email", "nobody"), ("customer_id", "fp_1"), ("email", "a@b\x00"), ("customer_id", "")],
)
def test_nonsense_is_not_asked_for(app: Flask, item_type: str, value: str) -> None:
    staff(app, "finance").post(f"{LIST}new", form(item_type=item_type, value=value), expect=400)

    assert db.session.query(Act).count() == 0


def test_who_only_looks_decides_nothing(app: Flask) -> None:
    review = factories.review(factories.charge())
    desk = staff(app, "support")

    page = desk.get(f"/admin/reviews/{review.id}")
    assert f"{LIST}new?charge={review.charge_id}" not in desk.get(f"/admin/charges/{review.charge_id}").links
    desk.post(f"{LIST}of-payment", of_payment(str(review.charge_id)), expect=403)
    desk.post(f"/admin/reviews/{review.id}", form(), expect=403)
    desk.post(f"{LIST}new", form(item_type="email", value="a@example.com"), expect=403)

    assert "Approve" not in page.words
    assert db.session.query(Act).count() == 0


def test_blocked_payments_and_open_reviews_are_lists(app: Flask) -> None:
    blocked = factories.charge(status="failed", paid=False, outcome_type="blocked", outcome_reason="highest_risk_level")
    passed = factories.charge(risk_level="elevated")
    open_one = factories.review(passed)
    closed = factories.review(passed, open=False, closed_reason="refunded")
    desk = staff(app)

    assert [link for link in desk.get("/admin/blocked-payments/").links if "/charges/ch_" in link] == [
        f"/admin/charges/{blocked.id}"
    ]
    page = desk.get("/admin/reviews/?status=open")
    assert f"/admin/reviews/{open_one.id}" in page.links
    assert f"/admin/reviews/{closed.id}" not in page.links
    assert "Elevated" in page.words


def test_reviews_and_warnings_come_by_event_and_by_sync(shop: Shop) -> None:  # noqa: F811
    charge = shop.pay(card="pm_card_visa")
    review = shop.sandbox.control("POST", "money/review", {"charge": charge, "by": "manual"})
    warning = {
        "id": "issfr_1",
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge,
        "created": review["created"],
        "fraud_type": "made_with_stolen_card",
        "livemode": False,
        "payment_intent": None,
    }
    shop.sandbox.put(warning)

    operations.run(gateway(), livemode=False, take_in=take_in)

    assert db.session.get_one(Review, review["id"]).opened_reason == "manual"
    assert db.session.get_one(EarlyFraudWarning, "issfr_1").fraud_type == "made_with_stolen_card"
