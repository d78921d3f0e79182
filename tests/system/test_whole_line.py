"""Stripe, its webhooks, the worker and the desk together: what changes without an event shows within seconds, and disputes win."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import db
from app.models.charge import Charge
from tests import invariants
from tests.desk import Desk, staff
from tests.sandbox.client import Sandbox
from tests.stack import Stack, eventually
from tests.system.shop import REFUNDS, Shop, form
from tests.world import WEBHOOK_SECRET

pytestmark = pytest.mark.timeout(300)
NEW = "/admin/refunds/new"


@pytest.fixture
def stack(shop: Shop, database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    """Web and jobs, with Stripe's webhooks coming in."""
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        running.start_web()
        running.start_jobs()
        sandbox.endpoint(f"{running.url}/webhooks/stripe", WEBHOOK_SECRET, version="2026-10-28.endive")
        yield running
    finally:
        running.stop()


@pytest.fixture
def ana(shop: Shop, stack: Stack) -> Desk:
    """Somebody at the desk of this process; the other one takes the webhooks."""
    return staff(shop.app, email="ana@shop.example")


def see(desk: Desk, charge_id: str, *words: str) -> None:
    """Look at the payment's page until it says all of that."""
    seen: list[str] = [""]

    def said() -> bool:
        db.session.rollback()  # this process keeps its session between two requests; a server does not
        page = desk.get(f"/admin/charges/{charge_id}", expect=None)
        seen[0] = page.words
        return page.status == 200 and all(word in page.words for word in words)

    try:
        eventually(said)
    except AssertionError:
        missing = [word for word in words if word not in seen[0]]
        raise AssertionError(f"{missing} is not on the page: {seen[0]}") from None


def charge_of(charge_id: str) -> Charge:
    db.session.rollback()
    return db.session.get_one(Charge, charge_id, populate_existing=True)


def test_fees_releases_and_late_failures_show_within_seconds(shop: Shop, sandbox: Sandbox, ana: Desk) -> None:
    paid = shop.pay(known=False)
    see(ana, paid, "Succeeded", "Net", "after fees")

    held = shop.pay(10_000, known=False, capture_method="manual")
    client = sandbox.stripe()
    intent = next(one["id"] for one in sandbox.objects("payment_intent") if one["status"] == "requires_capture")
    client.v1.payment_intents.capture(intent, {"amount_to_capture": 7_000})
    see(ana, held, "Captured 70.00 EUR", "Released 30.00 EUR", "Left to refund 70.00 EUR", "Net")
    eventually(lambda: len(charge_of(held).refunds) == 1)
    page = ana.get(f"/admin/charges/{held}")
    assert "Partly refunded" not in page.words
    assert (charge_of(held).state, str(charge_of(held).given_back)) == ("succeeded", "0.00 EUR")
    assert "Only 70.00 EUR of 70.00 EUR is left" in ana.post(NEW, form(held, "70.01"), expect=422).words
    ana.post(NEW, form(held, "70.00"))
    eventually(lambda: charge_of(held).refunded)
    assert (charge_of(held).state, str(charge_of(held).given_back)) == ("refunded", "70.00 EUR")

    doomed = shop.pay(card="pm_card_refundFail", known=False)
    see(ana, doomed, "Left to refund 50.00 EUR")
    ana.post(NEW, form(doomed, "20.00"))
    eventually(lambda: charge_of(doomed).amount_refunded == 2_000)
    sandbox.advance(2 * 24 * 3_600)
    see(ana, doomed, "Left to refund 50.00 EUR", "Refund failed")
    queue = ana.get("/admin/refund-queue/?queue=act").words
    assert "20.00" in queue
    assert "Expired or canceled card" in queue
    assert "Give the money back in another way" in queue
    [failed] = [refund for refund in charge_of(doomed).refunds if refund.status == "failed"]
    told = ana.get(f"/admin/refunds/{failed.id}").words
    assert "succeeded" in told
    assert "failed" in told
    assert any(event["type"] == "refund.failed" for event in sandbox.objects("event"))

    canceled = shop.pay(3_000, known=False, capture_method="manual")
    intent = next(one["id"] for one in sandbox.objects("payment_intent") if one["status"] == "requires_capture")
    client.v1.payment_intents.cancel(intent)
    see(ana, canceled, "Canceled", "Released 30.00 EUR")
    shop.catch_up()
    invariants.hold(shop.app, sandbox, all_heard=False)


def test_a_dispute_that_arrives_while_the_form_is_open_decides(
    shop: Shop, sandbox: Sandbox, stack: Stack, ana: Desk
) -> None:
    charges = {cause: shop.pay(known=False) for cause in ("fraudulent", "inquiry", "general")}
    for charge_id in charges.values():
        see(ana, charge_id, "Left to refund 50.00 EUR")
    forms = {cause: form(charge_id, "50.00") for cause, charge_id in charges.items()}
    for cause, charge_id in charges.items():
        ana.get(f"{NEW}?charge={charge_id}")
        sandbox.control("POST", "money/dispute", {"charge": charge_id, "cause": cause})
    sandbox.wait_until_delivered()

    blocked = ana.post(NEW, forms["fraudulent"], expect=422)
    assert "chargeback" in blocked.words
    assert shop.asked() == []

    # The flag on the payment itself comes without an event of its own.
    eventually(lambda: charge_of(charges["inquiry"]).disputed)
    warned = ana.get(f"{NEW}?charge={charges['inquiry']}")
    assert "inquiry" in warned.words.lower() or "asks" in warned.words.lower()
    ana.post(NEW, forms["inquiry"])
    assert [made["charge"] for made in shop.made()] == [charges["inquiry"]]

    [case] = [one for one in sandbox.objects("dispute") if one["charge"] == charges["general"]]
    assert "chargeback" in ana.post(NEW, forms["general"], expect=422).words
    sandbox.control("POST", "money/decide", {"dispute": case["id"], "outcome": "won"})
    see(ana, charges["general"], "Left to refund 50.00 EUR")
    ana.post(NEW, form(charges["general"], "50.00"))

    assert sorted(made["charge"] for made in shop.made()) == sorted([charges["inquiry"], charges["general"]])
    assert len(shop.asked()) == 2
    for cause, expected in (("fraudulent", -5_000), ("inquiry", -5_000), ("general", -5_000)):
        assert _taken_back(sandbox, charges[cause]) == expected, cause
    eventually(lambda: len(sandbox.requests("POST", REFUNDS)) == 2)
    shop.catch_up()
    invariants.hold(shop.app, sandbox, all_heard=False)


def _taken_back(sandbox: Sandbox, charge_id: str) -> int:
    """What left the balance again by refunds and disputes of this payment, won ones given back; without fees."""
    about = {one["id"] for kind in ("refund", "dispute") for one in sandbox.objects(kind) if one["charge"] == charge_id}
    return sum(line["amount"] for line in sandbox.objects("balance_transaction") if line["source"] in about)
