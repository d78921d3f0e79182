"""Subscriptions and their items."""

from collections.abc import Sequence

from app.mirror.door import Door, Saved
from app.mirror.fields import Obj, Row, nested, ref, when, whole
from app.mirror.nested import Family
from app.mirror.news import News
from app.models.subscription import Subscription, SubscriptionItem


def row(obj: Obj) -> Row:
    items = nested(obj, "items") or [obj]  # before 2025-03-31 the period was the subscription's own
    starts = [item["current_period_start"] for item in items if whole(item.get("current_period_start"))]
    ends = [item["current_period_end"] for item in items if whole(item.get("current_period_end"))]
    return {
        "status": obj.get("status") or "unknown",
        "currency": obj.get("currency"),
        "customer_id": ref(obj.get("customer")),
        "collection_method": obj.get("collection_method"),
        "default_payment_method_id": ref(obj.get("default_payment_method")),
        "default_source_id": ref(obj.get("default_source")),
        "latest_invoice_id": ref(obj.get("latest_invoice")),
        "cancel_at": when(obj.get("cancel_at")),
        "cancel_at_period_end": obj.get("cancel_at_period_end"),
        "canceled_at": when(obj.get("canceled_at")),
        "ended_at": when(obj.get("ended_at")),
        "started_at": when(obj.get("start_date")),
        "trial_started_at": when(obj.get("trial_start")),
        "trial_ends_at": when(obj.get("trial_end")),
        "billing_cycle_anchor_at": when(obj.get("billing_cycle_anchor")),
        "current_period_started_at": when(min(starts, default=None)),
        "current_period_ends_at": when(max(ends, default=None)),
        "pause_collection": obj.get("pause_collection"),
        "pending_setup_intent_id": ref(obj.get("pending_setup_intent")),
        "schedule_id": ref(obj.get("schedule")),
        "test_clock_id": ref(obj.get("test_clock")),
    }


def rank(obj: Obj) -> int:
    """It starts incomplete and ends once; in between it moves freely."""
    if obj.get("status") == "incomplete":
        return 10
    return 90 if obj.get("status") in {"canceled", "incomplete_expired"} else 50


def item_row(obj: Obj) -> Row:
    return {
        "subscription_id": ref(obj.get("subscription")),
        "price_id": ref(obj.get("price")),
        "quantity": whole(obj.get("quantity")),
        "current_period_started_at": when(obj.get("current_period_start")),
        "current_period_ends_at": when(obj.get("current_period_end")),
    }


DOOR = Door(Subscription, row, rank)
ITEMS = Family("items", "subscription_id", Door(SubscriptionItem, item_row, rank=lambda _item: 0))


def save_all(objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    return ITEMS.save(DOOR.save(objects, news), objects, news)
