"""The bodies of subscriptions and their items, and how a subscription holds its items.

A subscription shows its first ten items; each item is kept by itself as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.sandbox.billing.prices import as_plan
from app.sandbox.params import Obj
from app.sandbox.tx import Tx

SHOWN = 10


def blank(tx: Tx, customer: Obj, currency: str) -> Obj:
    return {
        "id": tx.new_id("sub_"),
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": tx.now,
        "billing_cycle_anchor_config": None,
        "billing_mode": {
            "flexible": {"proration_discounts": "included"},
            "type": "flexible",
        },
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": tx.now,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": {"object": "list", "data": [], "has_more": False, "url": ""},
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": tx.now,
        "status": "incomplete",
        "status_details": None,
        "test_clock": customer["test_clock"],
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def item(tx: Tx, subscription: str, price: Obj, quantity: int | None) -> Obj:
    """An item without a period yet."""
    return {
        "id": tx.new_id("si_", 14),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": tx.now,
        "current_period_end": tx.now,
        "current_period_start": tx.now,
        "current_trial": None,
        "discounts": [],
        "metadata": {},
        **priced(price),
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def priced(price: Obj) -> Obj:
    shown = {name: value for name, value in price.items() if name != "tiers"}
    return {"plan": as_plan(price), "price": shown}


def items_of(tx: Tx, subscription: Obj) -> list[Obj]:
    """Every item, oldest first."""
    shown: list[Obj] = subscription["items"]["data"]
    if not subscription["items"]["has_more"]:
        return shown
    return tx.find("subscription_item", subscription=subscription["id"])[::-1]


def show_items(subscription: Obj, every: Sequence[Obj]) -> None:
    subscription["items"] = {
        "object": "list",
        "data": list(every[:SHOWN]),
        "has_more": len(every) > SHOWN,
        "url": f"/v1/subscription_items?subscription={subscription['id']}",
    }


def keep(tx: Tx, subscription: Obj, every: Sequence[Obj]) -> None:
    """Store the subscription with these items."""
    show_items(subscription, every)
    for one in every:
        tx.put(one)
    tx.put(subscription)


def changed(before: Obj, after: Obj) -> Obj:
    """`previous_attributes`: the fields that are another now."""
    return {name: old for name, old in before.items() if after.get(name) != old}


def period_end(subscription: Obj, every: Sequence[Obj]) -> int:
    """When the last of the running periods is over."""
    ends: list[int] = [one["current_period_end"] for one in every]
    return max(ends, default=int(subscription["billing_cycle_anchor"]))


def wished_day(subscription: Obj) -> int | None:
    """The day of the month to bill on, when it was said in words of its own."""
    config: Any = subscription["billing_cycle_anchor_config"]
    return config["day_of_month"] if config else None
