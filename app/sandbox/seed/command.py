"""`python -m app.sandbox seed`: fill the world with a believable shop, all of it or nothing."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from app.sandbox import routes, schema
from app.sandbox.resources.ledger import locked_totals
from app.sandbox.seed import catalogue, story
from app.sandbox.seed.shop import DAY, HOUR, Plan, Shop
from app.sandbox.seed.stage import QuietWorld, Stage
from app.sandbox.tx import About, Tx
from app.sandbox.world import World

EVENTS_ARE_KEPT = 30 * DAY
DAYS_OF_A_MONTH = 30.4375
LARGE = 50_000
"""Purchases."""


def run(world: World, *, customers: int, months: int, seed: int, until: int | None = None) -> int:
    """Exit code. `until` (Unix seconds, default the last full hour of the world clock) is the shop's present."""
    routes.discover()
    if customers < 1 or months < 1:
        sys.stderr.write("A shop has at least one customer and one month.\n")
        return 2
    end = world.now // HOUR * HOUR if until is None else until
    start = (end - int(months * DAYS_OF_A_MONTH * DAY)) // DAY * DAY
    plan = Plan(customers, months, seed, start, end)
    began = time.monotonic()
    with world.transaction(About(now=end)) as tx:
        shop = _open(tx, world, plan)
        if shop is None:
            sys.stderr.write("This very shop is there already. Another --seed makes another one.\n")
            return 1
        with _quick_way(tx, plan):
            story.tell(shop, _progress())
            _hand_over(tx, shop.stage)
        _summary(tx, plan, time.monotonic() - began)
    with world.transaction() as tx:
        tx.cursor.execute("ANALYZE objects")
    return 0


def _open(tx: Tx, world: World, plan: Plan) -> Shop | None:
    words = f"{plan.seed}/{plan.customers}/{plan.months}/{plan.until}"
    rng = random.Random(words)  # noqa: S311 - it must be repeatable
    quiet = QuietWorld(random.Random(f"{words}/ids"), world.default_version)  # noqa: S311
    events_from = plan.until - EVENTS_ARE_KEPT
    stage = Stage(quiet, tx.cursor.connection, now=plan.start, events_from=events_from, rng=rng)
    offer = catalogue.open_catalogue(stage)
    first = next(iter(stage.keys("product")))
    if tx.get("product", first) is not None:
        return None
    return Shop(stage, rng, plan, offer)


def _quick_way(tx: Tx, plan: Plan) -> AbstractContextManager[None]:
    """A large shop in an empty world gets its indexes at the end; any other shares the store with whoever uses it."""
    tx.cursor.execute("SELECT 1 FROM objects LIMIT 1")
    alone = plan.purchases >= LARGE and tx.cursor.fetchone() is None
    return schema.without_indexes(tx.cursor) if alone else nullcontext()


def _hand_over(tx: Tx, stage: Stage) -> None:
    """Everything into the store, and what this shop owns and expects on top of what the world had before."""
    for totals in stage.find("sandbox.totals"):
        stage.take("sandbox.totals", totals["id"])
        known = locked_totals(tx, totals["id"])
        for name in ("available", "pending", "gross"):
            known[name] += totals[name]
        known["days"] = sorted({*known["days"], *totals["days"]})
        tx.put(known)
    schedule = stage.take("sandbox.schedule", "payouts")
    if schedule is not None:
        tx.put(schedule)
    stage.release(everything=True)
    for at, _, what, arguments in sorted(stage.timers, key=lambda timer: timer[:2]):
        if isinstance(what, str):
            tx.later(at, what, **arguments)
    tx.flush()


def _progress() -> Callable[[Shop], None]:
    """A line on the terminal that moves with the shop's days; silence anywhere else."""
    if not sys.stderr.isatty():
        return lambda _: None
    shown = 0

    def show(shop: Shop) -> None:
        nonlocal shown
        day = shop.now // DAY
        if day != shown:
            shown = day
            plan = shop.plan
            part = (shop.now - plan.start) / (plan.until - plan.start)
            date = datetime.fromtimestamp(shop.now, UTC)
            end = "\n" if part >= 1 else ""
            sys.stderr.write(f"\r  {date:%Y-%m-%d}  {part:4.0%}  {shop.stage.made['charge']:,} charges{end}")
            sys.stderr.flush()

    return show


def _summary(tx: Tx, plan: Plan, seconds: float) -> None:
    """What the sandbox holds now, earlier shops included."""
    tx.cursor.execute("SET LOCAL enable_seqscan = on")
    tx.cursor.execute("SELECT kind, count(*) FROM objects WHERE kind NOT LIKE 'sandbox.%' GROUP BY kind ORDER BY kind")
    kinds = tx.cursor.fetchall()
    tx.cursor.execute(
        "SELECT currency, status, count(*) FROM objects WHERE kind = 'charge' GROUP BY currency, status ORDER BY 1, 2"
    )
    charges = tx.cursor.fetchall()
    tx.cursor.execute("SELECT status, count(*) FROM objects WHERE kind = 'dispute' GROUP BY status ORDER BY status")
    disputes = tx.cursor.fetchall()
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (plan.start, plan.until))
    lines = [f"A shop from {first:%Y-%m-%d} to {last:%Y-%m-%d %H:%M} UTC, made in {seconds:.1f} s. There are now:"]
    lines += [f"  {count:>9,}  {kind}" for kind, count in kinds]
    lines += ["Charges:"] + [f"  {count:>9,}  {currency} {status}" for currency, status, count in charges]
    lines += ["Disputes:"] + [f"  {count:>9,}  {status}" for status, count in disputes]
    print("\n".join(lines))  # noqa: T201 - this is what the command answers
