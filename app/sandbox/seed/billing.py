"""What becomes of invoices: what the bank says when they are charged, who pays late or otherwise, what is credited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from app.sandbox.billing import credit_notes, invoices, subscription_changes
from app.sandbox.billing import paying as methods
from app.sandbox.billing.invoice_shapes import subscription_of
from app.sandbox.errors import StripeError
from app.sandbox.params import Obj
from app.sandbox.resources import customer_acts, payment_intents
from app.sandbox.seed import bank, joining, paying
from app.sandbox.seed.aftermath import went_well
from app.sandbox.seed.shop import DAY, HOUR, Shop

RENEWAL_REFUSED = 0.075
RETRY_REFUSED = 0.5
NEW_CARD = 0.45
CREDITED = 0.025
STAYS_UNPAID = 0.25

Task = Callable[..., None]


def ring(shop: Shop, task: str, run: Task, arguments: dict[str, Any]) -> bool:
    """Let billing's own timer run as the story has it; False when this timer is none of billing's."""
    if task == "invoice_is_upcoming":
        if shop.stage.are_kept:
            run(shop.stage, **arguments)
        return True
    if task not in ("invoice_finalizes", "invoice_is_tried_again"):
        return False
    invoice = shop.stage.get("invoice", arguments["invoice"])
    if invoice is None:
        return True
    again = task == "invoice_is_tried_again"
    with _bank_says(shop, invoice, RETRY_REFUSED if again else RENEWAL_REFUSED), _shop_gives_up(shop, invoice):
        run(shop.stage, **arguments)
    after_try(shop, invoice["id"])
    return True


@contextmanager
def _bank_says(shop: Shop, invoice: Obj, refuses: float) -> Iterator[None]:
    customer = shop.stage.require("customer", invoice["customer"])
    method = None if customer.get("deleted") else methods.of_invoice(shop.stage, invoice, customer)
    if method is None or method["type"] != "card":
        yield
        return
    always = shop.refused.get(subscription_of(invoice) or "")
    mood = always or bank.mood(shop.rng, "", refuses=refuses, on_session=False)
    with bank.says(method["card"]["fingerprint"], **mood):
        yield


@contextmanager
def _shop_gives_up(shop: Shop, invoice: Obj) -> Iterator[None]:
    """A subscription that nobody pays ends; a few were left unpaid, as the shop once had it."""
    settings = shop.stage.world.settings
    kept = settings.get("billing")
    named = subscription_of(invoice) or ""
    if named in shop.refused or shop.rng.random() < STAYS_UNPAID:
        settings["billing"] = {**(kept or {}), "after_retries": "unpaid"}
    try:
        yield
    finally:
        if kept is None:
            settings.pop("billing", None)
        else:
            settings["billing"] = kept


def after_try(shop: Shop, invoice_id: str) -> None:
    """Look at what came of it: the money's further fate, a debit's answer, a challenge, another card."""
    invoice = shop.stage.require("invoice", invoice_id)
    intent = _intent(shop, invoice)
    if intent is None:
        return
    if invoice["status"] == "paid":
        _was_paid(shop, invoice, intent)
    elif invoice["status"] == "open":
        _is_open(shop, invoice, intent)


def _was_paid(shop: Shop, invoice: Obj, intent: Obj) -> None:
    if intent["latest_charge"] and invoice["amount_paid"]:
        went_well(shop, intent["latest_charge"])
        if shop.rng.random() < CREDITED:
            shop.after(shop.rng.uniform(0.5, 12) * DAY, credit, invoice["id"])


def _is_open(shop: Shop, invoice: Obj, intent: Obj) -> None:
    rng = shop.rng
    left_alone = subscription_of(invoice) in shop.refused
    if invoice["collection_method"] == "send_invoice":
        if not left_alone:
            _plan_remittance(shop, invoice)
    elif intent["status"] == "processing":
        shop.after(6 * DAY, after_try, invoice["id"])
    elif intent["status"] == "requires_action":
        if rng.random() < 0.9:
            shop.after(rng.randint(15, 300), authenticate, invoice["id"])
    elif not left_alone and rng.random() < NEW_CARD:
        shop.after(rng.uniform(0.2, 5) * DAY, pay_otherwise, invoice["id"])


def authenticate(shop: Shop, invoice_id: str) -> None:
    """The customer comes back from the bank's page."""
    intent = _intent(shop, shop.stage.require("invoice", invoice_id))
    if intent is None or intent["status"] != "requires_action":
        return
    method = shop.stage.require("payment_method", intent["payment_method"])
    with bank.says(method["card"]["fingerprint"], authentication="required"):
        customer_acts.authenticate(shop.stage, intent["id"], passed=shop.rng.random() < 0.93)
    after_try(shop, invoice_id)


