"""Power cuts and black holes: the product as processes, killed or left waiting in the middle of a refund."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from app.database import db
from app.models.refund import Refund
from tests.stack import Stack, eventually
from tests.system.browser import Visitor
from tests.system.conftest import ANA
from tests.system.shop import REFUNDS, Shop, form

pytestmark = pytest.mark.timeout(300)
NEW = "/admin/refunds/new"


def statuses() -> list[str]:
    db.session.rollback()
    return [status for (status,) in db.session.query(Refund.status).order_by(Refund.requested_at)]


def test_killed_before_during_and_right_after_the_call_each_refund_is_made_once(shop: Shop, stack: Stack) -> None:
    before, during, after = (shop.pay() for _ in range(3))
    ana = Visitor(stack, ANA)
    # The first never reaches Stripe, the second is made while nobody listens any more, the third is made at once.
    shop.sandbox.fault("POST", REFUNDS, params={"charge": before}, delay_before=3, status=503)
    shop.sandbox.fault("POST", REFUNDS, params={"charge": during}, delay_during=3)

    def click(charge_id: str) -> None:
        with contextlib.suppress(requests.RequestException):
            ana.post(NEW, form(charge_id, "20.00"))

    with ThreadPoolExecutor(3) as threads:
        for charge_id in (before, during, after):
            threads.submit(click, charge_id)
        eventually(lambda: len(statuses()) == 3 and shop.made(after))
        stack.kill("web")
    shop.sandbox.heal()
    assert "failed" not in statuses()

    stack.start_web()
    stack.start_jobs()
    eventually(lambda: statuses() == ["succeeded"] * 3, within=60)

    assert sorted(made["charge"] for made in shop.made()) == sorted([before, during, after])
    assert len(shop.keys()) == 3
    assert shop.acts().count(("refund.requested", "staff")) == 3
    assert shop.acts().count(("refund.answered", "stripe")) == 3


def test_a_stripe_that_hangs_takes_nothing_with_it(shop: Shop, stack: Stack) -> None:
    charges = [shop.pay() for _ in range(20)]
    ana = Visitor(stack, ANA)
    stack.start_jobs()
    shop.sandbox.fault("*", "/v1/*", delay_before=60)

    with ThreadPoolExecutor(20) as threads:
        answers = [threads.submit(ana.post, NEW, form(charge_id, "20.00")) for charge_id in charges]
        eventually(lambda: len(statuses()) == 20)
        looks = [(path, Visitor.get(ana, path)) for path in ("/health", "/admin/charges/", "/admin/customers/") * 5]
        clicked = [answer.result() for answer in answers]

    # Each look came back while the clicks were waiting; a look that had to wait for Stripe would have run into its timeout.
    assert [(path, look.status_code) for path, look in looks if look.status_code != 200] == []
    assert [click.status_code for click in clicked] == [303] * 20
    assert statuses() == ["requested"] * 20
    assert "Being checked" in ana.get(clicked[0].headers["Location"]).text
    shop.sandbox.heal()
    eventually(lambda: statuses() == ["succeeded"] * 20, within=90)

    assert sorted(made["charge"] for made in shop.made()) == sorted(charges)
    assert len(shop.keys()) == 20
