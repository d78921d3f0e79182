"""Pausing a subscription, and going on: while it is paused nothing is billed.

Events: customer.subscription.updated with .paused, and .resumed with .updated after the invoice of the new period.
"""

from __future__ import annotations

from app.sandbox.billing import prorations, subscription_shapes
from app.sandbox.billing import subscription_billing as billing
from app.sandbox.billing import subscription_timers as timers
from app.sandbox.billing.subscription_changes import PRORATIONS, anchor_wish, the_subscription
from app.sandbox.billing.subscription_create import grid
from app.sandbox.errors import invalid
from app.sandbox.params import Obj, allow, choice, hash_of
from app.sandbox.routes import route
from app.sandbox.tx import Tx

PAUSABLE = ("active", "trialing", "past_due")
FROM = ("item_current_period_start", "none", "now")


@route("POST", "/v1/subscriptions/{id}/pause")
def pause(tx: Tx, id: str) -> Obj:  # noqa: A002
    """The time that was paid and is not used is credited, on the next invoice or one made now."""
    allow(tx.params, "bill_for", "invoicing_behavior", "type")
    choice(tx.params, "type", ("subscription",))
    subscription = the_subscription(tx, id)
    if subscription["status"] not in PAUSABLE:
        raise invalid(f"You cannot pause a subscription that is {subscription['status']}.")
    unused = hash_of(hash_of(tx.params, "bill_for"), "unused_time_from")
    start = choice(unused, "type", FROM) or "now"
    every = subscription_shapes.items_of(tx, subscription)
    if start != "none" and subscription["status"] != "trialing":
        at = tx.now if start == "now" else min(one["current_period_start"] for one in every)
        prorations.credit_rest(tx, subscription, every, at)
    if choice(tx.params, "invoicing_behavior", ("invoice", "pending_invoice_item")) == "invoice":
        customer = tx.require("customer", subscription["customer"])
        invoice = billing.draft(tx, subscription, customer, "subscription_update", [])
        subscription["latest_invoice"] = invoice["id"]
        billing.bill_now(tx, subscription, invoice, customer, off_session=True)
    stop(tx, subscription, "pause_requested")
    return subscription


@route("POST", "/v1/subscriptions/{id}/resume")
def resume(tx: Tx, id: str) -> Obj:  # noqa: A002
    """A new period from now, paid first; with the anchor unchanged only the rest of the running one is charged."""
    allow(tx.params, "billing_cycle_anchor", "payment_behavior", "proration_behavior", "proration_date")
    subscription = the_subscription(tx, id)
    if subscription["status"] != "paused":
        raise invalid("You can only resume paused subscriptions.")
    every = subscription_shapes.items_of(tx, subscription)
    customer = tx.require("customer", subscription["customer"])
    own = []
    if anchor_wish(tx, tx.params) == "unchanged":
        own = _rest_of_period(tx, subscription, every)
    else:
        subscription.update(billing_cycle_anchor=tx.now, billing_cycle_anchor_config=None)
        for one in every:
            begin, finish = grid(subscription, one, tx.now)
            one.update(current_period_start=begin, current_period_end=finish)
        own = [billing.period_line(tx, subscription, one) for one in every]
    invoice = billing.draft(tx, subscription, customer, "subscription_update", own)
    subscription["latest_invoice"] = invoice["id"]
    subscription_shapes.keep(tx, subscription, every)
    billing.bill_now(tx, subscription, invoice, customer, off_session=True)
    found = tx.require("subscription", id)
    if (
        found["status"] == "paused"
        and choice(tx.params, "payment_behavior", ("resume_on_payment_attempt", "resume_on_payment_success"))
        == "resume_on_payment_attempt"
    ):
        go_on(tx, found)
    return tx.require("subscription", id)


def stop(tx: Tx, subscription: Obj, why: str) -> None:
    """paused, for a reason that Stripe has a word for."""
    before = {name: subscription[name] for name in ("status", "status_details", "trial_end")}
    subscription.update(
        status="paused",
        status_details={"paused": {"subscription": {"type": why}, "transitioned_at": tx.now, "type": "subscription"}},
    )
    tx.put(subscription)
    tx.emit("customer.subscription.updated", subscription, subscription_shapes.changed(before, subscription))
    tx.emit("customer.subscription.paused", subscription)


def go_on(tx: Tx, subscription: Obj) -> None:
    """active again."""
    before = {name: subscription[name] for name in ("status", "status_details")}
    subscription.update(status="active", status_details=None)
    tx.put(subscription)
    tx.emit("customer.subscription.updated", subscription, before)
    tx.emit("customer.subscription.resumed", subscription)
    timers.plan(tx, subscription, subscription_shapes.items_of(tx, subscription))


def _rest_of_period(tx: Tx, subscription: Obj, every: list[Obj]) -> list[Obj]:
    way = choice(tx.params, "proration_behavior", PRORATIONS) or "create_prorations"
    for one in every:
        begin, finish = grid(subscription, one, tx.now)
        one.update(current_period_start=begin, current_period_end=finish)
    at = prorations.since(tx.params, every, tx.now)
    own = []
    for one in every if way != "none" else ():
        begin, finish = one["current_period_start"], one["current_period_end"]
        own.append(billing.period_line(tx, subscription, one, part=(finish - max(at, begin), finish - begin)))
    return own
