"""Stripe's search language."""

import pytest

from app.sandbox import queries
from app.sandbox.errors import StripeError
from tests.sandbox.client import Sandbox

CHARGES = [
    {"amount": 500, "currency": "eur", "status": "succeeded", "metadata": {"order": "A-1"}, "refunded": False},
    {"amount": 1500, "currency": "usd", "status": "failed", "metadata": {}, "refunded": False, "customer": "cus_1"},
    {"amount": 2500, "currency": "eur", "status": "succeeded", "metadata": {"order": "B's 2"}, "refunded": True},
    {
        "amount": 3500,
        "currency": "jpy",
        "status": "pending",
        "metadata": {"order": "ab-11"},
        "refunded": False,
        "payment_method_details": {"card": {"last4": "4242", "brand": "visa"}},
    },
]


@pytest.fixture
def charges(sandbox: Sandbox) -> Sandbox:
    sandbox.put(
        *(
            {"id": f"ch_{number}", "object": "charge", "created": 100 + number} | one
            for number, one in enumerate(CHARGES)
        )
    )
    return sandbox


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("status:'succeeded'", [2, 0]),
        ('status:"succeeded"', [2, 0]),
        ("-status:'succeeded'", [3, 1]),
        ("amount>1500", [3, 2]),
        ("amount>=1500", [3, 2, 1]),
        ("amount<1500", [0]),
        ("amount:1500", [1]),
        ("amount>500 AND amount<3500", [2, 1]),
        ("amount>500 amount<3500", [2, 1]),
        ("currency:'jpy' OR currency:'usd'", [3, 1]),
        ("currency:'EUR' and refunded:'true'", [2]),
        ("refunded:true", [2]),
        ("created>=102", [3, 2]),
        ("metadata['order']:'a-1'", [0]),
        ('metadata["order"]:"B\'s 2"', [2]),
        ("metadata['order']:'B\\'s 2'", [2]),
        ("metadata['order']~'b-1'", [3]),
        ("metadata['order']:null", [1]),
        ("-metadata['order']:null", [3, 2, 0]),
        ("customer:'cus_1'", [1]),
        ("customer:null", [3, 2, 0]),
        ("payment_method_details.card.last4:4242", [3]),
        ("payment_method_details.card.last4:'4242' AND -currency:'eur'", [3]),
        ("status:'nothing'", []),
    ],
)
def test_a_query_finds_what_it_says(charges: Sandbox, query: str, numbers: list[int]) -> None:
    found = charges.get("/v1/charges/search", params={"query": query})

    assert [one["id"] for one in found["data"]] == [f"ch_{number}" for number in numbers]
    assert (found["object"], found["has_more"], found["next_page"]) == ("search_result", False, None)


@pytest.mark.parametrize(
    "query",
    [
        "status",
        "status:",
        "status:'a",
        "colour:'red'",
        "status~'succ'",
        "metadata['order']~'ab'",
        "amount:'many'",
        "currency>'a'",
        "status:'a' AND amount>1 OR amount<1",
        "AND status:'a'",
        "status:'a' AND",
        " AND ".join(["amount>1"] * 11),
        "email:'a@b'",
    ],
)
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(StripeError) as refusal:
        queries.parse(query, "charges")

    assert refusal.value.status == 400
    assert refusal.value.param == "query"


def test_the_sdk_pages_through_a_search(sandbox: Sandbox) -> None:
    sandbox.put(
        *({"id": f"cus_{n}", "object": "customer", "created": n, "email": f"ana{n}@shop.test"} for n in range(23))
    )

    client = sandbox.stripe()
    pages = client.v1.customers.search({"query": "email~'@SHOP'", "limit": 10})

    assert [one.id for one in pages.auto_paging_iter()] == [f"cus_{n}" for n in range(22, -1, -1)]
    assert len(sandbox.requests("GET", "/v1/customers/search")) == 3
    assert sandbox.call("GET", "/v1/customers/search").json()["error"]["param"] == "query"
    bad = sandbox.call("GET", "/v1/customers/search", params={"query": "email:'a'", "page": "%%%"})
    assert bad.json()["error"]["param"] == "page"


@pytest.mark.parametrize(
    "path", ["customers", "charges", "payment_intents", "subscriptions", "invoices", "prices", "products"]
)
def test_these_can_be_searched(sandbox: Sandbox, path: str) -> None:
    assert sandbox.get(f"/v1/{path}/search", params={"query": "metadata['a']:'b'"})["url"] == f"/v1/{path}/search"
