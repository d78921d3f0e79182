"""Wishes that are rare: what Stripe does with them, or how it says no."""

from typing import Any

import pytest
import stripe

from tests.sandbox.billing import DAY, customer, item_of, price, subscribe
from tests.sandbox.client import Sandbox
from tests.sandbox.money import refused
from tests.sandbox.test_checkout import card, press, session_for
from tests.sandbox.test_invoices import bill
from tests.sandbox.test_payment_links import link_for, open_link

TIERS: Any = {
    "billing_scheme": "tiered",
    "tiers_mode": "graduated",
    "tiers": [{"up_to": 2, "unit_amount": 1_000}, {"up_to": "inf", "unit_amount": 400}],
}


def test_the_amount_of_a_line_follows_its_quantity_and_its_price(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    tea, cake = (price(client, amount, None).id for amount in (700, 1_100))
    client.v1.invoice_items.create({"customer": ana.id, "pricing": {"price": tea}})
    draft = client.v1.invoices.create({"customer": ana.id, "pending_invoice_items_behavior": "include"})
    line = draft.lines.data[0].id

    more = client.v1.invoices.update_lines(draft.id, {"lines": [{"id": line, "quantity": 3}]})
    other = client.v1.invoices.update_lines(draft.id, {"lines": [{"id": line, "pricing": {"price": cake}}]})

    assert (more.lines.data[0].quantity, more.total) == (3, 2_100)
    assert (other.lines.data[0].quantity, other.total, other.amount_due) == (3, 3_300, 3_300)


def test_an_item_that_changes_on_a_draft_stays_taxed(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    vat = client.v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    draft = bill(client, ana.id, 1_000, default_tax_rates=[vat.id])
    item = client.v1.invoice_items.list({"invoice": draft.id}).data[0]

    client.v1.invoice_items.update(item.id, {"amount": 2_000})

    after = client.v1.invoices.retrieve(draft.id)
    assert (draft.total, after.subtotal, after.total) == (1_190, 2_000, 2_380)


def test_a_balance_in_another_currency_leaves_a_draft_alone(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    client.v1.customers.balance_transactions.create(ana.id, {"amount": -500, "currency": "usd"})
    client.v1.invoice_items.create({"customer": ana.id, "amount": 2_000, "currency": "eur"})

    draft = client.v1.invoices.create(
        {"customer": ana.id, "currency": "eur", "pending_invoice_items_behavior": "include"}
    )

    assert (draft.starting_balance, draft.amount_due) == (0, 2_000)
    assert client.v1.invoices.finalize_invoice(draft.id).amount_due == 2_000


def test_a_payment_is_tied_to_an_invoice_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    opened = client.v1.invoices.finalize_invoice(bill(client, ana.id, 2_000).id)
    waiting, gone = (
        client.v1.payment_intents.create({"amount": 2_000, "currency": "usd", "customer": ana.id}).id for _ in range(2)
    )
    client.v1.payment_intents.cancel(gone)
    client.v1.invoices.attach_payment(opened.id, {"payment_intent": waiting})

    again = refused(client.v1.invoices.attach_payment, opened.id, {"payment_intent": waiting})
    canceled = refused(client.v1.invoices.attach_payment, opened.id, {"payment_intent": gone})

    assert (again.param, canceled.param) == ("payment_intent", "payment_intent")
    bonds = client.v1.invoice_payments.list({"invoice": opened.id}).data
    assert [bond.payment.payment_intent for bond in bonds].count(waiting) == 1
    assert gone not in [bond.payment.payment_intent for bond in bonds]


def test_checkout_asks_for_what_the_subscription_will_cost(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    wish: Any = {"currency": "usd", "product_data": {"name": "Seats"}, "recurring": {"interval": "month"}, **TIERS}
    seats = client.v1.prices.create(wish)

    session = session_for(client, mode="subscription", line_items=[{"price": seats.id, "quantity": 5}])
    paid = press(sandbox, session.id, card(client), 3_200)

    assert session.amount_total == 2 * 1_000 + 3 * 400
    assert paid.status_code == 200
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["invoice"]})
    assert isinstance(done.invoice, stripe.Invoice)
    assert done.invoice.amount_paid == session.amount_total


@pytest.mark.parametrize(
    ("tiers", "param"),
    [
        ({"tiers": [{"up_to": 5, "unit_amount": 1}, {"up_to": 3, "unit_amount": 1}, *TIERS["tiers"][1:]]}, "tiers"),
        ({"tiers": TIERS["tiers"][:1]}, "tiers"),
        ({"tiers_mode": ""}, "tiers_mode"),
    ],
)
def test_tiers_must_rise_and_have_an_end(sandbox: Sandbox, tiers: Any, param: str) -> None:
    client = sandbox.stripe()
    wish: Any = {"currency": "usd", "product_data": {"name": "Seats"}, **TIERS, **tiers}

    assert refused(client.v1.prices.create, wish).param == param
    assert client.v1.prices.list().data == []


def test_a_code_that_is_over_opens_no_session(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    half, euros = (
        client.v1.coupons.create({"percent_off": 50}),
        client.v1.coupons.create({"amount_off": 100, "currency": "eur"}),
    )
    code = client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": half.id}})
    client.v1.promotion_codes.update(code.id, {"active": False})

    def no(**discount: str) -> Any:
        return refused(lambda: session_for(client, discounts=[discount]))

    assert "expired" in str(no(promotion_code=code.id).user_message)
    assert "eur" in str(no(coupon=euros.id).user_message)
    assert no(promotion_code="").param == "discounts[0][coupon]"
    assert client.v1.checkout.sessions.list().data == []


def test_a_link_goes_on_counting_when_its_limit_changes(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    link = link_for(client, restrictions={"completed_sessions": {"limit": 5}})
    press(sandbox, open_link(link), card(client))

    changed = client.v1.payment_links.update(link.id, {"restrictions": {"completed_sessions": {"limit": 9}}})

    assert changed.restrictions is not None
    assert (changed.restrictions.completed_sessions.count, changed.restrictions.completed_sessions.limit) == (1, 9)


@pytest.mark.parametrize("days", [-1, 40])
def test_only_the_running_period_is_prorated(sandbox: Sandbox, days: int) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)
    item, other = item_of(subscription), price(client, 3_000).id
    wish: Any = {
        "items": [{"id": item.id, "price": other}],
        "proration_date": item.current_period_start + days * DAY,
    }

    assert refused(client.v1.subscriptions.update, subscription.id, wish).param == "proration_date"
    assert item_of(client.v1.subscriptions.retrieve(subscription.id)).price.id == item.price.id
    assert client.v1.invoice_items.list().data == []


def test_an_invoice_numbered_by_the_shop_is_a_file_all_the_same(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    draft = bill(client, customer(client).id, 2_000, number='7/"ä"\r\nSet-Cookie: a=b')
    opened = client.v1.invoices.finalize_invoice(draft.id)

    answer = sandbox.http.get(str(opened.invoice_pdf), timeout=10)

    assert answer.headers["Content-Disposition"] == 'inline; filename="Invoice-7------Set-Cookie--a-b.pdf"'
    assert "Set-Cookie" not in answer.headers
