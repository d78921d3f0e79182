"""Subscriptions from the first invoice to the last: what is billed when, and what happens when nobody pays."""

from typing import Any

import pytest
import stripe

from tests.sandbox.billing import DAY, customer, invoices, item_of, latest, price, subscribe
from tests.sandbox.client import Sandbox
from tests.sandbox.money import balance, books, debit, events, refused

HOUR = 3_600
PAID = [
    "invoice.finalized", "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
    "invoice.payment_succeeded", "invoice.paid", "invoice_payment.paid",
]  # fmt: skip


def status(client: stripe.StripeClient, subscription: stripe.Subscription) -> str:
    return client.v1.subscriptions.retrieve(subscription.id).status


def intent_of(client: stripe.StripeClient, invoice: stripe.Invoice) -> stripe.PaymentIntent:
    bond = client.v1.invoice_payments.list({"invoice": invoice.id, "expand": ["data.payment.payment_intent"]}).data[0]
    assert isinstance(bond.payment.payment_intent, stripe.PaymentIntent)
    return bond.payment.payment_intent


def test_the_first_period_is_paid_at_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana, tea = customer(client), price(client)
    before = len(events(sandbox))

    subscription = subscribe(client, ana.id, tea.id, metadata={"plan": "tea"})

    assert subscription.status == "active"
    invoice = latest(subscription)
    assert (invoice.status, invoice.total, invoice.amount_paid, invoice.amount_remaining) == ("paid", 1_500, 1_500, 0)
    assert (invoice.billing_reason, invoice.attempt_count, invoice.auto_advance) == ("subscription_create", 1, False)
    line = invoice.lines.data[0]
    assert (line.amount, line.description) == (1_500, "1 × Tea (at $15.00 / month)")
    item = item_of(subscription)
    assert (line.period.start, line.period.end) == (item.current_period_start, item.current_period_end)
    assert events(sandbox, after=before) == ["invoice.created", *PAID, "customer.subscription.created"]
    intent = intent_of(client, invoice)
    assert (intent.status, intent.amount, intent.description) == ("succeeded", 1_500, "Subscription creation")
    assert balance(client) == books(sandbox) == {"usd": (0, 1_426)}
    found = client.v1.invoice_payments.list({"payment": {"type": "payment_intent", "payment_intent": intent.id}})
    assert [one.invoice for one in found.data] == [invoice.id]


def test_a_renewal_is_drafted_then_paid_an_hour_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)
    end = item_of(subscription).current_period_end
    before = len(events(sandbox))

    sandbox.control("POST", "clock", {"to": end + 60})

    second = invoices(client, subscription.id)[1]
    assert (second.status, second.billing_reason, second.number) == ("draft", "subscription_cycle", None)
    assert (second.created, second.automatically_finalizes_at) == (end, end + HOUR)
    sandbox.advance(HOUR)
    second = client.v1.invoices.retrieve(second.id)
    assert (second.status, second.amount_paid, second.status_transitions.paid_at) == ("paid", 1_500, end + HOUR)
    assert item_of(client.v1.subscriptions.retrieve(subscription.id)).current_period_start == end
    told = [one for one in events(sandbox, after=before) if one != "balance.available"]
    assert told == ["invoice.upcoming", "invoice.created", "customer.subscription.updated", *PAID]


