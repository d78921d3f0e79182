"""Whatever is sent to whatever address: an answer, or a refusal in Stripe's words. Never a fault of the sandbox's own."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from app.sandbox import routes
from tests.sandbox.client import Sandbox
from tests.sandbox.sdk_params import declared, names

Form = dict[str, Any]
KINDS = {"invalid_request_error", "card_error", "idempotency_error"}
WORDS = ("", "x", "-1", "0", "9" * 18, "9" * 40, "1.5", "1e999", "\x00", "٥", "é" * 6_000)
BAD: tuple[Form, ...] = (
    *({"": word} for word in WORDS),
    {"[a]": "b"},
    {"[0]": "x"},
    {"[0][a]": "b"},
    {"[0][0]": "x"},
    {"[a][b][c]": "d"},
)
"""What is written behind a parameter's name, and its value."""
SHOP = "https://shop.example"


class Shop:
    """One of everything, and for each address the least it needs: (path, form)."""

    def __init__(self, sandbox: Sandbox) -> None:
        post = sandbox.post
        card = {"payment_method": "pm_card_visa", "return_url": SHOP, "confirm": "true"}
        owner = post("/v1/customers", {"email": "a@b.example", "payment_method": "pm_card_visa"})
        self.customer = {"customer": owner["id"]}
        self.money = {"amount": "2000", "currency": "usd"}
        product = post("/v1/products", {"name": "Tea"})
        self.price = {"currency": "usd", "unit_amount": "500", "product": product["id"]}
        self.monthly = {**self.price, "recurring[interval]": "month"}
        once, month = post("/v1/prices", self.price), post("/v1/prices", self.monthly)
        self.once = {"line_items[0][price]": once["id"], "line_items[0][quantity]": "2"}
        self.month = {"items[0][price]": month["id"], **self.customer}
        coupon = post("/v1/coupons", {"percent_off": "10"})
        code = {"promotion[type]": "coupon", "promotion[coupon]": coupon["id"]}
        rate = {"display_name": "VAT", "percentage": "19", "inclusive": "false"}
        method = sandbox.get(f"/v1/customers/{owner['id']}/payment_methods")["data"][0]["id"]
        more = {"default_payment_method": method}
        subscription = post("/v1/subscriptions", {**self.month, **more})
        item = post("/v1/invoiceitems", self.customer | self.money)
        draft = post("/v1/invoices", {**self.customer, "pending_invoice_items_behavior": "include"})
        line = draft["lines"]["data"][0]["id"]
        opened = post("/v1/invoices", self.customer)
        post("/v1/invoiceitems", {**self.customer, **self.money, "invoice": opened["id"]})
        opened = post(f"/v1/invoices/{opened['id']}/finalize")
        part = {"invoice": opened["id"], "amount": "500"}
        paid = post("/v1/payment_intents", self.money | card)
        waits = post("/v1/payment_intents", self.money)
        held = post("/v1/payment_intents", {**self.money, **card, "capture_method": "manual"})
        disputed = post("/v1/payment_intents", {**self.money, **card, "payment_method": "pm_card_createDispute"})
        dispute = sandbox.get("/v1/disputes", params={"payment_intent": disputed["id"]})["data"][0]["id"]
        token = {"type": "card", "card[token]": "tok_visa"}
        checkout = {"mode": "payment", "success_url": SHOP, **self.once}
        portal = {"features[invoice_history][enabled]": "true"}
        hook = {"url": SHOP, "enabled_events[0]": "*"}
        plan = {"currency": "usd", "interval": "month", "amount": "100", "product": product["id"]}
        clock = {"frozen_time": str(subscription["created"])}
        self.forms: dict[str, Form] = {
            "/v1/products": {"name": "Tea"}, "/v1/prices": self.monthly, "/v1/plans": plan,
            "/v1/coupons": {"percent_off": "10"}, "/v1/promotion_codes": code, "/v1/tax_rates": rate,
            "/v1/invoiceitems": self.customer | self.money, "/v1/invoices": self.customer,
            "/v1/invoices/create_preview": self.month, "/v1/subscriptions": self.month | more,
            "/v1/subscription_items": {"subscription": subscription["id"], "price": post("/v1/prices", self.monthly)["id"]},
            "/v1/credit_notes": part, "/v1/checkout/sessions": checkout, "/v1/payment_links": self.once,
            "/v1/billing_portal/configurations": portal, "/v1/billing_portal/sessions": self.customer,
            "/v1/payment_intents": self.money | card, "/v1/payment_intents/{}/confirm": card,
            "/v1/setup_intents": card, "/v1/setup_intents/{}/confirm": card, "/v1/payment_methods": token,
            "/v1/payment_methods/{}/attach": self.customer, "/v1/payment_pages/{}/confirm": {"payment_method": method},
            "/v1/refunds": {"payment_intent": paid["id"], "amount": "100"}, "/v1/webhook_endpoints": hook,
            "/v1/customers/{}/balance_transactions": self.money, "/v1/customers/{}/sources": {"source": "tok_visa"},
            "/v1/test_helpers/customers/{}/fund_cash_balance": self.money, "/v1/test_helpers/test_clocks": clock,
            "/v1/invoices/{}/update_lines": {"lines[0][id]": line}, "/v1/payouts": self.money,
        }  # fmt: skip
        self.ids = {
            "/v1/customers": owner["id"], "/v1/products": product["id"], "/v1/prices": once["id"],
            "/v1/plans": month["id"], "/v1/coupons": coupon["id"], "/v1/promotion_codes": post("/v1/promotion_codes", code)["id"],
            "/v1/tax_rates": post("/v1/tax_rates", rate)["id"], "/v1/invoiceitems": item["id"],
            "/v1/invoices": draft["id"], "/v1/invoices/pay": opened["id"], "/v1/invoices/attach_payment": opened["id"],
            "/v1/subscriptions": subscription["id"], "/v1/subscription_items": subscription["items"]["data"][0]["id"],
            "/v1/credit_notes": post("/v1/credit_notes", part)["id"], "/v1/disputes": dispute, "/v1/charges": paid["latest_charge"],
            "/v1/checkout/sessions": post("/v1/checkout/sessions", checkout)["id"],
            "/v1/payment_pages": post("/v1/checkout/sessions", checkout)["id"],
            "/v1/payment_links": post("/v1/payment_links", self.once)["id"],
            "/v1/billing_portal/configurations": post("/v1/billing_portal/configurations", portal)["id"],
            "/v1/payment_intents": waits["id"], "/v1/payment_intents/capture": held["id"],
            "/v1/setup_intents": post("/v1/setup_intents", self.customer)["id"],
            "/v1/payment_methods": method, "/v1/payment_methods/attach": post("/v1/payment_methods", token)["id"],
            "/v1/refunds": post("/v1/refunds", {"payment_intent": paid["id"], "amount": "100"})["id"],
            "/v1/test_helpers/test_clocks": post("/v1/test_helpers/test_clocks", clock)["id"],
            "/v1/test_helpers/customers": owner["id"], "/v1/webhook_endpoints": post("/v1/webhook_endpoints", hook)["id"],
        }  # fmt: skip
        self.line = line

    def path(self, pattern: str) -> str:
        """With the id of something that is there."""
        collection, _, rest = pattern.partition("/{}")
        found = self.ids.get(collection + rest) or self.ids.get(collection, "x")
        return pattern.replace("{}", found, 1).replace("{}", self.line)


