"""Test clocks: a time of their own for some customers and everything that is billed to them.

Subscriptions, invoices and the payments for them live in that time. Events are stamped, and money moves, in the world's.
"""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid, missing
from app.sandbox.params import Obj, allow, moment, text
from app.sandbox.routes import route, timer
from app.sandbox.tx import Tx

DAY = 86_400
KEPT_DAYS = 30
FARTHEST_YEARS = 2


@route("POST", "/v1/test_helpers/test_clocks")
def create(tx: Tx) -> Obj:
    allow(tx.params, "frozen_time", "name")
    frozen = moment(tx.params, "frozen_time")
    if frozen is None:
        raise missing("frozen_time")
    clock: Obj = {
        "id": tx.new_id("clock_"),
        "object": "test_helpers.test_clock",
        "created": tx.now,
        "deletes_after": tx.now + KEPT_DAYS * DAY,
        "frozen_time": frozen,
        "livemode": False,
        "name": text(tx.params, "name", limit=300),
        "status": "ready",
        "status_details": {},
    }
    tx.put(clock)
    tx.later(clock["deletes_after"], "test_clock_is_old", clock=clock["id"])
    tx.emit("test_helpers.test_clock.created", clock)
    return clock


@route("POST", "/v1/test_helpers/test_clocks/{id}/advance")
def advance(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Answers at once with `advancing`; what falls due on the way happens in the background, then it is `ready`."""
    allow(tx.params, "frozen_time")
    to = moment(tx.params, "frozen_time")
    if to is None:
        raise missing("frozen_time")
    clock = tx.require("test_helpers.test_clock", id)
    check_ready(clock)
    if to <= clock["frozen_time"]:
        raise invalid("The `frozen_time` must be after the clock's current `frozen_time`.", param="frozen_time")
    if to - clock["frozen_time"] > FARTHEST_YEARS * 366 * DAY:
        raise invalid("Test clocks can be advanced by two years at most.", param="frozen_time")
    clock.update(status="advancing", status_details={"advancing": {"target_frozen_time": to}})
    tx.put(clock)
    tx.emit("test_helpers.test_clock.advancing", clock)
    tx.later(tx.now, "test_clock_sets_out")
    return clock


@route("DELETE", "/v1/test_helpers/test_clocks/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    """With all its customers, whose subscriptions end."""
    allow(tx.params)
    clock = tx.require("test_helpers.test_clock", id)
    check_ready(clock)
    _delete(tx, clock)
    return {"id": id, "object": "test_helpers.test_clock", "deleted": True}


def check_ready(clock: Obj) -> None:
    if clock["status"] == "advancing":
        raise StripeError(
            "Test clock advancement underway - cannot perform modifications.", status=429, code="rate_limit"
        )


def enter(tx: Tx, holder: Obj) -> None:
    """Live in the time of this customer's, subscription's or invoice's test clock, if it has one.

    Nobody may change what belongs to a clock while it advances, except its own timers.
    """
    clock_id = holder.get("test_clock")
    if clock_id is None or tx.clock == clock_id:
        return
    clock = tx.require("test_helpers.test_clock", clock_id, lock=False)
    check_ready(clock)
    tx.enter_clock(clock_id, clock["frozen_time"])


def customer_in_time(tx: Tx, customer_id: str, *, lock: bool = False) -> Obj:
    """A live customer, whose time the request lives in from now on."""
    from app.sandbox.resources.payment_methods import live_customer

    customer = live_customer(tx, customer_id, lock=lock)
    enter(tx, customer)
    return customer


@timer("test_clock_sets_out")
def sets_out(tx: Tx) -> None:
    """Nothing to do but to wake who moves the clocks."""


@timer("test_clock_arrived")
def arrived(tx: Tx, clock: str) -> None:
    found = tx.require("test_helpers.test_clock", clock)
    if found["status"] != "advancing":
        return
    target = found["status_details"]["advancing"]["target_frozen_time"]
    found.update(status="ready", frozen_time=target, status_details={})
    tx.put(found)
    tx.emit("test_helpers.test_clock.ready", found)


@timer("test_clock_is_old")
def is_old(tx: Tx, clock: str) -> None:
    found = tx.get("test_helpers.test_clock", clock, lock=True)
    if found and not found.get("deleted"):
        _delete(tx, found)


def _delete(tx: Tx, clock: Obj) -> None:
    from app.sandbox.resources.customers import remove  # customers know clocks

    for customer in tx.find("customer", test_clock=clock["id"]):
        remove(tx, tx.require("customer", customer["id"]))
    tx.flush()
    tx.cursor.execute("DELETE FROM timers WHERE clock = %s", (clock["id"],))
    tx.remove("test_helpers.test_clock", clock["id"])
    tx.emit("test_helpers.test_clock.deleted", clock)