def test_numbers_have_no_gaps_whatever_happens_to_drafts(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscribe(client, ana.id, price(client).id)
    draft = client.v1.invoices.create({"customer": ana.id})
    client.v1.invoices.delete(draft.id)
    subscribe(client, ana.id, price(client).id)
    refused(subscribe, client, ana.id, "price_none")

    sandbox.advance(70 * DAY)

    numbers = [invoice.number for invoice in client.v1.invoices.list({"customer": ana.id, "limit": 100}).data]
    assert sorted(numbers, key=str) == [f"{ana.invoice_prefix}-{number:04}" for number in range(1, 7)]
    assert client.v1.customers.retrieve(ana.id).next_invoice_sequence == 7


def test_a_declined_first_payment_leaves_it_incomplete_for_23_hours(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client, "pm_card_chargeCustomerFail")
    before = len(events(sandbox))

    subscription = subscribe(client, ana.id, price(client).id)

    assert subscription.status == "incomplete"
    invoice = latest(subscription)
    assert (invoice.status, invoice.attempted, invoice.next_payment_attempt) == ("open", True, None)
    assert [one for one in events(sandbox, after=before) if "price" not in one and "product" not in one] == [
        "invoice.created", "invoice.finalized", "payment_intent.created", "charge.failed",
        "payment_intent.payment_failed", "invoice.payment_failed", "invoice.updated", "customer.subscription.created",
    ]  # fmt: skip
    sandbox.advance(23 * HOUR + 60)
    assert status(client, subscription) == "incomplete_expired"
    assert client.v1.invoices.retrieve(invoice.id).status == "void"
    assert intent_of(client, invoice).status == "canceled"
    assert events(sandbox)[-3:] == ["payment_intent.canceled", "invoice.voided", "customer.subscription.updated"]
    sandbox.advance(60 * DAY)
    assert len(invoices(client, subscription.id)) == 1


def test_an_incomplete_one_becomes_active_when_its_invoice_is_paid(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client, "pm_card_chargeCustomerFail")
    subscription = subscribe(client, ana.id, price(client).id)
    better = client.v1.payment_methods.attach("pm_card_visa", {"customer": ana.id})

    paid = client.v1.invoices.pay(latest(subscription).id, {"payment_method": better.id})

    assert (paid.status, paid.attempt_count) == ("paid", 2)
    assert status(client, subscription) == "active"
    assert events(sandbox)[-2:] == ["customer.subscription.updated", "invoice_payment.paid"]


def test_default_incomplete_waits_for_the_customer_at_the_payment_page(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client, None)
    more: Any = {
        "payment_behavior": "default_incomplete",
        "payment_settings": {"save_default_payment_method": "on_subscription"},
        "expand": ["latest_invoice.confirmation_secret"],
    }

    subscription = subscribe(client, ana.id, price(client).id, **more)

    invoice = latest(subscription)
    assert (subscription.status, invoice.attempted, invoice.attempt_count) == ("incomplete", False, 0)
    assert invoice.confirmation_secret is not None
    intent_id = invoice.confirmation_secret.client_secret.split("_secret_")[0]
    confirm: Any = {"payment_method": "pm_card_visa", "return_url": "https://shop.example/"}
    intent = client.v1.payment_intents.confirm(intent_id, confirm)
    assert intent.status == "succeeded"
    found = client.v1.subscriptions.retrieve(subscription.id)
    assert (found.status, found.default_payment_method) == ("active", intent.payment_method)
    sandbox.advance(32 * DAY)
    assert [invoice.status for invoice in invoices(client, subscription.id)] == ["paid", "paid"]


def test_error_if_incomplete_leaves_nothing_behind(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana, tea = customer(client, "pm_card_chargeCustomerFail"), price(client)
    before = sandbox.objects("event")

    error = refused(subscribe, client, ana.id, tea.id, payment_behavior="error_if_incomplete")

    assert isinstance(error, stripe.CardError)
    said: Any = error.json_body
    assert (error.code, said["error"]["decline_code"]) == ("card_declined", "generic_decline")
    assert sandbox.objects("subscription") == sandbox.objects("invoice") == sandbox.objects("charge") == []
    assert sandbox.objects("event") == before


def test_without_a_way_to_pay_nothing_starts(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    error = refused(subscribe, client, customer(client, None).id, price(client).id)

    assert (error.http_status, error.code) == (400, "resource_missing")
    assert "no attached payment source" in str(error.user_message)
    assert sandbox.objects("subscription") == sandbox.objects("invoice") == []


def test_a_card_that_must_be_authenticated_waits_for_its_owner(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client, "pm_card_threeDSecure2Required")

    subscription = subscribe(client, ana.id, price(client).id)

    assert subscription.status == "incomplete"
    intent = intent_of(client, latest(subscription))
    assert intent.status == "requires_action"
    assert "invoice.payment_action_required" in events(sandbox)
    sandbox.control("POST", "money/authenticate", {"id": intent.id, "outcome": "pass"})
    assert status(client, subscription) == "active"
    assert client.v1.invoices.retrieve(latest(subscription).id).attempt_count == 1


def test_failed_renewals_are_tried_again_and_then_it_ends(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client).id)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": ana.id})
    client.v1.customers.update(ana.id, {"invoice_settings": {"default_payment_method": bad.id}})
    end = item_of(subscription).current_period_end

    sandbox.control("POST", "clock", {"to": end + HOUR + 60})

    second = invoices(client, subscription.id)[1]
    first_try = end + HOUR
    assert (second.status, second.attempt_count, second.next_payment_attempt) == ("open", 1, first_try + 3 * DAY)
    assert status(client, subscription) == "past_due"
    sandbox.advance(3 * DAY)
    again = client.v1.invoices.retrieve(second.id)
    assert (again.attempt_count, again.next_payment_attempt) == (2, first_try + 8 * DAY)
    sandbox.advance(13 * DAY)
    over = client.v1.invoices.retrieve(second.id)
    assert (over.status, over.attempt_count, over.next_payment_attempt, over.auto_advance) == ("open", 4, None, False)
    gone = client.v1.subscriptions.retrieve(subscription.id)
    assert (gone.status, gone.cancellation_details and gone.cancellation_details.reason) == (
        "canceled",
        "payment_failed",
    )
    assert len(client.v1.charges.list({"customer": ana.id}).data) == 5
    assert events(sandbox).count("customer.subscription.deleted") == 1


@pytest.mark.parametrize(("wish", "drafts"), [("unpaid", ["draft"]), ("past_due", ["open"])])
def test_the_shop_decides_what_comes_after_the_last_try(sandbox: Sandbox, wish: str, drafts: list[str]) -> None:
    client = sandbox.stripe()
    sandbox.control("POST", "billing", {"retry_days": [1], "after_retries": wish})
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client).id)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": ana.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})

    sandbox.advance(63 * DAY)

    assert status(client, subscription) == wish
    found = [invoice.status for invoice in invoices(client, subscription.id)]
    assert found == ["paid", "open", *drafts]
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": ana.id})
    client.v1.invoices.pay(invoices(client, subscription.id)[-1].id, {"payment_method": good.id})
    assert status(client, subscription) == "active"


