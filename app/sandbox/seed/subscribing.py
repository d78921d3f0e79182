"""Subscriptions: who takes one out, changes it, and ends it. What they are billed is told in `billing`."""

from __future__ import annotations

from typing import Any

from app.sandbox.billing import subscription_changes, subscription_create, subscription_ends, subscription_pauses
from app.sandbox.params import Obj
from app.sandbox.seed import bank, billing, joining, paying
from app.sandbox.seed.people import Buyer
from app.sandbox.seed.shop import DAY, Shop
from app.sandbox.seed.tariffs import CURRENCIES, Tariff, choose

SUBSCRIBERS = 0.2
SENT = 0.4
"""So many of the offices want an invoice rather than to be charged."""
YEARLY_ENDS = 0.5
REASONS = (
    "too_expensive",
    "unused",
    "switched_service",
    "missing_features",
    "customer_service",
    "other",
    "too_complex",
)


def consider(shop: Shop, buyer: Buyer) -> None:
    """A customer who likes it here."""
    if buyer.id and not buyer.gone and buyer.country.currency in CURRENCIES:
        start(shop, buyer, choose(shop.rng, shop.catalogue.tariffs))


def start(shop: Shop, buyer: Buyer, tariff: Tariff, *, mood: dict[str, Any] | None = None, **given: Any) -> str | None:
    """A new subscription; `mood` is what the bank says to its first payment (by chance when None). Answers its id."""
    rng = shop.rng
    params = _order(shop, buyer, tariff, given)
    if params.get("collection_method") != "send_invoice":
        params["default_payment_method"] = buyer.method or new_card(shop, buyer)
    if mood is None:
        mood = {} if buyer.by_debit else bank.mood(rng, buyer.country.code, refuses=0.05, on_session=True)
    with bank.says(buyer.card.mark, **mood):
        made = shop.stage.call(subscription_create.create, params)
    shop.subscribers[made["id"]] = buyer
    if mood.get("declines") and not made["trial_end"]:
        if given.get("stays") != "incomplete" and rng.random() < 0.6:
            shop.after(rng.randint(60, 3_000), billing.pay_otherwise, made["latest_invoice"])
    else:
        billing.after_try(shop, made["latest_invoice"])
    if not given:
        _plan_life(shop, made["id"], tariff)
    return str(made["id"])


def new_card(shop: Shop, buyer: Buyer) -> str:
    """Saved for good, with a SetupIntent, and charged from now on."""
    method = paying.new_card_method(shop, buyer, buyer.card)
    joining.set_up(shop, buyer, method)
    joining.make_default(shop, buyer, method)
    return method


def _order(shop: Shop, buyer: Buyer, tariff: Tariff, given: dict[str, Any]) -> dict[str, Any]:
    rng = shop.rng
    seats = rng.choices((1, 2, 3, 5, 8), (40, 26, 18, 10, 6))[0] if tariff.by_seats else 1
    params: dict[str, Any] = {
        "customer": buyer.id,
        "items": [{"price": tariff.prices[buyer.country.currency], "quantity": str(seats)}],
        "metadata": {"tariff": tariff.product},
    }
    params |= {name: value for name, value in given.items() if name != "stays"}
    if given:
        return params
    if tariff.by_seats and rng.random() < SENT:
        params |= {"collection_method": "send_invoice", "days_until_due": rng.choice(("14", "30"))}
    elif tariff.trial and rng.random() < 0.4:
        params["trial_period_days"] = str(tariff.trial)
    return params


def _plan_life(shop: Shop, subscription: str, tariff: Tariff) -> None:
    """Most stay for many months; some take more seats, some pause."""
    rng = shop.rng
    stays = rng.expovariate(1 / 290) * DAY
    if rng.random() < (YEARLY_ENDS if tariff.interval == "year" else 0.75):
        shop.after(stays, leave, subscription, rng.random() < 0.75)
    if tariff.by_seats and rng.random() < 0.35:
        shop.after(rng.uniform(20, 200) * DAY, change_seats, subscription)
    if rng.random() < 0.06:
        away = rng.uniform(15, 150) * DAY
        shop.after(away, pause, subscription)
        shop.after(away + rng.uniform(10, 70) * DAY, resume, subscription)


def leave(shop: Shop, subscription: str, at_end: bool) -> None:
    """At the end of the period, or at once."""
    if _now(shop, subscription)["status"] not in ("active", "trialing", "past_due"):
        return
    why = {"feedback": shop.rng.choice(REASONS)}
    if at_end:
        given = {"cancel_at_period_end": "true", "cancellation_details": why}
        shop.stage.call(subscription_changes.update, given, id=subscription)
    else:
        shop.stage.call(subscription_ends.cancel, {"cancellation_details": why}, id=subscription)


def change_seats(shop: Shop, subscription: str) -> None:
    """More or fewer, with the difference on the next invoice."""
    found = _now(shop, subscription)
    if found["status"] != "active":
        return
    item = found["items"]["data"][0]
    seats = max(item["quantity"] + shop.rng.choice((-1, 1, 1, 2, 3)), 1)
    shop.stage.call(
        subscription_changes.update, {"items": [{"id": item["id"], "quantity": str(seats)}]}, id=subscription
    )


def pause(shop: Shop, subscription: str) -> None:
    if _now(shop, subscription)["status"] == "active":
        unused = {"unused_time_from": {"type": "none"}}
        shop.stage.call(subscription_pauses.pause, {"type": "subscription", "bill_for": unused}, id=subscription)


def resume(shop: Shop, subscription: str) -> None:
    if _now(shop, subscription)["status"] == "paused":
        made = shop.stage.call(subscription_pauses.resume, {}, id=subscription)
        billing.after_try(shop, made["latest_invoice"])


def _now(shop: Shop, subscription: str) -> Obj:
    found = shop.stage.require("subscription", subscription)
    customer = shop.stage.require("customer", found["customer"])
    return {**found, "status": "canceled"} if customer.get("deleted") else found
