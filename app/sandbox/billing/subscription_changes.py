"""Changing a subscription: other items or quantities with proration, its trial, its day, its end.

Events: those of an invoice that the change makes at once, then customer.subscription.updated.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from app.sandbox.billing import prorations, subscription_input, subscription_shapes
from app.sandbox.billing import subscription_billing as billing
from app.sandbox.billing import subscription_timers as timers
from app.sandbox.billing.clocks import enter
from app.sandbox.billing.subscription_create import BEHAVIOURS, add_items, ending, grid, undone
from app.sandbox.billing.subscription_ends import OVER, check_alive, note_why
from app.sandbox.errors import invalid, no_such
from app.sandbox.params import (
    Obj,
    Params,
    allow,
    boolean,
    choice,
    hash_of,
    list_of,
    moment,
    text,
    to_moment,
)
from app.sandbox.routes import route
from app.sandbox.tx import Tx
from app.sandbox.versions import at_least

PRORATIONS = ("always_invoice", "create_prorations", "none")
UPDATE_PARAMS = (
    *subscription_input.SETTINGS, "add_invoice_items", "billing_cycle_anchor", "cancel_at", "cancel_at_period_end",
    "cancellation_details", "items", "pause_collection", "payment_behavior", "proration_behavior", "proration_date",
    "trial_end", "trial_from_plan",
)  # fmt: skip


@route("POST", "/v1/subscriptions/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *UPDATE_PARAMS)
    subscription = the_subscription(tx, id)
    if set(tx.params) - {"cancellation_details", "metadata"}:
        check_alive(subscription)
    return change(tx, tx.params, subscription)


def the_subscription(tx: Tx, subscription_id: str) -> Obj:
    """The subscription, locked, in its own time."""
    found = tx.require("subscription", subscription_id)
    enter(tx, found)
    return found


def change(tx: Tx, params: Params, subscription: Obj) -> Obj:
    """Apply what was said; also called for single items, previews and schedules."""
    customer = tx.require("customer", subscription["customer"])
    old = copy.deepcopy(subscription_shapes.items_of(tx, subscription))
    before = copy.deepcopy(subscription)
    every = _other_items(tx, params, subscription, copy.deepcopy(old), customer)
    subscription_input.apply_settings(tx, params, subscription, customer)
    note_why(subscription, hash_of(params, "cancellation_details"))
    _pause_collection(params, subscription)
    if subscription["status"] not in OVER:
        _move_time(tx, params, subscription, old, every, customer)
        _plan_end(tx, params, subscription, every)
    kept = {one["id"] for one in every}
    for one in old:
        if one["id"] not in kept:
            tx.remove("subscription_item", one["id"])
    if subscription["status"] == "paused":
        return tx.require("subscription", subscription["id"])
    subscription_shapes.keep(tx, subscription, every)
    tx.emit("customer.subscription.updated", subscription, _changed(before, subscription, old, every))
    if _times(old, before) != _times(every, subscription) and subscription["status"] not in OVER:
        timers.plan(tx, subscription, every)
        timers.plan_trial_notice(tx, subscription)
    return subscription


def _other_items(tx: Tx, params: Params, subscription: Obj, every: list[Obj], customer: Obj) -> list[Obj]:
    """`items`: with an id they change or go, without one they come."""
    known = {one["id"]: one for one in every}
    for number, wish in enumerate(list_of(params, "items")):
        named = text(wish, "id") if isinstance(wish, dict) else None
        if named is None:
            made = subscription_input.new_item(tx, subscription["id"], wish, customer, number)
            start, finish = grid(subscription, made, tx.now)
            trial = subscription["status"] == "trialing"
            made.update(
                current_period_start=tx.now if trial else start,
                current_period_end=subscription["trial_end"] if trial else finish,
            )
            every.append(made)
            continue
        if named not in known:
            raise no_such("subscription item", named, param=f"items[{number}][id]", status=400)
        if boolean(wish, "deleted"):
            every.remove(known[named])
            continue
        subscription_input.reprice(tx, wish, known[named], number)
        subscription_input.describe_item(tx, wish, known[named], customer)
    if "items" in params:
        subscription_input.check_items(every, subscription["currency"])
    return every


def _move_time(  # noqa: PLR0913, PLR0917
    tx: Tx, params: Params, subscription: Obj, old: list[Obj], every: list[Obj], customer: Obj
) -> None:
    """Decide what of the change is billed, and when."""
    way = choice(params, "proration_behavior", PRORATIONS) or "create_prorations"
    at = prorations.since(params, old, tx.now)
    wish = text(params, "trial_end")
    trialing = subscription["status"] == "trialing"
    add_items(tx, params, subscription, customer)
    if wish and wish != "now":
        _new_trial(subscription, every, to_moment(wish, "trial_end"), tx.now)
        return
    if wish == "now" and trialing:
        if timers.may_end_trial(tx, subscription):
            subscription.update(trial_end=tx.now, status="active")
            _start_over(tx, params, subscription, every, customer)
        return
    reset = anchor_wish(tx, params) == "now" or _intervals(old) != _intervals(every)
    if trialing:
        return
    if way != "none":
        if reset:
            prorations.credit_rest(tx, subscription, old, at)
        else:
            prorations.between(tx, subscription, old, every, at)
    if reset:
        _start_over(tx, params, subscription, every, customer)
    elif way == "always_invoice":
        _bill(tx, params, subscription, customer, [])


def _start_over(tx: Tx, params: Params, subscription: Obj, every: list[Obj], customer: Obj) -> None:
    """A new anchor, now: every item begins a period, and it is billed at once."""
    subscription.update(billing_cycle_anchor=tx.now, billing_cycle_anchor_config=None)
    for one in every:
        start, finish = grid(subscription, one, tx.now)
        one.update(current_period_start=start, current_period_end=finish)
    _bill(tx, params, subscription, customer, [billing.period_line(tx, subscription, one) for one in every])


def _bill(tx: Tx, params: Params, subscription: Obj, customer: Obj, own: Sequence[Obj]) -> None:
    """An invoice for the change; whether it must be paid for the change to stand is `payment_behavior`."""
    behaviour = choice(params, "payment_behavior", BEHAVIOURS) or "allow_incomplete"
    invoice = billing.draft(tx, subscription, customer, "subscription_update", own)
    if not invoice["lines"]["data"]:
        return
    subscription["latest_invoice"] = invoice["id"]
    refusal = billing.bill_now(
        tx,
        subscription,
        invoice,
        customer,
        off_session=text(params, "off_session") == "true",
        collect=behaviour != "default_incomplete",
    )
    if refusal and behaviour in ("error_if_incomplete", "pending_if_incomplete"):
        raise undone(refusal)
    paid = tx.require("invoice", invoice["id"])
    if paid["status"] == "open" and paid["attempted"] and subscription["collection_method"] != "send_invoice":
        subscription["status"] = "past_due" if subscription["status"] == "active" else subscription["status"]
    elif paid["status"] == "paid" and subscription["status"] in ("past_due", "unpaid"):
        subscription["status"] = "active"


def anchor_wish(tx: Tx, params: Params) -> str | None:
    """`billing_cycle_anchor`: since 2026-09-30 a hash with `type`, before that a word."""
    given: Any = params.get("billing_cycle_anchor")
    if isinstance(given, dict):
        return choice(given, "type", ("now", "unchanged"))
    if given in (None, ""):
        return None
    if at_least(tx.api_version, "2026-09-30"):
        raise invalid("Invalid object", param="billing_cycle_anchor")
    return choice(params, "billing_cycle_anchor", ("now", "unchanged"))


def _new_trial(subscription: Obj, every: list[Obj], end: int, now: int) -> None:
    if end <= now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
    start = subscription["trial_start"] if subscription["status"] == "trialing" else now
    subscription.update(trial_start=start, trial_end=end, billing_cycle_anchor=end, status="trialing")
    for one in every:
        one.update(current_period_start=start, current_period_end=end)


def _plan_end(tx: Tx, params: Params, subscription: Obj, every: list[Obj]) -> None:
    at_end = boolean(params, "cancel_at_period_end")
    given = params.get("cancel_at")
    if at_end and given:
        raise invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.")
    if (at_end is False and subscription["cancel_at_period_end"]) or given == "":
        subscription.update(cancel_at=None, cancel_at_period_end=False, canceled_at=None)
        subscription["cancellation_details"]["reason"] = None
    elif at_end:
        last = subscription_shapes.period_end(subscription, every)
        subscription.update(cancel_at=last, cancel_at_period_end=True, canceled_at=tx.now)
        subscription["cancellation_details"]["reason"] = "cancellation_requested"
    elif given:
        at = ending(str(given), subscription, every)
        if at <= tx.now:
            raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", param="cancel_at")
        subscription.update(cancel_at=at, cancel_at_period_end=False, canceled_at=tx.now)
        subscription["cancellation_details"]["reason"] = "cancellation_requested"


def _pause_collection(params: Params, subscription: Obj) -> None:
    if params.get("pause_collection") == "":
        subscription["pause_collection"] = None
    given = hash_of(params, "pause_collection")
    if given:
        allow(given, "behavior", "resumes_at")
        behaviour = choice(given, "behavior", ("keep_as_draft", "mark_uncollectible", "void"))
        if behaviour is None:
            raise invalid("Missing required param: pause_collection[behavior].", param="pause_collection[behavior]")
        subscription["pause_collection"] = {"behavior": behaviour, "resumes_at": moment(given, "resumes_at")}


def _intervals(every: Sequence[Obj]) -> set[tuple[str, int]]:
    return {(one["price"]["recurring"]["interval"], one["price"]["recurring"]["interval_count"]) for one in every}


def _times(every: Sequence[Obj], subscription: Obj) -> tuple[Any, ...]:
    return (
        sorted(one["current_period_end"] for one in every),
        subscription["cancel_at"],
        subscription["trial_end"],
    )


def _changed(before: Obj, after: Obj, old: list[Obj], new: list[Obj]) -> Obj:
    found = {
        name: value
        for name, value in before.items()
        if name not in ("items", "cancellation_details") and after[name] != value
    }
    if old != new:
        found["items"] = {"data": old}
    if before["cancellation_details"] != after["cancellation_details"]:
        found["cancellation_details"] = before["cancellation_details"]
    return found