def test_a_card_the_bank_took_away_is_not_tried_again(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client).id)
    stolen = sandbox.objects("payment_method")[0]
    lost = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_chargeDeclinedLostCard"}})
    found = next(one for one in sandbox.objects("payment_method") if one["id"] == lost.id)
    sandbox.put({**stolen, "card": {**stolen["card"], "fingerprint": found["card"]["fingerprint"]}})

    sandbox.advance(60 * DAY)

    failed = [charge for charge in sandbox.objects("charge") if charge["status"] == "failed"]
    assert len(failed) == 1
    assert invoices(client, subscription.id)[1].attempt_count == 4


def test_a_trial_costs_nothing_and_says_when_it_ends(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)

    subscription = subscribe(client, ana.id, price(client).id, trial_period_days=14)

    invoice = latest(subscription)
    assert (subscription.status, invoice.total, invoice.status) == ("trialing", 0, "paid")
    assert invoice.lines.data[0].description == "Trial period for Tea"
    assert subscription.trial_end == subscription.billing_cycle_anchor == subscription.created + 14 * DAY
    sandbox.advance(11 * DAY)
    assert "customer.subscription.trial_will_end" in events(sandbox)
    sandbox.advance(3 * DAY + 2 * HOUR)
    assert status(client, subscription) == "active"
    assert [one.total for one in invoices(client, subscription.id)] == [0, 1_500]
    assert balance(client) == books(sandbox) == {"usd": (0, 1_426)}


@pytest.mark.parametrize(("wish", "becomes", "says"), [
    ("pause", "paused", "customer.subscription.paused"),
    ("cancel", "canceled", "customer.subscription.deleted"),
    ("create_invoice", "past_due", "invoice.payment_failed"),
])  # fmt: skip
def test_a_trial_that_ends_without_a_card(sandbox: Sandbox, wish: str, becomes: str, says: str) -> None:
    client = sandbox.stripe()
    settings: Any = {"end_behavior": {"missing_payment_method": wish}}
    subscription = subscribe(
        client, customer(client, None).id, price(client).id, trial_period_days=7, trial_settings=settings
    )

    sandbox.advance(7 * DAY + 2 * HOUR)

    assert status(client, subscription) == becomes
    assert says in events(sandbox)


