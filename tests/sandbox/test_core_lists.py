"""Lists, filters, cursors, expand."""

from typing import Any

import pytest
import stripe

from tests.sandbox.client import Json, Sandbox


def charge(number: int, **fields: Any) -> Json:
    return {"id": f"ch_{number:03}", "object": "charge", "created": 1_000 + number, "amount": number, **fields}


def ids(page: Json) -> list[str]:
    return [one["id"] for one in page["data"]]


def test_a_list_is_newest_first_and_says_that_more_follows(sandbox: Sandbox) -> None:
    sandbox.put(*(charge(number) for number in range(12)))

    page = sandbox.get("/v1/charges")

    assert ids(page) == [f"ch_{number:03}" for number in range(11, 1, -1)]
    assert page["has_more"] is True
    assert page["url"] == "/v1/charges"
    assert page["object"] == "list"


def test_objects_of_one_second_stand_in_the_order_they_came(sandbox: Sandbox) -> None:
    sandbox.put(*(charge(number, created=5) for number in (3, 1, 2)))
    sandbox.put(charge(1, created=5, amount=99))

    assert ids(sandbox.get("/v1/charges")) == ["ch_002", "ch_001", "ch_003"]


def test_pages_follow_each_other_in_both_directions(sandbox: Sandbox) -> None:
    sandbox.put(*(charge(number) for number in range(5)))

    first = sandbox.get("/v1/charges", params={"limit": 2})
    second = sandbox.get("/v1/charges", params={"limit": 2, "starting_after": "ch_003"})
    third = sandbox.get("/v1/charges", params={"limit": 2, "starting_after": "ch_001"})
    back = sandbox.get("/v1/charges", params={"limit": 2, "ending_before": "ch_000"})

    assert [ids(page) for page in (first, second, third)] == [["ch_004", "ch_003"], ["ch_002", "ch_001"], ["ch_000"]]
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    assert ids(back) == ["ch_002", "ch_001"]
    assert back["has_more"] is True


def test_the_sdk_pages_through_everything(sandbox: Sandbox) -> None:
    sandbox.put(*(charge(number) for number in range(250)))

    found = [one.id for one in sandbox.stripe().v1.charges.list({"limit": 100}).auto_paging_iter()]

    assert found == [f"ch_{number:03}" for number in range(249, -1, -1)]
    assert len(sandbox.requests("GET", "/v1/charges")) == 3


@pytest.mark.parametrize(("asked", "given"), [("0", 1), ("-5", 1), ("3", 3), ("100", 100), ("101", 100), ("9999", 100)])
def test_the_limit_is_clamped(sandbox: Sandbox, asked: str, given: int) -> None:
    sandbox.put(*(charge(number) for number in range(103)))

    assert len(sandbox.get("/v1/charges", params={"limit": asked})["data"]) == given


def test_filters_narrow_the_list(sandbox: Sandbox) -> None:
    sandbox.put(
        charge(1, customer="cus_a", payment_intent="pi_1", transfer_group="g"),
        charge(2, customer="cus_b", payment_intent="pi_2"),
        charge(3, customer="cus_a", payment_intent={"id": "pi_3", "object": "payment_intent"}),
    )

    assert ids(sandbox.get("/v1/charges", params={"customer": "cus_a"})) == ["ch_003", "ch_001"]
    assert ids(sandbox.get("/v1/charges", params={"payment_intent": "pi_2"})) == ["ch_002"]
    assert ids(sandbox.get("/v1/charges", params={"payment_intent": "pi_3"})) == ["ch_003"]
    assert ids(sandbox.get("/v1/charges", params={"transfer_group": "g"})) == ["ch_001"]
    assert ids(sandbox.get("/v1/charges", params={"customer": "cus_a", "payment_intent": "pi_2"})) == []


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"created": "1003"}, [3]),
        ({"created[gt]": "1003"}, [5, 4]),
        ({"created[gte]": "1003"}, [5, 4, 3]),
        ({"created[lt]": "1003"}, [2, 1]),
        ({"created[lte]": "1003"}, [3, 2, 1]),
        ({"created[gte]": "1002", "created[lt]": "1004"}, [3, 2]),
    ],
)
def test_created_takes_a_second_or_a_range(sandbox: Sandbox, asked: Json, numbers: list[int]) -> None:
    sandbox.put(*(charge(number) for number in range(1, 6)))

    assert ids(sandbox.get("/v1/charges", params=asked)) == [f"ch_{number:03}" for number in numbers]


