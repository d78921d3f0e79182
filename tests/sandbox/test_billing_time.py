"""Time and billing: months that end early, clocks of one's own, and a whole world sixty days older."""

import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from app.sandbox.billing import periods
from tests.sandbox.billing import DAY, advance, clock, customer, invoices, item_of, latest, price, subscribe, utc
from tests.sandbox.client import Sandbox
from tests.sandbox.conftest import Mailbox
from tests.sandbox.money import balance, books, events, refused

HOUR = 3_600


def day(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def test_the_31st_comes_back_after_february() -> None:
    anchor = utc("2026-01-31")

    ends = [day(periods.add(anchor, "month", number)) for number in range(6)]
    leap = [day(periods.add(utc("2028-01-31"), "month", number)) for number in range(3)]

    assert ends == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]
    assert leap == ["2028-01-31", "2028-02-29", "2028-03-31"]
    assert day(periods.add(utc("2028-02-29"), "year", 1)) == "2029-02-28"
    assert day(periods.add(utc("2028-02-29"), "year", 4)) == "2032-02-29"


@pytest.mark.parametrize(("interval", "count"), [("day", 1), ("week", 2), ("month", 1), ("month", 3), ("year", 1)])
def test_periods_leave_no_gap_and_never_overlap(interval: str, count: int) -> None:
    anchor = utc("2026-01-31")
    moment, spans = anchor, []
    for _ in range(30):
        span = periods.around(moment, anchor, interval, count)
        assert span[0] <= moment < span[1]
        spans.append(span)
        moment = span[1]

    assert all(one[1] == following[0] for one, following in itertools.pairwise(spans))
    assert periods.around(anchor - 1, anchor, interval, count)[1] == anchor


def test_thirty_months_on_a_clock_of_ones_own(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    start = utc("2024-01-31")
    own = clock(client, start)
    ana = customer(client, test_clock=own.id)
    subscription = subscribe(client, ana.id, price(client).id)
    world = sandbox.control("GET", "clock")["now"]

    for months in range(5, 31, 5):
        advance(sandbox, own.id, periods.add(start, "month", months) + 2 * HOUR)

    found = invoices(client, subscription.id)
    assert [invoice.status for invoice in found] == ["paid"] * 31
    spans = sorted((invoice.lines.data[0].period.start, invoice.lines.data[0].period.end) for invoice in found)
    assert spans[0][0] == start
    assert [day(span[0]) for span in spans[:4]] == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]
    assert all(one[1] == following[0] for one, following in itertools.pairwise(spans))
    assert spans[-1][1] == periods.add(start, "month", 31)
    assert sandbox.control("GET", "clock")["now"] - world < 60


