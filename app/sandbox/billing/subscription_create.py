"""A new subscription: its items, its first period, its first invoice, and the status that comes of it.

Events: those of the first invoice and its payment, then customer.subscription.created with the status they led to.
"""

from __future__ import annotations

from typing import Any

from app.sandbox.billing import invoice_items, paying, periods, subscription_input, subscription_shapes
from app.sandbox.billing import subscription_billing as billing
from app.sandbox.billing import subscription_timers as timers
from app.sandbox.billing.clocks import customer_in_time
from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.params import Obj, Params, allow, boolean, choice, hashes_of, list_of, need, text, to_moment
from app.sandbox.routes import route
from app.sandbox.tx import Tx

BEHAVIOURS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
HOURS_TO_PAY = 23


@route("POST", "/v1/subscriptions")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(
        params, *subscription_input.SETTINGS, "add_invoice_items", "billing_cycle_anchor", "billing_cycle_anchor_config",
        "billing_mode", "cancel_at", "cancel_at_period_end", "currency", "customer", "customer_account", "items",
        "payment_behavior", "proration_behavior", "trial_end", "trial_from_plan", "trial_period_days",
    )  # fmt: skip
    need(params, "customer")
    customer = customer_in_time(tx, str(params["customer"]), lock=True)
    return subscribe(tx, params, customer)


def subscribe(tx: Tx, params: Params, customer: Obj) -> Obj:
    """The new subscription as it is once its first invoice was tried; also called for Checkout and schedules."""
    if not list_of(params, "items"):
        raise missing("items")
    subscription = subscription_shapes.blank(tx, customer, "")
    every = [
        subscription_input.new_item(tx, subscription["id"], wish, customer, number)
        for number, wish in enumerate(list_of(params, "items"))
    ]
    subscription["currency"] = text(params, "currency") or every[0]["price"]["currency"]
    subscription_input.check_items(every, subscription["currency"])
    subscription_input.apply_settings(tx, params, subscription, customer)
    mode = params.get("billing_mode")
    if isinstance(mode, dict) and mode.get("type") == "classic":
        subscription["billing_mode"] = {"flexible": None, "type": "classic"}
    _start(tx, params, subscription, every)
    _plan_end(params, subscription, every)
    behaviour = choice(params, "payment_behavior", BEHAVIOURS) or "allow_incomplete"
    _first_invoice(tx, params, subscription, every, customer, behaviour)
    if subscription["status"] == "incomplete":
        tx.later(tx.now + HOURS_TO_PAY * 3_600, "subscription_gives_up", subscription=subscription["id"])
    subscription_shapes.keep(tx, subscription, every)
    tx.emit("customer.subscription.created", subscription)
    timers.plan(tx, subscription, every)
    timers.plan_trial_notice(tx, subscription)
    return subscription


def _start(tx: Tx, params: Params, subscription: Obj, every: list[Obj]) -> None:
    """The first periods: the trial, or from now to the next day on the grid of the anchor."""
    end = subscription_input.trial_end(tx, params, every)
    if end is not None:
        subscription.update(trial_start=tx.now, trial_end=end, billing_cycle_anchor=end, status="trialing")
        for one in every:
            one.update(current_period_start=tx.now, current_period_end=end)
        return
    anchor = subscription_input.anchor(tx, params, subscription, every)
    subscription["billing_cycle_anchor"] = anchor
    for one in every:
        _, finish = grid(subscription, one, tx.now)
        one.update(current_period_start=tx.now, current_period_end=min(finish, anchor) if anchor > tx.now else finish)


def grid(subscription: Obj, item: Obj, moment: int) -> tuple[int, int]:
    """The item's whole period around a moment."""
    recurring = item["price"]["recurring"]
    return periods.around(
        moment,
        subscription["billing_cycle_anchor"],
        recurring["interval"],
        recurring["interval_count"],
        day=subscription_shapes.wished_day(subscription),
    )


def _plan_end(params: Params, subscription: Obj, every: list[Obj]) -> None:
    last = subscription_shapes.period_end(subscription, every)
    if boolean(params, "cancel_at_period_end"):
        subscription.update(cancel_at_period_end=True, cancel_at=last, canceled_at=subscription["created"])
    elif params.get("cancel_at"):
        subscription["cancel_at"] = ending(str(params["cancel_at"]), subscription, every)
        subscription["canceled_at"] = subscription["created"]


def ending(given: str, subscription: Obj, every: list[Obj]) -> int:
    """`cancel_at`: a moment, or the end of the shortest or longest running period."""
    if given == "min_period_end":
        return min(int(one["current_period_end"]) for one in every)
    if given in ("max_period_end", "max_billed_until"):
        return subscription_shapes.period_end(subscription, every)
    return to_moment(given, "cancel_at")


