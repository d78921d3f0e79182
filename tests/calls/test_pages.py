"""The log of what was asked of Stripe."""

from typing import Any

from flask import Flask

from app import clock
from app.database import db, transaction
from app.models.gateway_call import GatewayCall
from tests import factories
from tests.desk import staff

LIST = "/admin/gateway-calls/"


def call(**columns: Any) -> GatewayCall:
    plain = {
        "at": clock.now(),
        "method": "POST",
        "path": "/v1/refunds",
        "status": 200,
        "request_id": "req_7",
        "idempotency_key": "refund:7",
        "object_id": "ch_7",
        "duration_ms": 181,
        "parameters": '{"amount":"500","reason":""}',
    }
    with transaction():
        row = GatewayCall(**plain | columns)
        db.session.add(row)
    return row


def test_a_developer_finds_a_call_and_reads_what_was_sent(app: Flask) -> None:
    found = call()
    call(request_id="req_8", idempotency_key="refund:8", status=None, error=None)
    developer = staff(app, "developer")

    page = developer.get(f"{LIST}?q=req_7")
    details = developer.get(f"{LIST}{found.id}")

    assert [link for link in page.links if link.startswith(LIST) and link[len(LIST) :].isdigit()] == [
        f"{LIST}{found.id}"
    ]
    assert "181" in page.words
    assert "amount 500" in details.words
    assert "refund:7" in details.words
    assert "reason" not in details.words


def test_calls_without_an_answer_can_be_found(app: Flask) -> None:
    call()
    silent = call(status=None)

    page = staff(app, "developer").get(f"{LIST}?end=silent")

    assert f"{LIST}{silent.id}" in page.links
    assert "1 call" in page.words


def test_the_calls_of_a_payment_and_its_refunds_stand_on_its_page(app: Flask) -> None:
    charge = factories.charge(payment_intent_id="pi_7")
    call(object_id=charge.id, request_id="req_refund")
    call(
        object_id="pi_7",
        path="/v1/payment_intents/pi_7/capture",
        request_id="req_capture",
        status=402,
        error="card_declined",
    )
    call(object_id="ch_other", request_id="req_other")

    support = staff(app, "support").get(f"/admin/charges/{charge.id}")
    developer = staff(app, "developer").get(f"/admin/charges/{charge.id}")

    assert "req_refund" in support.words
    assert "402 card_declined" in support.words
    assert "req_other" not in support.words
    assert [link for link in support.links if link.startswith(LIST)] == []
    assert len([link for link in developer.links if link.removeprefix(LIST).isdigit()]) == 2


def test_the_log_is_for_developers(app: Flask) -> None:
    staff(app, "support").get(LIST, expect=403)
    staff(app, "developer").get(f"{LIST}99999999999999999999", expect=404)
