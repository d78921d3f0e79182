"""Every answer the suite is given is held to the SDK's types: here, that a wrong one is found."""

from typing import Any

import pytest

from tests.sandbox.client import Json, Sandbox
from tests.sandbox.money import pay, refused
from tests.sandbox.sdk_types import strange_answer, strange_answers

NEWEST = {"Stripe-Version": "2026-10-28.endive"}


@pytest.fixture
def charge(sandbox: Sandbox) -> Json:
    """A charge that lacks a field, has one too many and one of another type."""
    pay(sandbox.stripe())
    charge: Json = {**sandbox.objects("charge")[0], "amount": "2500", "invoice": None}
    del charge["livemode"]
    sandbox.put(charge)
    return charge


WRONG = {
    "charge.amount: '2500' is not <class 'int'>",
    "charge.invoice is unknown to the SDK",
    "charge.livemode is missing",
}


def test_a_wrong_object_is_found_alone_and_in_a_list(sandbox: Sandbox, charge: Json) -> None:
    sandbox.get(f"/v1/charges/{charge['id']}", headers=NEWEST)
    sandbox.get("/v1/charges", headers=NEWEST)

    alone, listed = sandbox.specimens()[-2:]
    assert strange_answer(alone) == {f"GET /v1/charges/{charge['id']}: {line}" for line in WRONG}
    assert strange_answer(listed) == {f"GET /v1/charges: {line}" for line in WRONG}


def test_a_wrong_object_is_found_where_it_is_expanded(sandbox: Sandbox, charge: Json) -> None:
    sandbox.get(f"/v1/payment_intents/{charge['payment_intent']}", params={"expand[]": "latest_charge"}, headers=NEWEST)

    found = strange_answer(sandbox.specimens()[-1])
    assert {line.rpartition("latest_charge")[2] for line in found} == {line.removeprefix("charge") for line in WRONG}


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (
            400,
            {"error": {"type": "invalid_request_error", "message": "No.", "why": 1}},
            "error.why is unknown to the SDK",
        ),
        (400, {"error": {"message": "No."}}, "error.type is missing"),
        (402, {"message": "No."}, "an error has ['message']"),
        (418, {}, "status 418"),
        (200, {"object": "list", "data": []}, "a page has ['data', 'object']"),
        (200, {"object": "refund", "id": "re_1", "deleted": True, "amount": 1}, "deleted, and has "),
        (200, {"object": "gift"}, "gift: no such kind"),
    ],
)
def test_errors_and_pages_are_looked_at_too(status: int, body: Any, line: str) -> None:
    found = strange_answer({"method": "GET", "path": "/v1/x", "status": status, "body": body})

    assert [one for one in found if one.startswith(f"GET /v1/x: {line}")] != []


def test_one_specimen_of_each_shape_is_kept(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    for amount in (2_000, 2_001, 2_002):
        pay(client, amount=amount)
    refused(pay, client, "pm_card_chargeDeclined")

    found = [(one["status"], one["body"].get("status")) for one in sandbox.specimens()]
    assert found == [(200, "succeeded"), (402, None)]
    assert strange_answers(sandbox) == []
