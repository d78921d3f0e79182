"""Invoices by hand: drafted, finalized, paid, voided, given up, corrected."""

from typing import Any

import pytest
import stripe

from tests.sandbox.billing import DAY, customer, latest, price, subscribe
from tests.sandbox.client import Sandbox
from tests.sandbox.money import all_events, balance, books, events, refused

HOUR = 3_600


def bill(client: stripe.StripeClient, customer_id: str, *amounts: int, **more: Any) -> stripe.Invoice:
    """A draft with these amounts on it."""
    for amount in amounts:
        client.v1.invoice_items.create(
            {"customer": customer_id, "amount": amount, "currency": "usd", "description": f"{amount} cents"}
        )
    params: Any = {"customer": customer_id, "pending_invoice_items_behavior": "include", **more}
    return client.v1.invoices.create(params)


def test_a_draft_becomes_real_and_is_paid(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    before = len(events(sandbox))
    draft = bill(client, ana.id, 2_000, 500, description="Tea for two", metadata={"order": "7"})
    assert (draft.status, draft.number, draft.total, draft.auto_advance) == ("draft", None, 2_500, False)
    assert draft.hosted_invoice_url is draft.invoice_pdf is None

    real = client.v1.invoices.finalize_invoice(draft.id)
    paid = client.v1.invoices.pay(draft.id)

    assert (real.status, real.number, real.amount_due) == ("open", f"{ana.invoice_prefix}-0001", 2_500)
    assert str(real.hosted_invoice_url).startswith(sandbox.url)
    assert real.invoice_pdf is not None
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 2_500, 0)
    assert [(line.amount, line.description) for line in paid.lines.data] == [(500, "500 cents"), (2_000, "2000 cents")]
    assert events(sandbox, after=before) == [
        "invoiceitem.created", "invoiceitem.created", "invoice.created", "invoice.finalized", "payment_intent.created",
        "charge.succeeded", "payment_intent.succeeded", "invoice.payment_succeeded", "invoice.paid", "invoice_payment.paid",
    ]  # fmt: skip
    assert balance(client) == books(sandbox)
    assert refused(client.v1.invoices.pay, draft.id).code == "invoice_already_paid"
    assert "already finalized" in str(refused(client.v1.invoices.finalize_invoice, draft.id).user_message)