def _first_invoice(  # noqa: PLR0913, PLR0917
    tx: Tx, params: Params, subscription: Obj, every: list[Obj], customer: Obj, behaviour: str
) -> None:
    """Leaves the status that the invoice and its payment lead to."""
    trialing = subscription["status"] == "trialing"
    own = [
        billing.trial_line(tx, subscription, one) if trialing else _first_line(tx, params, subscription, one)
        for one in every
    ]
    add_items(tx, params, subscription, customer)
    invoice = billing.draft(tx, subscription, customer, "subscription_create", own)
    subscription["latest_invoice"] = invoice["id"]
    automatic = subscription["collection_method"] == "charge_automatically"
    waits = behaviour == "default_incomplete"
    if automatic and invoice["amount_due"] > 0 and not waits:
        _check_method(tx, subscription, customer)
    refusal = billing.bill_now(
        tx,
        subscription,
        invoice,
        customer,
        off_session=text(params, "off_session") == "true",
        collect=not waits,
    )
    if refusal and behaviour == "error_if_incomplete":
        raise undone(refusal)
    if not trialing:
        subscription["status"] = _status(tx, invoice["id"], automatic=automatic)
    if waits and invoice["amount_due"] == 0 and paying.default_method(tx, customer, subscription) is None:
        subscription["pending_setup_intent"] = _ask_for_method(tx, customer)
    _save_method(tx, subscription, invoice["id"])


def _first_line(tx: Tx, params: Params, subscription: Obj, item: Obj) -> Obj:
    """A whole period, or its share until the anchor; nothing when the caller wants no proration."""
    start, finish = grid(subscription, item, tx.now)
    if subscription["billing_cycle_anchor"] <= tx.now:
        return billing.period_line(tx, subscription, item)
    way = choice(params, "proration_behavior", ("create_prorations", "none", "always_invoice"))
    left = 0 if way == "none" else item["current_period_end"] - tx.now
    line = billing.period_line(tx, subscription, item, part=(left, finish - start))
    line["parent"]["subscription_item_details"]["proration"] = True
    return line


def add_items(tx: Tx, params: Params, subscription: Obj, customer: Obj) -> None:
    """`add_invoice_items`: what is billed once beside the periods."""
    for wish in hashes_of(params, "add_invoice_items"):
        price: Any = {"pricing": {"price": wish["price"]}} if wish.get("price") else {}
        rest = {
            name: value for name, value in wish.items() if name in ("price_data", "quantity", "tax_rates", "discounts")
        }
        item = invoice_items.build(tx, {**price, **rest, "currency": subscription["currency"]}, customer)
        item["parent"] = invoice_items.of_subscription(subscription["id"], None)
        tx.put(item)
        tx.emit("invoiceitem.created", item)


def _check_method(tx: Tx, subscription: Obj, customer: Obj) -> None:
    if paying.default_method(tx, customer, subscription) is None:
        raise invalid(
            "This customer has no attached payment source or default payment method. Please consider adding a default "
            "payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
            code="resource_missing",
        )


def _status(tx: Tx, invoice_id: str, *, automatic: bool) -> str:
    """A debit that is under way counts as paid until the bank says otherwise."""
    invoice = tx.require("invoice", invoice_id)
    if not automatic or invoice["status"] == "paid":
        return "active"
    bonds = paying.bonds(tx, invoice_id)
    intents = [tx.get("payment_intent", bond["payment"]["payment_intent"]) for bond in bonds]
    return "active" if any(intent and intent["status"] == "processing" for intent in intents) else "incomplete"


def _save_method(tx: Tx, subscription: Obj, invoice_id: str) -> None:
    from app.sandbox.billing.subscription_states import method_of_payment

    if subscription["payment_settings"]["save_default_payment_method"] == "on_subscription":
        paid_with = method_of_payment(tx, invoice_id)
        subscription["default_payment_method"] = subscription["default_payment_method"] or paid_with


def _ask_for_method(tx: Tx, customer: Obj) -> str:
    """Nothing is due today: a SetupIntent asks for the card all the same."""
    from app.sandbox.resources import method_types, setup_intents

    intent = setup_intents.blank(tx)
    method_types.choose(tx, {}, intent, currency=None, fresh=True)
    intent["customer"] = customer["id"]
    tx.put(intent)
    tx.emit("setup_intent.created", intent)
    return str(intent["id"])


def undone(refusal: StripeError) -> StripeError:
    """The same refusal, of a request that leaves nothing behind."""
    return StripeError(
        refusal.message,
        status=402,
        type=refusal.type,
        code=refusal.code if refusal.decline_code else "subscription_payment_intent_requires_action",
        decline_code=refusal.decline_code,
        keep=True,
    )