@pytest.fixture
def shop(sandbox: Sandbox) -> Shop:
    return Shop(sandbox)


def addresses(node: routes.Node, prefix: str = "") -> Iterator[str]:
    """Every POST address of the API: `/v1/invoices/{}/pay`."""
    if "POST" in node.handlers:
        yield prefix
    for word, below in sorted(node.words.items()):
        yield from addresses(below, f"{prefix}/{word}")
    if node.placeholder:
        yield from addresses(node.placeholder, f"{prefix}/{{}}")


def posts() -> list[str]:
    routes.discover()
    return [one for one in addresses(routes.table()) if one.startswith("/v1/")]


def asked_of(pattern: str) -> list[str]:
    """Every parameter the SDK declares, and some of those inside them: all would take a minute."""
    if pattern not in declared():
        return ["amount", "metadata"]
    every = list(names(declared()[pattern]))
    return [name for name in every if "[" not in name] + [name for name in every if "[" in name][::5]


def test_malformed_parameters_are_refused_in_stripes_words(sandbox: Sandbox, shop: Shop) -> None:
    ways, faults, answered = itertools.cycle(BAD), [], set()
    for pattern in posts():
        for name in asked_of(pattern):
            way = {name + rest: value for rest, value in next(ways).items()}
            answer = sandbox.call("POST", shop.path(pattern), shop.forms.get(pattern, {}) | way)
            answered.add(answer.status_code)
            error = answer.json().get("error")
            if answer.status_code != 200 and not (
                answer.status_code < 500 and error["type"] in KINDS and error["message"]
            ):
                faults.append((pattern, str(way)[:90], answer.status_code, answer.text[:90]))

    assert faults == []
    assert {200, 400} <= answered
    sandbox.reset()  # some hashes are kept as they were sent, which is no answer to hold to the SDK's types


def test_what_an_address_does_not_know_is_refused_before_anything_happens(sandbox: Sandbox, shop: Shop) -> None:
    before = sandbox.everything(2_000)

    answers = {
        pattern: sandbox.call("POST", shop.path(pattern), {**shop.forms.get(pattern, {}), "nonsense": "1"})
        for pattern in posts()
    }

    refused = {pattern for pattern, one in answers.items() if one.status_code in {400, 404}}
    assert refused == set(answers)
    assert sandbox.everything(2_000) == before
