"""What callers say about a subscription: its items, its trial, the day it bills on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.sandbox.billing import discounts, paying, periods
from app.sandbox.billing.invoice_input import days_until_due
from app.sandbox.billing.prices import inline, the_price, trial_days
from app.sandbox.billing.subscription_shapes import item, priced
from app.sandbox.billing.tax_rates import rates
from app.sandbox.errors import invalid, missing
from app.sandbox.params import (
    Obj,
    Params,
    allow,
    boolean,
    choice,
    hash_of,
    integer,
    list_of,
    metadata,
    text,
    to_moment,
)
from app.sandbox.tx import Tx

DAY = 86_400
ITEM_PARAMS = (
    "billing_thresholds", "current_trial", "discounts", "metadata", "plan", "price", "price_data", "quantity", "tax_rates",
)  # fmt: skip
SETTINGS = (
    "application_fee_percent", "automatic_tax", "billing_schedules", "billing_thresholds", "collection_method",
    "days_until_due", "default_payment_method", "default_source", "default_tax_rates", "description", "discounts",
    "coupon", "promotion_code", "invoice_settings", "metadata", "off_session", "on_behalf_of", "payment_settings",
    "pending_invoice_item_interval", "transfer_data", "trial_settings",
)  # fmt: skip
ANCHOR_PARTS = {"month": (1, 12), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}
MISSING = ("cancel", "create_invoice", "pause")


def new_item(tx: Tx, subscription: str, wish: Any, customer: Obj, number: int = 0) -> Obj:
    """One of `items`, as a new item."""
    if not isinstance(wish, Mapping):
        raise invalid("Invalid object", param=f"items[{number}]")
    allow(wish, *ITEM_PARAMS, "id", "deleted", "clear_usage")
    price = price_of(tx, wish, f"items[{number}]")
    if price is None:
        raise missing(f"items[{number}][price]")
    made = item(tx, subscription, price, _quantity(wish, price, 1))
    describe_item(tx, wish, made, customer)
    return made


def price_of(tx: Tx, wish: Mapping[str, Any], at: str) -> Obj | None:
    """The recurring price an item names, makes on the way, or does not speak of."""
    named = text(wish, "price") or text(wish, "plan")
    if named is None and not hash_of(wish, "price_data"):
        return None
    price = the_price(tx, named, f"{at}[price]") if named else inline(tx, wish, at)
    if price["type"] != "recurring":
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=f"{at}[price]",
        )
    return price


def describe_item(tx: Tx, wish: Mapping[str, Any], one: Obj, customer: Obj) -> None:
    """Everything of an item but its price; a quantity stays when nothing was said."""
    if "quantity" in wish:
        one["quantity"] = _quantity(wish, one["price"], one["quantity"])
    one["metadata"] = metadata(wish, one["metadata"])
    if "tax_rates" in wish:
        one["tax_rates"] = rates(tx, wish.get("tax_rates"), "items[tax_rates]")
    one["discounts"] = discounts.given(tx, wish, customer, one["discounts"], subscription_item=one["id"])


def reprice(tx: Tx, wish: Mapping[str, Any], one: Obj, number: int) -> None:
    price = price_of(tx, wish, f"items[{number}]")
    if price is not None:
        one.update(priced(price))
        one["quantity"] = _quantity(wish, price, one["quantity"] or 1)


def check_items(every: list[Obj], currency: str) -> None:
    if not every:
        raise invalid("A subscription must have at least one item.", param="items")
    seen = set()
    for one in every:
        price = one["price"]
        if price["currency"] != currency:
            raise invalid(
                "The price specified only supports `"
                + price["currency"]
                + f"`. This doesn't match the expected currency: "
                f"`{currency}`.",
                param="items",
            )
        if price["id"] in seen:
            raise invalid(f"Cannot add multiple subscription items with the same plan: {price['id']}", param="items")
        seen.add(price["id"])


def apply_settings(tx: Tx, params: Params, subscription: Obj, customer: Obj) -> None:
    """What may be said at creation and at any time after it."""
    subscription["metadata"] = metadata(params, subscription["metadata"])
    if "description" in params:
        subscription["description"] = text(params, "description", limit=500)
    way = choice(params, "collection_method", ("charge_automatically", "send_invoice"))
    subscription["collection_method"] = way or subscription["collection_method"]
    _apply_due(params, subscription)
    if "default_payment_method" in params:
        named = text(params, "default_payment_method")
        subscription["default_payment_method"] = (
            paying.owned(tx, named, customer, "default_payment_method")["id"] if named else None
        )
    if "default_source" in params:
        subscription["default_source"] = text(params, "default_source")
    if "default_tax_rates" in params:
        subscription["default_tax_rates"] = rates(tx, params.get("default_tax_rates"), "default_tax_rates")
    _apply_discounts(tx, params, subscription, customer)
    given = hash_of(params, "payment_settings")
    for name in ("payment_method_types", "payment_method_options", "save_default_payment_method"):
        if name in given:
            subscription["payment_settings"][name] = given[name] or None
    texts = hash_of(params, "invoice_settings")
    for name in ("description", "footer"):
        if name in texts:
            subscription["invoice_settings"][name] = text(texts, name)
    ending = hash_of(hash_of(params, "trial_settings"), "end_behavior")
    wish = choice(ending, "missing_payment_method", MISSING)
    if wish:
        subscription["trial_settings"] = {
            "end_behavior": {"billing_cycle_anchor": None, "missing_payment_method": wish}
        }


def trial_end(tx: Tx, params: Params, every: list[Obj]) -> int | None:
    """When the trial of a new subscription ends; None without one."""
    days = trial_days(params)
    given = text(params, "trial_end")
    if given and days is not None:
        raise invalid("You may only specify one of these parameters: trial_end, trial_period_days.")
    if given and given != "now":
        at = to_moment(given, "trial_end")
        if at <= tx.now:
            raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", param="trial_end")
        return at
    if not given and days is None and boolean(params, "trial_from_plan"):
        days = max((one["price"]["recurring"]["trial_period_days"] or 0 for one in every), default=0)
    return tx.now + days * DAY if days else None


def anchor(tx: Tx, params: Params, subscription: Obj, every: list[Obj]) -> int:
    """`billing_cycle_anchor` of a new subscription without a trial; its day of the month by `…_config`."""
    given, config = integer(params, "billing_cycle_anchor"), hash_of(params, "billing_cycle_anchor_config")
    if given is not None:
        first = every[0]["price"]["recurring"]
        latest = periods.add(tx.now, first["interval"], first["interval_count"])
        if not tx.now <= given <= latest:
            raise invalid(
                "billing_cycle_anchor cannot be later than next natural billing date for plan.",
                param="billing_cycle_anchor",
            )
        return given
    if not config:
        return tx.now
    day = integer(config, "day_of_month", least=1)
    if day is None or day > 31:
        raise invalid("day_of_month must be between 1 and 31.", param="billing_cycle_anchor_config[day_of_month]")
    now = datetime.fromtimestamp(tx.now, UTC)
    parts = {name: integer(config, name) for name in ANCHOR_PARTS}
    for name, (least, most) in ANCHOR_PARTS.items():
        if parts[name] is not None and not least <= (parts[name] or 0) <= most:
            raise invalid(f"{name} must be between {least} and {most}.", param=f"billing_cycle_anchor_config[{name}]")
    subscription["billing_cycle_anchor_config"] = {"day_of_month": day, **parts}
    hour, minute, second = (
        int(getattr(now, name) if parts[name] is None else parts[name] or 0) for name in ("hour", "minute", "second")
    )
    start = now.replace(day=1, month=parts["month"] or now.month, hour=hour, minute=minute, second=second)
    step = "year" if parts["month"] else "month"
    found = periods.around(tx.now, int(start.timestamp()), step, 1, day=day)
    return found[0] if found[0] == tx.now else found[1]


def _quantity(wish: Mapping[str, Any], price: Obj, default: int | None) -> int | None:
    if price["recurring"]["usage_type"] == "metered":
        return None
    given = integer(wish, "quantity", least=0)
    return default if given is None else given


def _apply_due(params: Params, subscription: Obj) -> None:
    days = days_until_due(params)
    if subscription["collection_method"] == "charge_automatically":
        if days is not None:
            raise invalid(
                "You cannot set `days_until_due` if `collection_method` is `charge_automatically`.",
                param="days_until_due",
            )
        subscription["days_until_due"] = None
    else:
        subscription["days_until_due"] = days if days is not None else subscription["days_until_due"]
        if subscription["days_until_due"] is None:
            raise missing("days_until_due")


def _apply_discounts(tx: Tx, params: Params, subscription: Obj, customer: Obj) -> None:
    """`discounts`, or `coupon` and `promotion_code` as older programs say it."""
    wishes = list_of(params, "discounts")
    for name in ("coupon", "promotion_code"):
        if params.get(name):
            wishes = [*wishes, {name: str(params[name])}]
    said = {"discounts": wishes} if wishes else {"discounts": ""} if params.get("discounts") == "" else {}
    subscription["discounts"] = discounts.given(
        tx, said, customer, subscription["discounts"], subscription=subscription["id"]
    )
