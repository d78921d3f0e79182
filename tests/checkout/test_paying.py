"""Paying by link: Stripe's word alone makes it paid, uses are kept by the database, and each payment is told once."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import clock
from app.checkout import links, outcomes, paying
from app.checkout.paying import BeingPaid, LinkOver, TooMany
from app.database import db, transaction
from app.errors import GatewayUnavailable
from app.gateways.current import gateway
from app.mirror import accounts
from app.models.audit_log import AuditLog
from app.models.checkout_session import CheckoutSession
from app.models.mail import Mail
from app.models.payment_link import CheckoutVisit, PaymentLink
from jobs.settle_checkouts import settle_checkouts
from tests.checkout.paying import ANA, again, made, pay, visits
from tests.desk import visitor
from tests.system.conftest import shop  # noqa: F401 - the fixture
from tests.system.shop import Shop

DOMAIN = "https://desk.example"


@pytest.fixture
def account_id(shop: Shop) -> int:  # noqa: F811
    with transaction():
        return accounts.current(livemode=False).id


def go(link: PaymentLink, *, ip: str | None = "203.0.113.9") -> str:
    """Press the button; the id of the session somebody is led to."""
    token, link_id = link.token, link.id
    db.session.rollback()
    paying.lead_to_stripe(token, domain=DOMAIN, gateway=gateway(), ip=ip, user_agent="Firefox")
    newest = db.session.query(CheckoutVisit).filter_by(link_id=link_id, state="open")
    return str(newest.order_by(CheckoutVisit.asked_at.desc()).first().session_id)  # type: ignore[union-attr]


def hear(shop: Shop) -> None:  # noqa: F811
    """As if the webhooks of everything had come."""
    shop.catch_up()
    settle_checkouts()


def told(action: str) -> int:
    db.session.rollback()
    return db.session.query(AuditLog).filter_by(action=action).count()


def thanks() -> list[str]:
    db.session.rollback()
    return [mail.recipient for mail in db.session.query(Mail).filter_by(kind="checkout.paid")]


def test_the_price_is_the_links_and_the_payment_is_the_customers(shop: Shop, account_id: int) -> None:  # noqa: F811
    customer = shop.sandbox.stripe().v1.customers.create({"email": "jo@example.com", "name": "Jo"}).id
    shop.catch_up()
    link = made(account_id, "12.340", "kwd", customer_id=customer)

    session = go(link)
    pay(shop.sandbox, session, amount=12_340)
    hear(shop)

    [intent] = shop.sandbox.objects("payment_intent")
    assert (intent["amount"], intent["currency"], intent["customer"]) == (12_340, "kwd", customer)
    visit = db.session.query(CheckoutVisit).one()
    assert (visit.state, visit.payment_intent_id, visit.customer_id) == ("paid", intent["id"], customer)
    assert (visit.ip, visit.user_agent) == ("203.0.113.9", "Firefox")
    assert again(link.id).state == "used_up"


def test_who_comes_back_and_the_webhook_at_once_are_one_fulfilment(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=None)
    pay(shop.sandbox, go(link))
    shop.catch_up()
    visit_id, start = db.session.query(CheckoutVisit.id).scalar(), threading.Barrier(8)

    def arrive(number: int) -> None:
        with shop.app.app_context():
            start.wait()
            if number % 2:
                outcomes.settle(visit_id)
            else:
                outcomes.look(visit_id, gateway=gateway())
            db.session.remove()

    arrivals = [threading.Thread(target=arrive, args=(number,)) for number in range(8)]
    for arrival in arrivals:
        arrival.start()
    for arrival in arrivals:
        arrival.join()
    hear(shop)

    assert told("payment_link.paid") == 1
    assert thanks() == ["jo@example.com"]
    assert again(link.id).uses == 1


def test_of_twenty_who_press_at_once_only_one_can_pay(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id)
    token, start, led = link.token, threading.Barrier(20), []
    db.session.rollback()

    def press(number: int) -> None:
        with shop.app.app_context():
            start.wait()
            try:
                where = paying.lead_to_stripe(
                    token, domain=DOMAIN, gateway=gateway(), ip=f"203.0.113.{number}", user_agent=None
                )
                led.append(where)
            except BeingPaid:
                pass
            finally:
                db.session.remove()

    people = [threading.Thread(target=press, args=(number,)) for number in range(20)]
    for person in people:
        person.start()
    for person in people:
        person.join()

    states = visits(link)
    assert sum(state in {"requested", "open"} for state in states) <= 1
    assert len(led) >= 1
    payable = [session for session in shop.sandbox.objects("checkout.session") if session["status"] == "open"]
    given = {row.session_id for row in db.session.query(CheckoutVisit) if row.session_id}
    assert len([session for session in payable if session["id"] in given]) <= 1


def test_the_database_gives_no_more_uses_than_there_are(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=2)
    insert = text(
        "INSERT INTO checkout_visits (id, account_id, link_id, secret_hash, asked_at) "
        "VALUES (gen_random_uuid(), :account, :link, sha256(gen_random_uuid()::text::bytea), now())"
    )
    values = {"account": account_id, "link": link.id}
    for _ in range(2):
        with transaction():
            db.session.execute(insert, values)

    with pytest.raises(Exception, match="has no use left"), transaction():
        db.session.execute(insert, values)
    with transaction():
        db.session.execute(text("UPDATE checkout_visits SET state = 'expired'"))
        db.session.execute(text("UPDATE payment_links SET closed_at = now(), closed_by = 'ana'"))
    with pytest.raises(Exception, match="is over"), transaction():
        db.session.execute(insert, values)
    with pytest.raises(Exception, match="keeps its amount"), transaction():
        db.session.execute(text("UPDATE payment_links SET amount = 1"))


def test_who_comes_later_gets_the_use_an_unpaid_page_holds(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id)
    first = go(link)

    second = go(link)

    assert first != second
    assert visits(link) == ["expired", "open"]
    states = {session["id"]: session["status"] for session in shop.sandbox.objects("checkout.session")}
    assert states == {first: "expired", second: "open"}


def test_a_paid_page_is_never_taken_away(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id)
    pay(shop.sandbox, go(link))

    with pytest.raises(BeingPaid):
        go(link)

    assert visits(link) == ["paid"]
    assert len(shop.sandbox.objects("checkout.session")) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_answer_from_stripe_holds_nobody_up(shop: Shop, account_id: int, when: str) -> None:  # noqa: F811
    link = made(account_id)
    shop.sandbox.fault("POST", "/v1/checkout/sessions", status=500, times=10, when=when)

    with pytest.raises(GatewayUnavailable):
        go(link)
    shop.sandbox.heal()
    session = go(link)
    pay(shop.sandbox, session)
    hear(shop)

    assert visits(link) == ["expired", "paid"]


def test_a_debit_is_on_its_way_then_paid_or_failed(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=None)
    for iban in ("AT611904300234573201", "AT861904300235473202"):
        pay(shop.sandbox, go(link), type="sepa_debit", sepa_debit={"iban": iban})
    hear(shop)
    assert visits(link) == ["processing", "processing"]
    assert again(link.id).uses == 2
    assert thanks() == []

    shop.sandbox.advance(8 * 86_400)
    hear(shop)

    assert sorted(visits(link)) == ["failed", "paid"]
    assert again(link.id).uses == 1
    assert thanks() == ["jo@example.com"]


def test_closing_a_link_closes_the_pages_that_are_open(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=None)
    session, other = go(link), go(link)
    pay(shop.sandbox, other)

    links.close(link.id, account_id=account_id, words="Sent to the wrong person", actor=ANA)
    settle_checkouts()

    assert visits(link) == ["expired", "paid"]
    assert {one["id"]: one["status"] for one in shop.sandbox.objects("checkout.session")}[session] == "expired"
    with pytest.raises(LinkOver):
        go(again(link.id))


def test_a_link_ends_at_its_time_and_so_do_its_pages(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=None, expires_at=clock.now() + timedelta(hours=1))
    go(link)
    with transaction():
        db.session.execute(
            text("UPDATE payment_links SET created_at = created_at - interval '1 day', expires_at = now()")
        )

    settle_checkouts()

    assert visits(link) == ["expired"]
    with pytest.raises(LinkOver):
        go(again(link.id))


def test_whoever_tries_cards_gets_ten_pages_in_ten_minutes(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=None)
    for _ in range(10):
        go(link)

    with pytest.raises(TooMany, match="in ten minutes"):
        go(link)

    go(link, ip="203.0.113.10")
    assert len(shop.sandbox.objects("checkout.session")) == 11


def test_twenty_pages_at_once_from_one_address_are_ten(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=None)
    token, start, answers = link.token, threading.Barrier(20), []
    db.session.rollback()

    def press() -> None:
        with shop.app.app_context():
            start.wait()
            try:
                paying.lead_to_stripe(token, domain=DOMAIN, gateway=gateway(), ip="203.0.113.9", user_agent=None)
                answers.append("led")
            except TooMany:
                answers.append("too many")
            finally:
                db.session.remove()

    people = [threading.Thread(target=press) for _ in range(20)]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert sorted(answers) == ["led"] * 10 + ["too many"] * 10
    assert len(visits(link)) == len(shop.sandbox.objects("checkout.session")) == 10


def test_stripe_is_asked_about_pages_it_was_silent_about(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id, max_uses=None)
    pay(shop.sandbox, go(link))
    assert settle_checkouts() == 0
    with transaction():
        db.session.execute(text("UPDATE checkout_visits SET asked_at = asked_at - interval '2 hours'"))

    assert settle_checkouts() == 1

    assert visits(link) == ["paid"]
    assert db.session.query(CheckoutSession).one().payment_status == "paid"


def test_a_page_nobody_was_given_is_forgotten(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id)
    with transaction():
        db.session.execute(
            text(
                "INSERT INTO checkout_visits (id, account_id, link_id, secret_hash, asked_at) "
                "VALUES (gen_random_uuid(), :account, :link, '\\x00', now() - interval '16 minutes')"
            ),
            {"account": account_id, "link": link.id},
        )

    assert settle_checkouts() == 1

    assert visits(link) == ["expired"]


def test_the_page_says_paid_only_when_stripe_does(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id)
    payer = visitor(shop.app)
    start = payer.get(f"/checkout/{link.token}")
    assert "20.00" in start.words
    assert payer.post(f"/checkout/{link.token}", {"amount": "1", "currency": "jpy"}).location
    [session] = shop.sandbox.objects("checkout.session")
    assert (session["amount_total"], session["currency"]) == (2_000, "eur")
    done = session["success_url"].split("/checkout/", 1)[1]

    page = payer.get(f"/checkout/{done}?session_id={session['id']}")
    assert "has not confirmed a payment yet" in page.words
    assert page.answer.headers["Refresh"] == "3"
    assert "Nothing was paid" in payer.get(f"/checkout/{done.replace('/done', '/back')}").words

    pay(shop.sandbox, session["id"])
    assert "Paid. Thank you" in payer.get(f"/checkout/{done}").words
    assert "Refresh" not in payer.get(f"/checkout/{done}").answer.headers
    assert payer.get(f"/checkout/{done.replace('/done', '/back')}", expect=303).location.endswith(done)  # type: ignore[union-attr]
    assert "paid already" in payer.get(f"/checkout/{link.token}", expect=410).words
    for forged in (f"visit/x/done?session_id={session['id']}", "visit/%00/done", "visit/é/back", "nothing", "é"):
        answer = payer.get(f"/checkout/{forged}", expect=410)
        assert "Darjeeling" not in answer.html


def test_while_stripe_is_away_nobody_is_told_to_pay_again(shop: Shop, account_id: int) -> None:  # noqa: F811
    link = made(account_id)
    payer = visitor(shop.app)
    payer.get(f"/checkout/{link.token}")
    payer.post(f"/checkout/{link.token}")
    [session] = shop.sandbox.objects("checkout.session")
    done = session["success_url"].split("/checkout/", 1)[1]
    pay(shop.sandbox, session["id"])
    shop.sandbox.fault("GET", f"/v1/checkout/sessions/{session['id']}", status=503, times=10)

    page = payer.get(f"/checkout/{done}", expect=503)

    assert "do not pay twice" in page.words
    assert "Pay now" not in page.words