def test_items_wait_for_who_wants_them(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    item = client.v1.invoice_items.create({"customer": ana.id, "amount": 700, "currency": "usd"})

    without = client.v1.invoices.create({"customer": ana.id})
    with_it = client.v1.invoices.create({"customer": ana.id, "pending_invoice_items_behavior": "include"})

    assert (without.total, with_it.total) == (0, 700)
    assert client.v1.invoice_items.retrieve(item.id).invoice == with_it.id
    assert client.v1.invoice_items.list({"pending": True}).data == []
    assert [one.id for one in client.v1.invoice_items.list({"invoice": with_it.id}).data] == [item.id]
    client.v1.invoice_items.update(item.id, {"amount": 900})
    assert client.v1.invoices.retrieve(with_it.id).total == 900
    client.v1.invoice_items.delete(item.id)
    assert client.v1.invoices.retrieve(with_it.id).total == 0


def test_many_lines_come_page_by_page(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    amounts = list(range(1_001, 1_138))
    draft = client.v1.invoices.create({"customer": ana.id})
    for start in range(0, len(amounts), 50):
        wishes: Any = [{"amount": amount, "description": str(amount)} for amount in amounts[start : start + 50]]
        client.v1.invoices.add_lines(draft.id, {"lines": wishes})

    found = client.v1.invoices.retrieve(draft.id)
    every = [line.amount for line in client.v1.invoices.line_items.list(draft.id, {"limit": 40}).auto_paging_iter()]

    assert (len(found.lines.data), found.lines.has_more) == (10, True)
    assert every == amounts[::-1]
    assert every[:10] == [line.amount for line in found.lines.data]
    assert found.total == sum(amounts)


def test_lines_of_a_draft_are_changed_and_taken_off(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    draft = bill(client, customer(client).id, 1_000, 2_000)
    first, second = draft.lines.data

    client.v1.invoices.line_items.update(draft.id, first.id, {"amount": 2_500, "description": "more"})
    left = client.v1.invoices.remove_lines(draft.id, {"lines": [{"id": second.id, "behavior": "unassign"}]})

    assert (left.total, [line.description for line in left.lines.data]) == (2_500, ["more"])
    assert [one.amount for one in client.v1.invoice_items.list({"pending": True}).data] == [1_000]
    client.v1.invoices.finalize_invoice(draft.id)
    late = refused(client.v1.invoices.add_lines, draft.id, {"lines": [{"amount": 5}]})
    assert late.code == "invoice_not_editable"


def test_a_draft_is_deleted_a_real_one_is_voided(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    draft, real = bill(client, ana.id, 500), bill(client, ana.id, 700)
    client.v1.invoices.finalize_invoice(real.id)

    assert client.v1.invoices.delete(draft.id).deleted is True
    assert "only delete draft" in str(refused(client.v1.invoices.delete, real.id).user_message)
    gone = client.v1.invoices.void_invoice(real.id)

    assert (gone.status, gone.number, gone.amount_remaining) == ("void", f"{ana.invoice_prefix}-0001", 700)
    assert [intent["status"] for intent in sandbox.objects("payment_intent")] == ["canceled"]
    assert refused(client.v1.invoices.pay, real.id).http_status == 400
    assert refused(client.v1.invoices.void_invoice, real.id).http_status == 400
    assert refused(client.v1.invoices.retrieve, draft.id).http_status == 404
    assert sandbox.objects("charge") == []


def test_what_was_given_up_can_still_be_paid(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    real = client.v1.invoices.finalize_invoice(bill(client, customer(client).id, 700).id)

    lost = client.v1.invoices.mark_uncollectible(real.id)
    paid = client.v1.invoices.pay(real.id)

    assert (lost.status, paid.status) == ("uncollectible", "paid")
    assert lost.status_details is not None
    assert lost.status_details.uncollectible is not None
    assert lost.status_details.uncollectible.reason == "user_forgiven"


@pytest.mark.parametrize(("card", "code", "event"), [
    ("pm_card_chargeCustomerFail", "card_declined", "invoice.payment_failed"),
    ("pm_card_threeDSecure2Required", "invoice_payment_intent_requires_action", "invoice.payment_action_required"),
])  # fmt: skip
def test_a_refused_payment_is_a_card_error_and_stays_on_the_invoice(
    sandbox: Sandbox, card: str, code: str, event: str
) -> None:
    client = sandbox.stripe()
    draft = bill(client, customer(client, card).id, 2_000)

    error = refused(client.v1.invoices.pay, draft.id)

    assert isinstance(error, stripe.CardError)
    assert error.code == code
    found = client.v1.invoices.retrieve(draft.id)
    assert (found.status, found.attempted, found.attempt_count, found.amount_paid) == ("open", True, 1, 0)
    assert events(sandbox)[-2:] == [event, "invoice.updated"]


def test_one_that_advances_by_itself(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    draft = bill(client, customer(client).id, 900, auto_advance=True)
    assert draft.automatically_finalizes_at == draft.created + HOUR

    sandbox.advance(HOUR + 60)

    assert client.v1.invoices.retrieve(draft.id).status == "paid"


def test_paid_elsewhere_moves_no_money(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    real = client.v1.invoices.finalize_invoice(bill(client, customer(client).id, 900).id)

    paid = client.v1.invoices.pay(real.id, {"paid_out_of_band": True})

    assert (paid.status, paid.amount_paid) == ("paid", 900)
    assert sandbox.objects("charge") == sandbox.objects("balance_transaction") == []


def test_what_is_too_small_to_charge_waits_on_the_balance(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)

    small = client.v1.invoices.finalize_invoice(bill(client, ana.id, 30).id)
    next_one = client.v1.invoices.finalize_invoice(bill(client, ana.id, 1_000).id)

    assert (small.status, small.amount_due) == ("paid", 0)
    assert (next_one.starting_balance, next_one.amount_due, next_one.ending_balance) == (30, 1_030, 0)
    assert client.v1.customers.retrieve(ana.id).balance == 0


def test_credit_pays_first_and_comes_back_when_the_invoice_is_void(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    client.v1.customers.balance_transactions.create(ana.id, {"amount": -600, "currency": "usd"})

    real = client.v1.invoices.finalize_invoice(bill(client, ana.id, 1_000).id)

    assert (real.starting_balance, real.ending_balance, real.amount_due) == (-600, 0, 400)
    client.v1.invoices.void_invoice(real.id)
    assert client.v1.customers.retrieve(ana.id).balance == -600


def test_an_open_invoice_is_corrected_before_payment(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    real = client.v1.invoices.finalize_invoice(bill(client, customer(client).id, 2_000).id)
    line: Any = {"type": "invoice_line_item", "invoice_line_item": real.lines.data[0].id, "amount": 500}

    preview = client.v1.credit_notes.preview({"invoice": real.id, "lines": [line]})
    note = client.v1.credit_notes.create({"invoice": real.id, "lines": [line], "reason": "order_change"})

    assert (preview.total, note.total, note.type, note.number) == (500, 500, "pre_payment", f"{real.number}-CN-01")
    open_one = client.v1.invoices.retrieve(real.id)
    assert (open_one.amount_due, open_one.pre_payment_credit_notes_amount) == (1_500, 500)
    client.v1.credit_notes.void_credit_note(note.id)
    assert client.v1.invoices.retrieve(real.id).amount_due == 2_000
    client.v1.credit_notes.create({"invoice": real.id, "amount": 400})
    paid = client.v1.invoices.pay(real.id)
    assert (paid.status, paid.amount_paid) == ("paid", 1_600)
    assert [charge["amount"] for charge in sandbox.objects("charge")] == [1_600]


def test_a_note_over_everything_settles_the_invoice(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    real = client.v1.invoices.finalize_invoice(bill(client, customer(client).id, 2_000).id)

    too_much = refused(client.v1.credit_notes.create, {"invoice": real.id, "amount": 2_001})
    client.v1.credit_notes.create({"invoice": real.id, "amount": 2_000})

    assert too_much.http_status == 400
    found = client.v1.invoices.retrieve(real.id)
    assert (found.status, found.amount_paid, found.amount_due) == ("paid", 0, 0)


def test_a_paid_invoice_is_corrected_with_money(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    paid = latest(subscribe(client, ana.id, price(client, 5_000).id))
    wrong: Any = {"invoice": paid.id, "amount": 900, "refund_amount": 500, "credit_amount": 300}

    unequal = refused(client.v1.credit_notes.create, wrong)
    right: Any = {**wrong, "out_of_band_amount": 100}
    note = client.v1.credit_notes.create(right)

    assert "must equal the credit note amount" in str(unequal.user_message)
    assert (note.type, note.post_payment_amount, note.refunds[0].amount_refunded) == ("post_payment", 900, 500)
    assert [(one["amount"], one["status"]) for one in sandbox.objects("refund")] == [(500, "succeeded")]
    assert client.v1.customers.retrieve(ana.id).balance == -300
    assert client.v1.invoices.retrieve(paid.id).post_payment_credit_notes_amount == 900
    assert (
        refused(
            client.v1.credit_notes.create, {"invoice": paid.id, "amount": 4_101, "credit_amount": 4_101}
        ).http_status
        == 400
    )
    assert balance(client) == books(sandbox)


def test_what_would_be_billed(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana = customer(client)
    subscription = subscribe(client, ana.id, price(client, 3_000).id)
    item = subscription["items"].data[0]
    before = (sandbox.objects("invoice"), sandbox.objects("subscription"), all_events(sandbox))
    change: Any = {"items": [{"id": item.id, "quantity": 3}], "proration_date": item.current_period_start}

    renewal = client.v1.invoices.create_preview({"subscription": subscription.id})
    changed = client.v1.invoices.create_preview({"subscription": subscription.id, "subscription_details": change})
    new: Any = {"items": [{"price": price(client, 700).id, "quantity": 2}]}
    fresh = client.v1.invoices.create_preview({"customer": ana.id, "subscription_details": new})
    imagined: Any = [{"amount": 250, "currency": "usd"}]
    more = client.v1.invoices.create_preview({"subscription": subscription.id, "invoice_items": imagined})

    assert (renewal.total, renewal.period_end, renewal.status) == (3_000, item.current_period_end, "draft")
    assert renewal.id.startswith("upcoming_in_")
    assert sorted(line.amount for line in changed.lines.data) == [-3_000, 9_000, 9_000]
    assert (fresh.total, more.total) == (1_400, 3_250)
    after = (sandbox.objects("invoice"), sandbox.objects("subscription"))
    assert after == before[:2]
    assert len(all_events(sandbox)) == len(before[2]) + 2  # the price and its product


def test_nothing_is_upcoming_for_who_leaves(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})

    error = refused(client.v1.invoices.create_preview, {"subscription": subscription.id})

    assert (error.http_status, error.code) == (404, "invoice_upcoming_none")


def test_invoice_upcoming_has_no_id(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    subscription = subscribe(client, customer(client).id, price(client).id)

    sandbox.control("POST", "clock", {"to": subscription["items"].data[0].current_period_end - 2 * DAY})

    told = next(event for event in all_events(sandbox) if event["type"] == "invoice.upcoming")
    assert "id" not in told["data"]["object"]
    assert told["data"]["object"]["total"] == 1_500
    assert len(sandbox.objects("invoice")) == 1


def test_invoices_are_found_by_what_is_in_them(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    ana, ben = customer(client), customer(client)
    subscription = subscribe(client, ana.id, price(client).id)
    draft = bill(client, ben.id, 4_000)

    def ids(**filters: Any) -> list[str]:
        return [one.id for one in client.v1.invoices.list(filters).data]  # type: ignore[arg-type]

    assert ids(subscription=subscription.id) == ids(customer=ana.id) == ids(status="paid") == [latest(subscription).id]
    assert ids(status="draft") == ids(customer=ben.id) == [draft.id]
    found = client.v1.invoices.search({"query": f"subscription:'{subscription.id}' AND total>1000"}).data
    assert [one.id for one in found] == [latest(subscription).id]


def test_two_clicks_pay_once(sandbox: Sandbox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    client = sandbox.stripe()
    real = client.v1.invoices.finalize_invoice(bill(client, customer(client).id, 2_000).id)

    def pay(_: int) -> int:
        return sandbox.call("POST", f"/v1/invoices/{real.id}/pay").status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(pay, range(8)))

    assert answers == [200] + [400] * 7
    assert len(sandbox.objects("charge")) == 1
