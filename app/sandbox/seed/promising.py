"""A subscription of every kind, however small the shop: chance alone would leave some out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.sandbox.seed import billing, joining, subscribing
from app.sandbox.seed.people import Buyer
from app.sandbox.seed.shop import DAY, HOUR, Shop
from app.sandbox.seed.tariffs import CURRENCIES, choose

EMPTY = {"declines": "insufficient_funds"}


def promise_subscriptions(shop: Shop) -> None:
    """All within the last month, so that they fit into the youngest shop."""
    end = shop.plan.until
    for days, story in _STORIES:
        shop.on(int(end - days * DAY), story)


def _customer(shop: Shop, *, by_debit: bool = False) -> Buyer | None:
    """Somebody who pays by card (or in euros, for a debit), rather one without a subscription."""
    busy = {buyer.id for buyer in shop.subscribers.values()}
    able = [
        buyer
        for buyer in shop.buyers
        if not buyer.gone
        and buyer.country.currency in CURRENCIES
        and (buyer.country.debits if by_debit else not buyer.by_debit)
    ]
    return next((buyer for buyer in able if buyer.id not in busy), able[0] if able else None)


def _begin(
    shop: Shop,
    again: Callable[[Shop], None],
    *,
    interval: str = "week",
    by_debit: bool = False,
    mood: dict[str, Any] | None = None,
    **given: Any,
) -> str | None:
    """A subscription of that interval; None, and another try later, while there is nobody to take it out."""
    buyer = _customer(shop, by_debit=by_debit)
    if buyer is None:
        shop.after(6 * HOUR, again)
        return None
    if by_debit and not buyer.by_debit:
        buyer.by_debit, buyer.method = True, None
    if by_debit and not buyer.method:
        joining.save_account(shop, buyer)
    # Whoever carries a promised subscription does not ask to be forgotten.
    buyer.stays = True
    tariff = choose(shop.rng, shop.catalogue.tariffs, interval=interval)
    return subscribing.start(shop, buyer, tariff, mood=mood or {}, **{"metadata": {"tariff": tariff.product}, **given})


def renewed(shop: Shop) -> None:
    _begin(shop, renewed)


def yearly(shop: Shop) -> None:
    _begin(shop, yearly, interval="year")


def monthly(shop: Shop) -> None:
    _begin(shop, monthly, interval="month")


def debited(shop: Shop) -> None:
    _begin(shop, debited, by_debit=True)


def tried(shop: Shop) -> None:
    _begin(shop, tried, interval="month", trial_period_days="14")


def late(shop: Shop) -> None:
    """past_due or unpaid, by how long ago it began."""
    made = _begin(shop, late)
    if made:
        shop.refused[made] = EMPTY


def ended(shop: Shop) -> None:
    made = _begin(shop, ended)
    if made:
        shop.after(9.5 * DAY, subscribing.leave, made, False)


def ending(shop: Shop) -> None:
    made = _begin(shop, ending, interval="month")
    if made:
        shop.after(2 * DAY, subscribing.leave, made, True)


def paused(shop: Shop) -> None:
    made = _begin(shop, paused)
    if made:
        # Before it is renewed, which may be refused; and another one if even the first payment was.
        shop.after(DAY, _pause_or_again, made)


def _pause_or_again(shop: Shop, subscription: str) -> None:
    if shop.stage.require("subscription", subscription)["status"] == "active":
        subscribing.pause(shop, subscription)
    else:
        paused(shop)


def incomplete(shop: Shop) -> None:
    """For 23 hours; then it has expired."""
    _begin(shop, incomplete, mood=EMPTY, stays="incomplete")


def sent(shop: Shop) -> None:
    _begin(shop, sent, collection_method="send_invoice", days_until_due="7")


def sent_and(what: Callable[[Shop, str], None], days: float) -> Callable[[Shop], None]:
    """An invoice sent by e-mail with which this happens after so many days."""

    def story(shop: Shop) -> None:
        made = _begin(shop, story, interval="month", collection_method="send_invoice", days_until_due="7")
        if made:
            shop.refused[made] = {}
            shop.after(days * DAY, what, shop.stage.require("subscription", made)["latest_invoice"])

    return story


def credited(into: str) -> Callable[[Shop], None]:
    """Part of a paid invoice goes back: to the card (`refund_amount`), or into the balance (`credit_amount`)."""

    def story(shop: Shop) -> None:
        made = _begin(shop, story)
        if made:
            shop.after(2 * DAY, _credit_or_again, made, into)

    return story


def _credit_or_again(shop: Shop, subscription: str, into: str) -> None:
    invoice = shop.stage.require("subscription", subscription)["latest_invoice"]
    if shop.stage.require("invoice", invoice)["status"] == "paid":
        billing.credit(shop, invoice, into)
    else:
        credited(into)(shop)


_STORIES: tuple[tuple[float, Callable[[Shop], None]], ...] = (
    (26.0, late),
    (25.8, renewed),
    (25.0, sent_and(billing.write_off, 12)),
    (24.0, sent_and(billing.void, 0.5)),
    (23.5, ended),
    (23.0, sent_and(billing.credit, 0.2)),
    (22.5, sent_and(billing.pay_on_page, 2)),
    (22.0, debited),
    (21.5, yearly),
    (21.0, paused),
    (20.0, credited("refund_amount")),
    (19.5, ending),
    (19.0, credited("credit_amount")),
    (18.0, monthly),
    (9.0, late),
    (6.0, tried),
    (4.0, incomplete),
    (3.0, sent),
    (0.5, incomplete),
)
