"""Lists of subscriptions, and subscription items one by one."""

from __future__ import annotations

from typing import Any

from app.sandbox.billing import subscription_shapes
from app.sandbox.billing.subscription_changes import change, the_subscription
from app.sandbox.billing.subscription_ends import check_alive
from app.sandbox.errors import invalid, missing
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, boolean, hash_of, text
from app.sandbox.routes import route
from app.sandbox.tx import Tx

STATUSES = (
    "active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid",
)  # fmt: skip
TIMING = ("payment_behavior", "proration_behavior", "proration_date")
ITEM = (
    "billing_thresholds", "current_trial", "discounts", "metadata", "plan", "price", "price_data", "quantity", "tax_rates",
)  # fmt: skip


@route("GET", "/v1/subscriptions")
def all_subscriptions(tx: Tx) -> Obj | RawJson:
    """Those that are canceled only when `status` asks for them."""
    where: list[tuple[str, Any]] = []
    status = text(tx.params, "status")
    if status not in (None, *STATUSES):
        raise invalid(f"Invalid status: must be one of {', '.join(STATUSES)}", param="status")
    if status == "ended":
        where.append(("status = ANY(%s)", ["canceled", "incomplete_expired"]))
    elif status is None:
        where.append(("status <> %s", "canceled"))
    elif status != "all":
        where.append(("status = %s", status))
    where += [(_HAS_PRICE, str(tx.params[name])) for name in ("price", "plan") if text(tx.params, name)]
    automatic = hash_of(tx.params, "automatic_tax").get("enabled")
    if automatic == "true":
        where.append(("status = %s", "none has automatic tax"))
    return list_page(tx, "subscription", where=where, also=("status", "price", "plan", "automatic_tax"))


_HAS_PRICE = (
    "EXISTS (SELECT 1 FROM objects item WHERE item.kind = 'subscription_item' AND item.subscription = objects.id "
    "AND item.price = %s)"
)


@route("POST", "/v1/subscription_items")
def create_item(tx: Tx) -> Obj:
    allow(tx.params, *ITEM, *TIMING, "subscription")
    named = text(tx.params, "subscription")
    if named is None:
        raise missing("subscription")
    known = {
        one["id"] for one in subscription_shapes.items_of(tx, tx.require("subscription", named, param="subscription"))
    }
    after = _change(tx, named, {name: tx.params[name] for name in ITEM if name in tx.params})
    return next(one for one in after if one["id"] not in known)


@route("POST", "/v1/subscription_items/{id}")
def update_item(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *ITEM, *TIMING, "off_session")
    item = tx.require("subscription_item", id, lock=False)
    wish = {name: tx.params[name] for name in ITEM if name in tx.params}
    after = _change(tx, item["subscription"], {"id": id, **wish})
    return next(one for one in after if one["id"] == id)


@route("DELETE", "/v1/subscription_items/{id}")
def delete_item(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *TIMING, "clear_usage")
    boolean(tx.params, "clear_usage")
    item = tx.require("subscription_item", id, lock=False)
    _change(tx, item["subscription"], {"id": id, "deleted": "true"})
    return {"id": id, "object": "subscription_item", "deleted": True}


def _change(tx: Tx, subscription_id: str, wish: Obj) -> list[Obj]:
    """As an update of the whole subscription would do it; its items afterwards."""
    subscription = the_subscription(tx, subscription_id)
    check_alive(subscription)
    timing = {name: tx.params[name] for name in TIMING if name in tx.params}
    changed = change(tx, {"items": [wish], **timing}, subscription)
    return subscription_shapes.items_of(tx, changed)