def test_the_wished_day_of_the_month(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    own = clock(client, utc("2026-02-10"))
    ana = customer(client, test_clock=own.id)

    subscription = subscribe(
        client,
        ana.id,
        price(client, 2_800).id,
        billing_cycle_anchor_config={"day_of_month": 31, "hour": 12, "minute": 0, "second": 0},
    )

    assert (day(subscription.billing_cycle_anchor), latest(subscription).total) == ("2026-02-28", 1_800)
    advance(sandbox, own.id, utc("2026-05-02"))
    starts = [day(invoice.lines.data[0].period.start) for invoice in invoices(client, subscription.id)]
    assert starts == ["2026-02-10", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_what_belongs_to_a_clock_lives_in_its_time(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    own = clock(client, 1_577_836_800)
    ana, ben = customer(client, test_clock=own.id), customer(client)
    there, here = (subscribe(client, one.id, price(client).id) for one in (ana, ben))
    advance(sandbox, own.id, 1_577_836_800 + 32 * DAY)

    assert ana.created == there.created == latest(there).created == 1_577_836_800
    assert [invoice.status for invoice in invoices(client, there.id)] == ["paid", "paid"]
    assert len(invoices(client, here.id)) == 1
    charges = client.v1.charges.list({"customer": ana.id}).data
    assert [charge.created for charge in charges][1] == 1_577_836_800
    assert charges[0].created == item_of(there).current_period_end + HOUR
    assert all(event["created"] > 1_700_000_000 for event in sandbox.objects("event"))
    assert balance(client) == books(sandbox) == {"usd": (0, 3 * 1_426)}
    sandbox.advance(3 * DAY)
    assert balance(client) == {"usd": (3 * 1_426, 0)}
    assert [one.id for one in client.v1.customers.list({"test_clock": own.id}).data] == [ana.id]


def test_a_clock_says_where_it_is(sandbox: Sandbox, mailbox: Mailbox) -> None:
    client = sandbox.stripe()
    own = clock(client, 1_577_836_800)

    advance(sandbox, own.id, 1_577_836_900)

    assert client.v1.test_helpers.test_clocks.retrieve(own.id).frozen_time == 1_577_836_900
    assert events(sandbox) == [f"test_helpers.test_clock.{word}" for word in ("created", "advancing", "ready")]
    back: Any = {"frozen_time": 1_577_836_900}
    assert refused(client.v1.test_helpers.test_clocks.advance, own.id, back).http_status == 400
    far: Any = {"frozen_time": 1_577_836_900 + 3 * 366 * DAY}
    assert refused(client.v1.test_helpers.test_clocks.advance, own.id, far).http_status == 400


def test_while_a_clock_moves_nobody_changes_what_belongs_to_it(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    own = clock(client, 1_577_836_800)
    ana = customer(client, test_clock=own.id)
    subscription = subscribe(client, ana.id, price(client, interval="day").id)
    moving = sandbox.objects("test_helpers.test_clock")[0] | {"status": "advancing", "status_details": {}}
    sandbox.put({**moving, "id": "clock_moving"}, {**ana.to_dict(), "id": "cus_moving", "test_clock": "clock_moving"})

    error = refused(client.v1.invoices.create, {"customer": "cus_moving"})

    assert (error.http_status, "advancement underway" in str(error.user_message)) == (429, True)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_clock_takes_its_customers_along(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    own = clock(client, 1_577_836_800)
    ana = customer(client, test_clock=own.id)
    subscription = subscribe(client, ana.id, price(client).id)

    client.v1.test_helpers.test_clocks.delete(own.id)

    assert client.v1.customers.retrieve(ana.id).deleted is True
    assert client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    assert refused(client.v1.test_helpers.test_clocks.retrieve, own.id).http_status == 404
    assert events(sandbox)[-1] == "test_helpers.test_clock.deleted"


def test_a_clock_that_was_cut_short_arrives_after_a_restart(own_sandbox: Sandbox) -> None:
    client = own_sandbox.stripe()
    own = clock(client, 1_577_836_800)
    ana = customer(client, test_clock=own.id)
    subscription = subscribe(client, ana.id, price(client, interval="day").id)
    client.v1.test_helpers.test_clocks.advance(own.id, {"frozen_time": 1_577_836_800 + 300 * DAY})

    own_sandbox.restart()

    client = own_sandbox.stripe()
    own_sandbox.wait_for(lambda: client.v1.test_helpers.test_clocks.retrieve(own.id).status == "ready")
    every = client.v1.invoices.list({"subscription": subscription.id, "limit": 100}).auto_paging_iter()
    starts = sorted(invoice.lines.data[0].period.start for invoice in every)
    assert starts == [1_577_836_800 + number * DAY for number in range(301)]


def test_sixty_days_of_the_whole_world_in_one_call(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    monthly, weekly = price(client), price(client, 400, "week")
    paying = [subscribe(client, customer(client).id, monthly.id, weekly.id) for _ in range(8)]
    trying = subscribe(client, customer(client).id, monthly.id, trial_period_days=14)
    late = subscribe(client, customer(client).id, monthly.id)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": str(late.customer)})
    client.v1.subscriptions.update(late.id, {"default_payment_method": bad.id})
    start = sandbox.control("GET", "clock")["now"]

    after = sandbox.advance(60 * DAY)

    assert after["now"] - start - 60 * DAY < 30
    for subscription in paying:
        every = client.v1.invoices.list({"subscription": subscription.id, "limit": 100}).data
        assert {invoice.status for invoice in every} == {"paid"}
        weeks = sorted(line.period.start for invoice in every for line in invoice.lines.data if line.amount == 400)
        assert [later - earlier for earlier, later in itertools.pairwise(weeks)] == [7 * DAY] * 8
    assert [invoice.total for invoice in invoices(client, trying.id)] == [0, 1_500, 1_500]
    assert client.v1.subscriptions.retrieve(late.id).status == "canceled"
    stamps = [event["created"] for event in sandbox.objects("event")]
    page = sandbox.get("/v1/events", params={"limit": 100})["data"]
    assert [event["created"] for event in page] == sorted((event["created"] for event in page), reverse=True)
    assert max(stamps) <= after["now"]
    assert balance(client) == books(sandbox)