@pytest.mark.parametrize(
    ("asked", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"status": "succeeded"}, "parameter_unknown", "status"),
        ({"created[from]": "1"}, "parameter_unknown", "created[from]"),
        ({"created": "yesterday"}, "parameter_invalid_integer", "created"),
        ({"limit": "many"}, "parameter_invalid_integer", "limit"),
        ({"customer": ""}, "parameter_invalid_empty", "customer"),
        ({"starting_after": "ch_none"}, "resource_missing", "starting_after"),
        ({"ending_before": "ch_none"}, "resource_missing", "ending_before"),
        ({"starting_after": "ch_001", "ending_before": "ch_001"}, None, "ending_before"),
        ({"expand[]": "data.amount"}, None, "expand"),
        ({"expand[]": "data.nothing"}, None, "expand"),
        ({"expand[]": "data.customer.a.b.c.d"}, None, None),
    ],
)
def test_what_a_list_does_not_know_is_refused(
    sandbox: Sandbox, asked: Json, code: str | None, param: str | None
) -> None:
    sandbox.put(charge(1))

    response = sandbox.call("GET", "/v1/charges", params=asked)

    assert response.status_code == 400
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert (error.get("code"), error.get("param")) == (code, param)


def test_a_required_filter_is_asked_for(sandbox: Sandbox) -> None:
    response = sandbox.call("GET", "/v1/setup_attempts")

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "Missing required param: setup_intent."


def test_mandates_can_be_read_but_not_listed(sandbox: Sandbox) -> None:
    sandbox.put({"id": "mandate_1", "object": "mandate", "status": "active"})

    assert sandbox.get("/v1/mandates/mandate_1")["status"] == "active"
    assert sandbox.call("GET", "/v1/mandates").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "customers", "payment_methods", "payment_intents", "charges", "refunds", "disputes", "setup_intents",
        "subscriptions", "invoices", "invoice_payments", "events", "balance_transactions", "payouts",
        "checkout/sessions", "radar/early_fraud_warnings", "products", "prices", "webhook_endpoints", "files",
    ],
)  # fmt: skip
def test_every_kind_has_a_list(sandbox: Sandbox, path: str) -> None:
    assert sandbox.get(f"/v1/{path}") == {"object": "list", "data": [], "has_more": False, "url": f"/v1/{path}"}


def test_an_unknown_id_is_named(sandbox: Sandbox) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such charge: 'ch_none'") as refusal:
        sandbox.stripe().v1.charges.retrieve("ch_none")

    assert refusal.value.http_status == 404
    assert refusal.value.code == "resource_missing"


def test_deleted_objects_are_read_but_not_listed(sandbox: Sandbox) -> None:
    sandbox.put({"id": "cus_1", "object": "customer", "deleted": True})

    assert sandbox.get("/v1/customers/cus_1") == {"id": "cus_1", "object": "customer", "deleted": True}
    assert sandbox.get("/v1/customers")["data"] == []


def test_expand_puts_objects_in_place_of_ids(sandbox: Sandbox) -> None:
    sandbox.put(
        {"id": "cus_1", "object": "customer", "created": 1, "name": "Ana"},
        {"id": "pi_1", "object": "payment_intent", "created": 1, "customer": "cus_1", "latest_charge": "ch_001"},
        charge(1, customer="cus_1", payment_intent="pi_1", balance_transaction=None),
        charge(2, customer=None, payment_intent="pi_gone", balance_transaction=None),
    )

    one = sandbox.get("/v1/charges/ch_001", params={"expand[]": ["customer", "payment_intent.customer"]})
    page = sandbox.get("/v1/charges", params={"expand[]": ["data.payment_intent.latest_charge.customer"]})

    assert one["customer"]["name"] == "Ana"
    assert one["payment_intent"]["customer"]["name"] == "Ana"
    assert one["payment_intent"]["latest_charge"] == "ch_001"
    assert page["data"][1]["payment_intent"]["latest_charge"]["customer"]["name"] == "Ana"
    assert page["data"][0]["payment_intent"] == "pi_gone"


def test_the_refunds_of_a_charge_appear_only_when_asked_for(sandbox: Sandbox) -> None:
    refunds = [
        {"id": f"re_{number}", "object": "refund", "charge": "ch_001", "created": number} for number in range(12)
    ]
    sandbox.put(charge(1), *refunds)

    assert "refunds" not in sandbox.get("/v1/charges/ch_001")
    nested = sandbox.get("/v1/charges/ch_001", params={"expand[]": "refunds"})["refunds"]
    assert len(nested["data"]) == 10
    assert nested["has_more"] is True
    assert nested["url"] == "/v1/charges/ch_001/refunds"


def test_odd_text_and_huge_numbers_come_back_as_they_went_in(sandbox: Sandbox) -> None:
    odd = {
        "id": "cus_1",
        "object": "customer",
        "created": 1,
        "name": "a\x00b\ud800c",
        "balance": 2**70,
        "email": "\x00@b",
    }
    sandbox.put(odd)

    assert sandbox.get("/v1/customers/cus_1") == odd
    assert sandbox.objects("customer") == [odd]
    assert sandbox.get("/v1/customers", params={"email": "\x00@b"})["data"] == [odd]


def test_the_dump_is_in_id_order_and_complete(sandbox: Sandbox) -> None:
    sandbox.put(*(charge(number, created=9_000 - number) for number in (5, 1, 3)), {"id": "re_1", "object": "refund"})

    assert [one["id"] for one in sandbox.objects("charge")] == ["ch_001", "ch_003", "ch_005"]
