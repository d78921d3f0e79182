"""Cards that end soon: who is on the report, one letter in 14 days, a link that leads to Stripe, and what came of it."""

import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.errors import Conflict
from app.mail import envelopes
from app.methods import asking
from app.mirror.payment_methods import end_of
from app.models.audit_log import AuditLog
from app.models.card_update_link import CardUpdateLink, MailOptOut
from app.models.mail import Mail
from app.models.payment_method import PaymentMethod
from tests import factories
from tests.desk import staff, visitor
from tests.system.conftest import shop  # noqa: F401 - the fixture
from tests.system.shop import Shop

REPORT = "/admin/expiring_cards/"
ANA = Actor("staff", "ana@shop.example")


def card(last4: str = "4242", *, days: float = 30, subscribed: bool = True, **columns: Any) -> PaymentMethod:
    """A customer's card that ends in so many days, with a subscription charged to it."""
    customer = factories.customer(email=columns.pop("email", f"jo{last4}@example.com"))
    ends = clock.now() + timedelta(days=days)
    made = factories.payment_method(
        **{
            "customer_id": customer.id, "last4": last4, "expires_at": ends, "fingerprint": f"fp_{last4}",
            "exp_month": ends.month, "exp_year": ends.year,
        } | columns
    )  # fmt: skip
    if subscribed:
        factories.subscription(customer_id=customer.id, default_payment_method_id=made.id)
    return made


def ask(method: PaymentMethod) -> None:
    asking.ask(method.id, account_id=method.account_id, domain="https://desk.example", actor=ANA)


def written(app: Flask) -> list[tuple[str, str]]:
    """(address, words) of every letter, as its receiver reads it."""
    db.session.rollback()
    found = db.session.scalars(select(Mail).where(Mail.kind == asking.KIND).order_by(Mail.queued_at)).all()
    return [(mail.recipient, envelopes.words_of(mail, app.extensions["settings"])[0]) for mail in found]