def pay_otherwise(shop: Shop, invoice_id: str) -> None:
    """The customer was asked for another card, saves it and pays what is open with it."""
    invoice = shop.stage.require("invoice", invoice_id)
    buyer = shop.subscribers.get(subscription_of(invoice) or "")
    if invoice["status"] != "open" or buyer is None or buyer.gone:
        return
    intent = _intent(shop, invoice)
    if intent and intent["status"] == "processing":
        return
    buyer.card = bank.new_card(shop.rng, buyer.country)
    method = paying.new_card_method(shop, buyer, buyer.card)
    joining.set_up(shop, buyer, method)
    joining.make_default(shop, buyer, method)
    buyer.by_debit = False
    named = subscription_of(invoice)
    found = shop.stage.require("subscription", named) if named else None
    if found and found["status"] not in ("canceled", "incomplete_expired", "paused"):
        shop.stage.call(subscription_changes.update, {"default_payment_method": method}, id=found["id"])
    pay(shop, invoice_id, method)


def pay(shop: Shop, invoice_id: str, method: str) -> None:
    """By hand, with a method of the customer's."""
    try:
        shop.stage.call(invoices.pay, {"payment_method": method}, id=invoice_id)
    except StripeError as refusal:
        if not refusal.commit:
            raise
    after_try(shop, invoice_id)


def _plan_remittance(shop: Shop, invoice: Obj) -> None:
    """Offices pay when they pay: mostly in time, by card on the invoice's page or by transfer; a few never."""
    rng = shop.rng
    given = max(invoice["due_date"] - shop.now, DAY)
    dice = rng.random()
    if dice < 0.66:
        shop.after(given * rng.uniform(0.1, 0.98), pay_on_page, invoice["id"])
    elif dice < 0.76:
        shop.after(given * rng.uniform(0.2, 1.1), paid_elsewhere, invoice["id"])
    elif dice < 0.9:
        shop.after(given + rng.uniform(1, 12) * DAY, pay_on_page, invoice["id"])
    elif dice < 0.95:
        shop.after(given + rng.uniform(20, 40) * DAY, write_off, invoice["id"])
    elif dice < 0.97:
        shop.after(rng.uniform(1, 5) * DAY, void, invoice["id"])
    elif rng.random() < 0.5:
        shop.after(HOUR, credit, invoice["id"])


def pay_on_page(shop: Shop, invoice_id: str) -> None:
    """On the page the invoice was sent with: its PaymentIntent is confirmed with a card."""
    invoice = shop.stage.require("invoice", invoice_id)
    intent = _intent(shop, invoice)
    buyer = shop.subscribers.get(subscription_of(invoice) or "")
    if invoice["status"] != "open" or intent is None or buyer is None or buyer.gone:
        return
    if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
        return
    method = paying.new_card_method(shop, buyer, buyer.card)
    shop.stage.call(payment_intents.confirm_route, {"payment_method": method}, id=intent["id"])
    after_try(shop, invoice_id)


def paid_elsewhere(shop: Shop, invoice_id: str) -> None:
    if shop.stage.require("invoice", invoice_id)["status"] == "open":
        shop.stage.call(invoices.pay, {"paid_out_of_band": "true"}, id=invoice_id)


def write_off(shop: Shop, invoice_id: str) -> None:
    if shop.stage.require("invoice", invoice_id)["status"] == "open":
        shop.stage.call(invoices.mark_uncollectible, {}, id=invoice_id)


def void(shop: Shop, invoice_id: str) -> None:
    invoice = shop.stage.require("invoice", invoice_id)
    if invoice["status"] == "open" and not invoice["amount_paid"]:
        shop.stage.call(invoices.void, {}, id=invoice_id)


def credit(shop: Shop, invoice_id: str, into: str = "") -> None:
    """A credit note: the money goes back to the card or to the balance; less is due of an open invoice."""
    invoice = shop.stage.require("invoice", invoice_id)
    amount = max(int(invoice["total"] * shop.rng.choice((0.1, 0.2, 0.25, 0.5))), 1)
    params = {
        "invoice": invoice_id,
        "amount": str(amount),
        "reason": shop.rng.choice(("product_unsatisfactory", "order_change")),
        "memo": shop.rng.choice(("A bag was missing.", "The parcel came late.", "Fewer seats than billed.")),
    }
    if invoice["status"] == "paid":
        params[into or ("refund_amount" if shop.rng.random() < 0.6 else "credit_amount")] = str(amount)
    elif invoice["status"] != "open" or invoice["attempted"]:
        return
    try:
        shop.stage.call(credit_notes.create, params)
    except StripeError as refusal:  # given back or disputed already
        if shop.stage.require("invoice", invoice_id) != invoice:
            raise RuntimeError("half a credit note") from refusal


def _intent(shop: Shop, invoice: Obj) -> Obj | None:
    for bond in methods.bonds(shop.stage, invoice["id"]):
        if bond["status"] != "canceled" and bond["is_default"]:
            return shop.stage.get("payment_intent", bond["payment"]["payment_intent"])
    return None