def test_a_paused_one_goes_on_once_its_invoice_is_paid(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client).id)
    sandbox.advance(15 * DAY)

    paused = client.v1.subscriptions.pause(subscription.id)

    assert paused.status == "paused"
    assert paused.status_details is not None
    assert paused.status_details.paused.subscription.type == "pause_requested"
    credit = client.v1.invoice_items.list({"customer": ana.id, "pending": True}).data[0]
    assert (credit.proration, -760 <= credit.amount <= -740) == (True, True)
    sandbox.advance(40 * DAY)
    assert len(invoices(client, subscription.id)) == 1
    going = client.v1.subscriptions.resume(subscription.id)
    assert (going.status, going.status_details) == ("active", None)
    bill = invoices(client, subscription.id)[1]
    assert (bill.status, bill.total) == ("paid", 1_500 + credit.amount)
    assert "customer.subscription.resumed" in events(sandbox)
    sandbox.advance(32 * DAY)
    assert len(invoices(client, subscription.id)) == 3


def test_at_the_period_end_it_is_over_and_not_before(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)

    leaving = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    end = item_of(subscription).current_period_end
    assert (leaving.status, leaving.cancel_at, leaving.cancel_at_period_end) == ("active", end, True)
    sandbox.control("POST", "clock", {"to": end - 60})
    assert status(client, subscription) == "active"
    sandbox.advance(120)
    gone = client.v1.subscriptions.retrieve(subscription.id)
    assert (gone.status, gone.ended_at) == ("canceled", end)
    sandbox.advance(60 * DAY)
    assert len(invoices(client, subscription.id)) == 1


def test_who_changes_their_mind_is_billed_on(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    staying = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})

    assert (staying.cancel_at, staying.canceled_at) == (None, None)
    sandbox.advance(63 * DAY)
    assert [one.status for one in invoices(client, subscription.id)] == ["paid", "paid", "paid"]


def test_a_canceled_one_is_gone_for_good(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)

    gone = client.v1.subscriptions.cancel(subscription.id, {"cancellation_details": {"feedback": "too_expensive"}})

    assert gone.cancellation_details is not None
    assert (gone.status, gone.cancellation_details.feedback) == ("canceled", "too_expensive")
    assert refused(client.v1.subscriptions.cancel, subscription.id).code == "resource_missing"
    assert refused(client.v1.subscriptions.update, subscription.id, {"cancel_at_period_end": True}).http_status == 400
    assert client.v1.subscriptions.update(subscription.id, {"metadata": {"why": "tea"}}).metadata["why"] == "tea"
    assert client.v1.subscriptions.list().data == []
    assert [one.id for one in client.v1.subscriptions.list({"status": "ended"}).data] == [subscription.id]
    sandbox.advance(60 * DAY)
    assert len(invoices(client, subscription.id)) == 1


def test_an_upgrade_is_prorated_to_the_second(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client, 3_000).id)
    item = item_of(subscription)
    middle = (item.current_period_start + item.current_period_end) // 2
    change: Any = {"items": [{"id": item.id, "price": price(client, 9_000).id}], "proration_date": middle}

    client.v1.subscriptions.update(subscription.id, change)

    waiting = client.v1.invoice_items.list({"pending": True}).data
    assert sorted(one.amount for one in waiting) == [-1_500, 4_500]
    assert all(one.proration for one in waiting)
    sandbox.control("POST", "clock", {"to": item.current_period_end + HOUR + 60})
    second = invoices(client, subscription.id)[1]
    assert (second.status, second.total) == ("paid", 12_000)
    assert sorted(line.amount for line in second.lines.data) == [-1_500, 4_500, 9_000]


def test_a_downgrade_leaves_credit_for_the_next_invoice(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client, 9_000).id)
    item = item_of(subscription)
    change: Any = {
        "items": [{"id": item.id, "price": price(client, 1_000).id}],
        "proration_behavior": "always_invoice",
        "proration_date": item.current_period_start,
    }

    changed = client.v1.subscriptions.update(subscription.id, change)

    bill = client.v1.invoices.retrieve(str(changed.latest_invoice))
    assert (bill.status, bill.total, bill.amount_due, bill.ending_balance) == ("paid", -8_000, 0, -8_000)
    assert client.v1.customers.retrieve(ana.id).balance == -8_000
    sandbox.control("POST", "clock", {"to": item.current_period_end + HOUR + 60})
    second = invoices(client, subscription.id)[-1]
    assert (second.total, second.starting_balance, second.ending_balance, second.amount_due) == (
        1_000,
        -8_000,
        -7_000,
        0,
    )
    history = client.v1.customers.balance_transactions.list(ana.id).data
    assert [(one.type, one.amount, one.ending_balance) for one in history] == [
        ("applied_to_invoice", 1_000, -7_000),
        ("applied_to_invoice", -8_000, -8_000),
    ]


