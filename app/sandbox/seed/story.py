"""The story of a shop, day by day: who comes, who buys, when the bank pays out, and what a small shop must not lack."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from app.sandbox import routes
from app.sandbox.errors import StripeError
from app.sandbox.resources import payout_moves
from app.sandbox.seed import billing, complaining, joining, movements, promising, refunding, season, subscribing
from app.sandbox.seed.people import new_buyer
from app.sandbox.seed.shop import DAY, Shop, spread

GUESTS = 0.05
PAYOUTS_AT = 600  # ten past midnight UTC
PAID_DAILY = ("usd", "eur")
PAID_WEEKLY = ("gbp",)

# (days before the end, story of a dispute, its further course as days after its beginning)
_CASES: tuple[tuple[float, str, tuple[tuple[float, str], ...]], ...] = (
    (28.0, "appeal", ((2, "accept"), (9, "appeal"), (13, "answer"))),
    (27.5, "chargeback", ((3, "answer"), (22, "win"))),
    (27.0, "inquiry", ((2, "answer"), (16, "settle_inquiry"))),
    (26.5, "chargeback", ((4, "accept"),)),
    (25.0, "appeal", ((4, "accept"), (21, "appeal"))),
    (19.0, "chargeback", ((6, "answer"),)),
    (11.0, "inquiry", ((3, "answer"),)),
    (8.1, "prevented", ()),
    (7.6, "chargeback", ()),
    (5.4, "chargeback", ()),
    (3.2, "inquiry", ()),
    (2.3, "chargeback", ()),
    (0.4, "chargeback", ()),
)

_REFUNDS = ((20.0, "fail"), (15.0, None), (10.0, None), (5.0, None), (2.5, None), (1.2, "pending"))


def tell(shop: Shop, progress: Callable[[Shop], None]) -> None:
    """Let everything happen that happens until the end of the plan."""
    plan = shop.plan
    days = range(plan.start, plan.until, DAY)
    busy = [season.weight(day, plan.start, plan.until) for day in days]
    arrivals = spread(plan.customers, _arriving(busy))
    again = spread(max(plan.purchases - round(plan.customers * 0.88), 0), busy)
    for day, newcomers, purchases in zip(days, arrivals, again, strict=True):
        shop.on(day, begin_day, newcomers, purchases)
    _promise_everything(shop)
    _run(shop, progress)
    payout_moves.schedule(shop.stage, daily=True)


def begin_day(shop: Shop, newcomers: int, purchases: int) -> None:
    """What is going to happen today."""
    day, rng = shop.now, shop.rng
    for _ in range(newcomers):
        newcomer = new_buyer(rng, shop.next_number())
        moment = season.moment(rng, day, newcomer.country.hours)
        moment = moment if moment <= shop.plan.until else rng.randint(day, shop.plan.until)
        shop.on(moment, joining.sign_up, newcomer)
        if rng.random() < subscribing.SUBSCRIBERS:
            shop.on(int(moment + (0.2 + rng.expovariate(1 / 20)) * DAY), subscribing.consider, newcomer)
    for _ in range(purchases):
        buyer = joining.stranger(shop) if rng.random() < GUESTS else shop.somebody()
        shop.on(season.moment(rng, day, buyer.country.hours if buyer else 0), joining.come_by, buyer)
    if rng.random() < shop.plan.customers / 60_000:
        shop.on(season.moment(rng, day, 0), joining.leave)
    weekday = (day // DAY + 3) % 7  # 0 is Monday
    if weekday < 5:
        shop.on(day + PAYOUTS_AT, pay_out, PAID_DAILY if weekday else PAID_DAILY + PAID_WEEKLY)


def pay_out(shop: Shop, currencies: tuple[str, ...]) -> None:
    """The automatic payouts of this morning; the bank refuses one in two hundred."""
    for currency in currencies:
        payout = movements.pay_out(shop.stage, currency)
        if payout is None:
            continue
        shop.payouts.append(payout["id"])
        if shop.rng.random() < 0.005:
            shop.on(payout["arrival_date"] + 6 * 3_600, send_back, payout["id"])


def send_back(shop: Shop, payout_id: str) -> None:
    payout = shop.stage.require("payout", payout_id)
    if payout["status"] not in ("failed", "canceled"):
        payout_moves.fail(shop.stage, payout, shop.rng.choice(("account_closed", "could_not_process", "no_account")))


def _arriving(busy: list[float]) -> list[float]:
    """A shop does not begin with nobody: an eighth of all customers come in its first three days."""
    first = sum(busy) / 8 / 3 if len(busy) > 3 else 0.0
    return [weight + (first if number < 3 else 0.0) for number, weight in enumerate(busy)]


def _promise_everything(shop: Shop) -> None:
    """One of each kind, however small the shop: chance alone would leave some out."""
    end = shop.plan.until
    for days, story, ends in _CASES:
        shop.on(int(end - days * DAY), complaining.complain_about_newest, story, ends)
    for days, mood in _REFUNDS:
        shop.on(int(end - days * DAY), refunding.give_back_newest, mood)
    shop.on(end - 4 * DAY, complaining.warn_about_newest)
    shop.on(end - 13 * DAY, _send_back_newest)
    promising.promise_subscriptions(shop)


def _send_back_newest(shop: Shop) -> None:
    """A payout that comes back."""
    if shop.payouts:
        send_back(shop, shop.payouts[-1])


def _run(shop: Shop, progress: Callable[[Shop], None]) -> None:
    stage, until = shop.stage, shop.plan.until
    while stage.timers and stage.timers[0][0] <= until:
        stage.now, _, what, arguments = heapq.heappop(stage.timers)
        if not isinstance(what, str):
            what(*arguments)
        elif what == "funds_available":
            movements.become_available(stage, **arguments)
        else:
            _ring(shop, what, arguments)
        stage.release()
        progress(shop)
    stage.now = until


def _ring(shop: Shop, task: str, arguments: dict[str, object]) -> None:
    found = routes.task(task)
    if found is None:
        raise LookupError(task)
    try:
        if not billing.ring(shop, task, found, arguments):
            found(shop.stage, **arguments)
    except StripeError as refusal:  # as in a running sandbox: a timer that is refused is over
        if refusal.commit:
            return