def token_in(words: str) -> str:
    found = re.search(r"/card/([\w-]+)\n", words)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("month", "year", "ends"),
    [
        (4, 2031, datetime(2031, 5, 1)),  # noqa: DTZ001 - compared as UTC below
        (12, 2026, datetime(2027, 1, 1)),  # noqa: DTZ001
        (0, 2031, None),
        (13, 2031, None),
        (None, 2031, None),
        (4, None, None),
        (4, 99_999, None),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(month: Any, year: Any, ends: datetime | None) -> None:
    found = end_of(month, year)
    assert (found.replace(tzinfo=None) if found else None) == ends


def test_the_report_has_the_cards_that_subscriptions_count_on_and_the_soonest_first(app: Flask) -> None:
    card("1001", days=50)
    card("1002", days=-3)
    card("1003", days=61)
    card("1004", subscribed=False)
    card("1005", deleted_at=clock.now())
    by_default = card("1006", days=20, subscribed=False)
    with transaction():
        set_default = text("UPDATE customers SET default_payment_method_id = :id WHERE id = :customer")
        db.session.execute(set_default, {"id": by_default.id, "customer": by_default.customer_id})
    factories.subscription(customer_id=by_default.customer_id)
    # Their own method comes before the customer's default, so nothing is charged to the latter.
    passed_over = card("1007", days=20, subscribed=False)
    other = factories.payment_method(customer_id=passed_over.customer_id, last4="1008")
    with transaction():
        db.session.execute(set_default, {"id": passed_over.id, "customer": passed_over.customer_id})
    factories.subscription(customer_id=passed_over.customer_id, default_payment_method_id=other.id)

    words = staff(app, "support").get(REPORT).words

    shown = re.findall(r"•••• (\d{4})", words)
    assert shown == ["1002", "1006", "1001"]


def test_one_letter_for_one_card_in_fourteen_days(app: Flask) -> None:
    method = card()
    again = factories.payment_method(
        customer_id=method.customer_id, last4="4242", fingerprint="fp_4242", expires_at=method.expires_at,
        exp_month=method.exp_month, exp_year=method.exp_year,
    )  # fmt: skip
    factories.subscription(customer_id=method.customer_id, default_payment_method_id=again.id)

    ask(method)
    for one in (method, again):
        with pytest.raises(Conflict, match="less than 14 days ago"):
            ask(one)
    assert len(written(app)) == 1
    with transaction():
        db.session.execute(text("UPDATE card_update_links SET asked_at = asked_at - interval '14 days 1 second'"))
    ask(again)

    assert [address for address, _ in written(app)] == ["jo4242@example.com"] * 2


def test_of_five_who_ask_at_once_one_letter_goes_out(committed: Flask) -> None:
    method = card()
    start, answers = threading.Barrier(5), []
    method_id, account_id = method.id, method.account_id

    def click() -> None:
        with committed.app_context():
            start.wait()
            try:
                asking.ask(method_id, account_id=account_id, domain="https://desk.example", actor=ANA)
                answers.append("written")
            except Conflict:
                answers.append("conflict")

    threads = [threading.Thread(target=click) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["conflict"] * 4 + ["written"]
    assert len(written(committed)) == 1


def test_everybody_is_written_to_but_those_who_cannot_or_would_not_be(app: Flask) -> None:
    asked, silent = card("2001"), card("2002")
    card("2003", email=None)
    card("2004")
    ask(asked)
    ask(silent)
    asking.no_more(token_in(written(app)[-1][1]), ip=None)
    with transaction():
        db.session.execute(
            text("UPDATE card_update_links SET asked_at = asked_at - interval '15 days' WHERE customer_id = :id"),
            {"id": silent.customer_id},
        )
    desk = staff(app, "support")

    desk.post(f"{REPORT}ask-all")
    desk.post(f"{REPORT}ask-all")

    assert [address for address, _ in written(app)][2:] == ["jo2004@example.com"]
    page = desk.get(REPORT)
    for state in ("Asked", "Wants no letters", "No address"):
        assert state in page.words
    said = db.session.scalars(select(AuditLog).where(AuditLog.action == "method.update_asked")).all()
    assert len(said) == 3
    assert said[-1].actor == desk.email


def test_the_letter_is_for_its_receiver_alone(app: Flask) -> None:
    method = card()
    ask(method)

    [(_, words)] = written(app)
    mail = db.session.scalars(select(Mail)).one()
    token = token_in(words)
    assert "Visa •••• 4242" in words
    assert token not in (mail.text + (mail.html or "") + mail.subject)
    assert token not in staff(app, "admin").get(f"/admin/mails/{mail.id}").html
    assert db.session.scalars(select(CardUpdateLink)).one().token_hash != token.encode()


def test_looking_at_the_link_changes_nothing_and_shows_nobody(app: Flask) -> None:
    method = card()
    ask(method)
    token = token_in(written(app)[0][1])

    page = visitor(app).get(f"/card/{token}")

    assert "Go on to Stripe" in page.words
    for secret in ("4242", "jo4242", method.id, method.customer_id or "?"):
        assert secret not in page.html
    assert db.session.scalars(select(CardUpdateLink)).one().opens == 0
    assert "no longer good" in visitor(app).get("/card/unknown", expect=410).words
    with transaction():
        db.session.execute(text("UPDATE card_update_links SET expires_at = now()"))
    visitor(app).get(f"/card/{token}", expect=410)
    stranger = visitor(app)
    stranger.get("/login")
    stranger.post(f"/card/{token}", expect=410)


def test_who_wants_no_more_letters_says_so_by_a_button(app: Flask) -> None:
    method = card()
    ask(method)
    token = token_in(written(app)[0][1])
    them = visitor(app)

    them.get(f"/card/{token}/no-more")
    assert db.session.scalars(select(MailOptOut)).all() == []
    them.post(f"/card/{token}/no-more", expect=200)
    them.get(f"/card/{token}/no-more")
    them.post(f"/card/{token}/no-more", expect=200)

    assert [(row.customer_id, row.said_by) for row in db.session.scalars(select(MailOptOut))] == [
        (method.customer_id, "link")
    ]
    said = db.session.scalars(select(AuditLog).where(AuditLog.action == "mail.opted_out")).all()
    assert [(act.actor_kind, act.actor) for act in said] == [("customer", method.customer_id)]
    with transaction():
        db.session.execute(text("UPDATE card_update_links SET asked_at = asked_at - interval '15 days'"))
    with pytest.raises(Conflict, match="does not want such letters"):
        ask(method)


def test_the_link_leads_to_a_fresh_page_of_stripes_and_a_new_card_is_seen(shop: Shop) -> None:  # noqa: F811
    stripe = shop.sandbox.stripe()
    customer = stripe.v1.customers.create({"email": "jo@example.com", "payment_method": "pm_card_visa"})
    [method] = stripe.v1.customers.payment_methods.list(customer.id).data
    stripe.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    now = clock.now()
    stripe.v1.payment_methods.update(method.id, {"card": {"exp_month": now.month, "exp_year": now.year}})
    product = stripe.v1.products.create({"name": "Box"})
    price = stripe.v1.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 900, "recurring": {"interval": "month"}}
    )
    stripe.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    shop.catch_up()
    desk = staff(shop.app, "support")
    desk.get(f"/admin/methods/{method.id}")
    desk.post(f"{REPORT}{method.id}/ask")
    token, them = token_in(written(shop.app)[0][1]), visitor(shop.app)

    them.get(f"/card/{token}")
    first = them.post(f"/card/{token}", expect=303).location or ""
    assert them.client.post(f"/card/{token}", data={"csrf_token": them.token}).status_code == 429
    with transaction():
        db.session.execute(text("UPDATE card_update_links SET opened_at = opened_at - interval '1 hour'"))
    second = them.post(f"/card/{token}", expect=303).location or ""

    assert first.startswith(f"{shop.sandbox.url}/p/session/bps_")
    assert second.startswith(f"{shop.sandbox.url}/p/session/bps_")
    assert first != second
    sessions = shop.sandbox.requests("POST", "/v1/billing_portal/sessions")
    assert len({asked["idempotency_key"] for asked in sessions}) == 2
    assert "Opened the link" in desk.get("/admin/card_links/").words
    assert f"form-action 'self' https: {shop.sandbox.url};" in str(
        them.get(f"/card/{token}").answer.headers["Content-Security-Policy"]
    )

    stripe.v1.payment_methods.update(method.id, {"card": {"exp_month": 12, "exp_year": now.year + 4}})
    desk.post(f"/admin/methods/{method.id}/read-again")
    assert "Updated" in desk.get("/admin/card_links/").words
    assert "•••• 4242" not in desk.get(REPORT).words


def test_when_stripe_is_away_the_customer_is_told_to_come_back(shop: Shop) -> None:  # noqa: F811
    method = card()
    ask(method)
    token, them = token_in(written(shop.app)[0][1]), visitor(shop.app)
    them.get(f"/card/{token}")

    # The sandbox has never heard of this customer, and refuses.
    page = them.post(f"/card/{token}", expect=503)

    assert "Try again in a few minutes." in page.words
    assert method.customer_id not in page.html
