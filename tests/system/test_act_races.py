"""Twenty clicks at once on one payment, from two people's browsers: one call to Stripe, as Stripe itself counts them."""

from uuid import uuid4

import pytest

from app.acts.recovery import recover
from app.acts.registry import kinds
from app.database import db
from app.gateways.current import gateway
from app.models.act import Act
from app.models.audit_log import AuditLog
from tests.desk import Page, staff
from tests.system.shop import REFUNDS, Shop, form
from tests.system.test_captures import asked, held, rows
from tests.system.test_refund_races import NEW, at_once, poster

pytestmark = pytest.mark.timeout(300)
FORMS = {"capture": {"amount": "70.00"}, "cancel": {"reason": "duplicate"}}


def clicks(shop: Shop, intent_id: str, whats: list[str]) -> list[Page]:
    """Each of them with a form of its own, from one of two browsers, all at the same instant."""
    ana, ben = staff(shop.app), staff(shop.app)
    acts = [
        poster((ana, ben)[n // 2 % 2], {"promise": str(uuid4()), **FORMS[what]}, f"/admin/payments/{intent_id}/{what}")
        for n, what in enumerate(whats)
    ]
    return at_once(acts)


def kept(intent_id: str) -> tuple[list[str], list[str]]:
    """The acts there are, by status, and the lines of the trail."""
    db.session.rollback()
    acts = [status for (status,) in db.session.query(Act.status).filter_by(object_id=intent_id)]
    lines = db.session.query(AuditLog.action).filter_by(object_id=intent_id).order_by(AuditLog.id)
    return acts, [action for (action,) in lines]


@pytest.mark.parametrize(("what", "ends"), [("capture", ("succeeded", 7_000)), ("cancel", ("canceled", 0))])
def test_twenty_clicks_at_once_are_one_call(shop: Shop, what: str, ends: tuple[str, int]) -> None:
    intent_id = held(shop)

    answers = clicks(shop, intent_id, [what] * 20)

    assert sorted(page.status for page in answers) == [303] + [409] * 19
    assert asked(shop, intent_id, what) == 1
    assert kept(intent_id) == (["done"], [f"payment.{what}.requested", f"payment.{what}.answered"])
    intent, _ = rows(intent_id)
    assert (intent.status, intent.amount_received) == ends


def test_captures_and_cancellations_at_once_are_one_call_whichever_it_is(shop: Shop) -> None:
    for _ in range(3):
        intent_id = held(shop)

        answers = clicks(shop, intent_id, ["capture", "cancel"] * 10)

        assert sorted(page.status for page in answers) == [303] + [409] * 19
        assert asked(shop, intent_id, "capture") + asked(shop, intent_id, "cancel") == 1
        acts, lines = kept(intent_id)
        assert (acts, len(lines)) == (["done"], 2)
        intent, _ = rows(intent_id)
        at_stripe = shop.sandbox.get(f"/v1/payment_intents/{intent_id}")
        assert (intent.status, intent.amount_received) == (at_stripe["status"], at_stripe["amount_received"])


@pytest.mark.parametrize("what", ["capture", "cancel"])
def test_twenty_clicks_while_the_first_has_no_answer_ask_nothing_more(shop: Shop, what: str) -> None:
    """The lock is the promise's, not the request's: it holds for as long as nobody knows."""
    intent_id, path = held(shop), f"/v1/payment_intents/{{}}/{what}"
    shop.sandbox.fault("POST", path.format(intent_id), reset=True, when="after")
    staff(shop.app).post(f"/admin/payments/{intent_id}/{what}", {"promise": str(uuid4()), **FORMS[what]})
    before = asked(shop, intent_id, what)

    answers = clicks(shop, intent_id, [what] * 20)

    assert [page.status for page in answers] == [409] * 20
    assert asked(shop, intent_id, what) == before
    shop.sandbox.heal()
    assert recover(gateway(), kinds()) == 1
    assert asked(shop, intent_id, what) == before
    assert kept(intent_id) == (["done"], [f"payment.{what}.requested", f"payment.{what}.answered"])


def test_twenty_refunds_at_once_are_one_call(shop: Shop) -> None:
    charge_id = shop.pay()
    people = [staff(shop.app) for _ in range(2)]

    answers = at_once([poster(people[n % 2], form(charge_id, "50.00"), NEW) for n in range(20)])

    assert [page.status for page in answers].count(303) == 1
    assert {page.status for page in answers} <= {303, 409, 422}
    assert len(shop.sandbox.requests("POST", REFUNDS)) == 1
    assert [made["amount"] for made in shop.made(charge_id)] == [5_000]
