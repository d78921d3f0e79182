"""Many clicks, and webhooks that are faster than answers, against a real sandbox."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from app.database import db, transaction
from app.gateways.current import gateway
from app.mirror import disputes
from app.mirror.accounts import current
from app.mirror.news import News
from tests.desk import Desk, Page, read, staff
from tests.sandbox.client import Sandbox
from tests.stack import Stack, eventually
from tests.system.shop import REFUNDS, Shop, form
from tests.world import WEBHOOK_SECRET

NEW = "/admin/refunds/new"


def at_once(acts: list[Callable[[], Page]]) -> list[Page]:
    gate = Barrier(len(acts))

    def one(act: Callable[[], Page]) -> Page:
        gate.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def poster(desk: Desk, sent: dict[str, str], url: str = NEW) -> Callable[[], Page]:
    """Posts with this person's cookies and token, in a client of its own so that threads do not share one."""
    client = desk.client.application.test_client()
    for name in ("counterfoil_session", "counterfoil_form"):
        cookie = desk.client.get_cookie(name)
        assert cookie is not None
        client.set_cookie(name, cookie.value)
    return lambda: read(client.post(url, data={"csrf_token": desk.token, **sent}))


def test_fifty_clicks_in_two_sessions_are_one_refund_and_each_loser_learns_who_was_first(shop: Shop) -> None:
    ana, ben = staff(shop.app, email="ana@shop.example"), staff(shop.app, email="ben@shop.example")
    for _ in range(3):
        charge_id = shop.pay()

        answers = at_once([poster((ana, ben)[n % 2], form(charge_id, "50.00")) for n in range(50)])

        assert len(shop.made(charge_id)) == 1
        losers = [page for page in answers if page.status != 303]
        assert len(losers) == 49
        for page in losers:
            assert page.status in {409, 422}
            assert (
                "50.00 EUR by ana@shop.example on " in page.words or "50.00 EUR by ben@shop.example on " in page.words
            )
    assert len(shop.asked()) == len(shop.keys()) == 3


def test_the_same_form_at_once_and_five_minutes_later_leads_to_the_same_refund(shop: Shop) -> None:
    charge_id, ana = shop.pay(), staff(shop.app)
    sent = form(charge_id, "20.00")

    first, second = at_once([poster(ana, sent), poster(ana, sent)])
    shop.sandbox.advance(300)
    later = ana.post(NEW, sent)

    assert first.location == second.location == later.location == f"/admin/refunds/{sent['promise']}"
    assert [made["amount"] for made in shop.made()] == [2_000]


@pytest.mark.parametrize(
    ("card", "status", "blocked"),
    [
        ("pm_card_createDispute", "needs_response", True),
        ("pm_card_createDisputeInquiry", "warning_needs_response", False),
    ],
)
def test_dispute_news_between_form_and_click(shop: Shop, card: str, status: str, blocked: bool) -> None:
    charge_id, ana = shop.pay(card=card), staff(shop.app)
    sent = form(charge_id, "50.00")
    [dispute] = shop.sandbox.objects("dispute")
    assert dispute["status"] == status
    answer = gateway().retrieve(f"/v1/disputes/{dispute['id']}")
    with transaction():
        disputes.save_all([answer.body], News.read(answer, current(livemode=False).id))

    page = ana.post(NEW, sent, expect=422 if blocked else 303)

    assert len(shop.made()) == (0 if blocked else 1)
    assert len(shop.asked()) == (0 if blocked else 1)
    assert ("chargeback" in page.words) is blocked


def test_a_won_dispute_lets_the_money_go_back(shop: Shop) -> None:
    charge_id, ana = shop.pay(card="pm_card_createDispute"), staff(shop.app)
    [dispute] = shop.sandbox.objects("dispute")
    client = shop.sandbox.stripe()
    client.v1.disputes.update(dispute["id"], {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True})
    shop.sandbox.advance(90 * 24 * 3_600)
    answer = gateway().retrieve(f"/v1/disputes/{dispute['id']}")
    assert answer.body["status"] == "won"
    with transaction():
        disputes.save_all([answer.body], News.read(answer, current(livemode=False).id))

    ana.post(NEW, form(charge_id, "50.00"))

    assert [made["amount"] for made in shop.made()] == [5_000]


@pytest.fixture
def listening(shop: Shop, sandbox: Sandbox, database_url: str, tmp_path: Path) -> Iterator[Shop]:
    """The same shop, with a web process of its own that Stripe's webhooks come to."""
    stack = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        stack.start_web()
        sandbox.endpoint(f"{stack.url}/webhooks/stripe", WEBHOOK_SECRET)
        yield shop
    finally:
        stack.stop()


def test_webhooks_before_the_answer_leave_one_refund_of_the_person_who_asked(listening: Shop) -> None:
    charge_id, ana = listening.pay(), staff(listening.app, email="ana@shop.example")
    listening.sandbox.fault("POST", REFUNDS, delay_after=4, times=1)

    def slow_click() -> Page:
        return poster(ana, form(charge_id, "20.00"))()

    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(slow_click)
        eventually(listening.made)
        eventually(lambda: listening.row().stripe_id)
        before_the_answer = (listening.row().status, listening.row().requested_by, listening.acts())
        page = answer.result()

    assert before_the_answer == ("succeeded", "ana@shop.example", [("refund.requested", "staff")])
    assert page.status == 303
    listening.sandbox.wait_until_delivered()
    db.session.rollback()
    assert listening.row().requested_by == "ana@shop.example"
    assert listening.acts() == [("refund.requested", "staff"), ("refund.answered", "stripe")]
    charge_page = ana.get(f"/admin/charges/{charge_id}")
    assert charge_page.words.count("Refunded 20.00 EUR ana@shop.example") == 1
    assert "Left to refund 30.00 EUR" in charge_page.words
