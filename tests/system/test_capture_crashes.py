"""A power cut while held money is being taken or let go: the product as processes, killed in the middle of the act."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
import requests

from app.database import db
from app.models.act import Act
from app.models.audit_log import AuditLog
from app.models.payment_intent import PaymentIntent
from tests.stack import Stack, eventually
from tests.system.browser import Visitor
from tests.system.conftest import ANA
from tests.system.shop import Shop
from tests.system.test_captures import held

pytestmark = pytest.mark.timeout(300)
FORMS = {"capture": {"amount": "70.00"}, "cancel": {"reason": "duplicate"}}


def statuses() -> list[str]:
    db.session.rollback()
    return [status for (status,) in db.session.query(Act.status)]


def happened(shop: Shop, event: str) -> list[str]:
    """The payments to which this happened at Stripe."""
    found = [one["data"]["object"] for one in shop.sandbox.objects("event") if one["type"] == event]
    return sorted(str(body.get("payment_intent", body["id"])) for body in found)


@pytest.mark.parametrize(("what", "event"), [("capture", "charge.captured"), ("cancel", "payment_intent.canceled")])
def test_killed_before_during_and_right_after_the_call_each_act_happens_once(
    shop: Shop, stack: Stack, what: str, event: str
) -> None:
    before, during, after = intents = [held(shop) for _ in range(3)]
    ana = Visitor(stack, ANA)
    path = "/v1/payment_intents/{}/" + what
    # The first never reaches Stripe, the second is done while nobody listens any more, the third is done at once.
    shop.sandbox.fault("POST", path.format(before), delay_before=3, status=503)
    shop.sandbox.fault("POST", path.format(during), delay_during=3)

    def click(intent_id: str) -> None:
        with contextlib.suppress(requests.RequestException):
            ana.post(f"/admin/payments/{intent_id}/{what}", {"promise": str(uuid4()), **FORMS[what]})

    with ThreadPoolExecutor(3) as threads:
        for intent_id in intents:
            threads.submit(click, intent_id)
        eventually(lambda: len(statuses()) == 3 and after in happened(shop, event))
        stack.kill("web")
    shop.sandbox.heal()
    assert set(statuses()) <= {"requested", "done"}

    stack.start_web()
    stack.start_jobs()
    eventually(lambda: statuses() == ["done"] * 3, within=90)

    assert happened(shop, event) == sorted(intents)
    for act in db.session.query(Act):
        assert {call["idempotency_key"] for call in shop.sandbox.requests("POST", act.path)} == {act.key}
        mine = db.session.query(AuditLog.action).filter_by(object_id=act.object_id).order_by(AuditLog.id)
        assert [action for (action,) in mine] == [f"payment.{what}.requested", f"payment.{what}.answered"]
    ended = db.session.query(PaymentIntent.status, PaymentIntent.amount_received).filter(PaymentIntent.id.in_(intents))
    assert {tuple(row) for row in ended} == {("succeeded", 7_000) if what == "capture" else ("canceled", 0)}