def test_another_interval_starts_a_new_period_now(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client, 1_000).id)
    item = item_of(subscription)
    sandbox.advance(10 * DAY)

    change: Any = {"items": [{"id": item.id, "price": price(client, 10_000, "year").id}]}
    changed = client.v1.subscriptions.update(subscription.id, change)

    after = item_of(changed)
    assert changed.billing_cycle_anchor == after.current_period_start >= item.current_period_start + 10 * DAY
    assert after.current_period_end - after.current_period_start in (365 * DAY, 366 * DAY)
    bill = client.v1.invoices.retrieve(str(changed.latest_invoice))
    assert (bill.status, bill.billing_reason) == ("paid", "subscription_update")
    assert 10_000 - 1_000 < bill.total < 10_000
    sandbox.advance(100 * DAY)
    assert len(invoices(client, subscription.id)) == 2


def test_items_come_and_go_one_by_one(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    tea, cake = price(client, 1_000), price(client, 500)
    subscription = subscribe(client, customer(client).id, tea.id)

    added = client.v1.subscription_items.create(
        {"subscription": subscription.id, "price": cake.id, "quantity": 4, "proration_behavior": "none"}
    )
    more = client.v1.subscription_items.update(added.id, {"quantity": 5, "proration_behavior": "none"})

    assert (added.quantity, more.quantity) == (4, 5)
    assert len(client.v1.subscription_items.list({"subscription": subscription.id}).data) == 2
    assert [one.id for one in client.v1.subscriptions.list({"price": cake.id}).data] == [subscription.id]
    twice: Any = {"subscription": subscription.id, "price": cake.id}
    assert "same plan" in str(refused(client.v1.subscription_items.create, twice).user_message)
    client.v1.subscription_items.delete(added.id, {"proration_behavior": "none"})
    assert "at least one item" in str(
        refused(client.v1.subscription_items.delete, item_of(subscription).id).user_message
    )
    sandbox.advance(32 * DAY)
    assert [one.total for one in invoices(client, subscription.id)] == [1_000, 1_000]


def test_collection_can_be_paused_while_renewals_go_on(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)

    for behavior, becomes in (("void", "void"), ("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible")):
        wish: Any = {"pause_collection": {"behavior": behavior}}
        client.v1.subscriptions.update(subscription.id, wish)
        sandbox.advance(31 * DAY + 2 * HOUR)
        assert invoices(client, subscription.id)[-1].status == becomes
    client.v1.subscriptions.update(subscription.id, {"pause_collection": ""})
    sandbox.advance(31 * DAY + 2 * HOUR)
    assert [one.status for one in invoices(client, subscription.id)] == [
        "paid",
        "void",
        "draft",
        "uncollectible",
        "paid",
    ]
    assert status(client, subscription) == "active"


def test_an_invoice_by_mail_is_due_some_days_later(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client, None)

    subscription = subscribe(client, ana.id, price(client).id, collection_method="send_invoice", days_until_due=10)

    assert (subscription.status, latest(subscription).status) == ("active", "draft")
    sandbox.advance(HOUR + 60)
    sent = client.v1.invoices.retrieve(latest(subscription).id)
    assert (sent.status, sent.due_date) == ("open", sent.created + 10 * DAY)
    assert events(sandbox)[-3:] == ["invoice.finalized", "payment_intent.created", "invoice.sent"]
    sandbox.advance(10 * DAY)
    assert status(client, subscription) == "past_due"
    assert "invoice.overdue" in events(sandbox)
    client.v1.invoices.pay(sent.id, {"paid_out_of_band": True})
    assert status(client, subscription) == "active"
    assert balance(client) == {}


def test_a_debit_counts_as_paid_until_the_bank_says_otherwise(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client, None)
    saved = debit(client, "AT861904300235473202", customer=ana.id, setup_future_usage="off_session")
    tea = price(client, currency="eur")

    subscription = subscribe(client, ana.id, tea.id, default_payment_method=saved.payment_method)

    assert (subscription.status, latest(subscription).status) == ("active", "open")
    assert refused(client.v1.invoices.pay, latest(subscription).id).code == "invoice_payment_processing"
    sandbox.advance(90)
    assert status(client, subscription) == "past_due"
    failed = client.v1.invoices.retrieve(latest(subscription).id)
    assert (failed.attempt_count, failed.next_payment_attempt is not None) == (1, True)


def test_a_coupon_for_once_is_for_once(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    once = client.v1.coupons.create({"percent_off": 30, "duration": "once"})
    months = client.v1.coupons.create(
        {"amount_off": 100, "currency": "usd", "duration": "repeating", "duration_in_months": 2}
    )

    subscription = subscribe(
        client,
        customer(client).id,
        price(client, 1_000).id,
        discounts=[{"coupon": once.id}, {"coupon": months.id}],
    )
    sandbox.advance(95 * DAY)

    assert [one.total for one in invoices(client, subscription.id)] == [600, 900, 1_000, 1_000]
    first = invoices(client, subscription.id)[0]
    assert [part.amount for part in first.total_discount_amounts or []] == [300, 100]


def test_a_deleted_coupon_still_holds_for_who_redeemed_it(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    coupon = client.v1.coupons.create({"percent_off": 30, "duration": "forever"})
    ana, tea = customer(client), price(client, 1_000)
    subscription = subscribe(client, ana.id, tea.id, discounts=[{"coupon": coupon.id}])

    client.v1.coupons.delete(coupon.id)

    sandbox.advance(32 * DAY)
    assert [one.total for one in invoices(client, subscription.id)] == [700, 700]
    assert refused(client.v1.coupons.retrieve, coupon.id).http_status == 404
    again: Any = [{"coupon": coupon.id}]
    assert refused(subscribe, client, ana.id, tea.id, discounts=again).code == "resource_missing"


def test_more_items_than_are_shown(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    prices = [price(client, 100 + number).id for number in range(31)]
    subscription = subscribe(client, customer(client).id, *prices)

    assert (len(subscription["items"].data), subscription["items"].has_more) == (10, True)
    every = client.v1.subscription_items.list({"subscription": subscription.id, "limit": 7}).auto_paging_iter()
    assert sorted(one.price.unit_amount or 0 for one in every) == [100 + number for number in range(31)]
    sandbox.advance(32 * DAY)
    assert [one.total for one in invoices(client, subscription.id)] == [sum(range(100, 131))] * 2


def test_who_fails_to_pay_is_delinquent_until_somebody_pays(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client).id)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": ana.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})

    sandbox.advance(32 * DAY)

    assert client.v1.customers.retrieve(ana.id).delinquent is True
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": ana.id})
    client.v1.invoices.pay(invoices(client, subscription.id)[1].id, {"payment_method": good.id})
    assert client.v1.customers.retrieve(ana.id).delinquent is False
    assert status(client, subscription) == "active"


def test_taxes_come_on_top_or_stand_inside(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    top = client.v1.tax_rates.create({"display_name": "Sales tax", "percentage": 8.25, "inclusive": False})
    inside = client.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": True})
    ana = customer(client)

    first = latest(subscribe(client, ana.id, price(client, 1_000).id, default_tax_rates=[top.id]))
    second = latest(subscribe(client, ana.id, price(client, 1_200).id, default_tax_rates=[inside.id]))

    assert (first.subtotal, first.total, first.total_excluding_tax) == (1_000, 1_083, 1_000)
    assert (second.subtotal, second.total, second.total_excluding_tax) == (1_200, 1_200, 1_000)
    assert [(tax.amount, tax.tax_behavior) for tax in second.total_taxes or []] == [(200, "inclusive")]


def test_a_deleted_customer_is_not_billed_any_more(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client).id)

    client.v1.customers.delete(ana.id)

    assert status(client, subscription) == "canceled"
    sandbox.advance(60 * DAY)
    assert len(invoices(client, subscription.id)) == 1
