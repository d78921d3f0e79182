"""Payment links at the desk: made once, with words about what is wrong, closed with a reason, found again."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import delete, select

from app.checkout.forms import PaymentLinkForm
from app.database import db, transaction
from app.models.account import Account
from app.models.audit_log import AuditLog
from app.models.customer import Customer
from app.models.payment_link import PaymentLink
from app.models.search_word import SearchWord
from tests import factories
from tests.desk import staff

pytestmark = pytest.mark.usefixtures("account")

LIST = "/admin/payment_links/"
NEW = f"{LIST}new"


@pytest.fixture
def account(app: Flask) -> None:
    factories.customer()


def typed(**changes: str) -> dict[str, str]:
    return {
        "promise": str(uuid4()), "title": "Darjeeling, 250 g", "amount": "20.00", "currency": "eur", "customer": "",
        "max_uses": "1", "until": "",
    } | changes  # fmt: skip


def test_a_form_that_is_sent_twice_makes_one_link(app: Flask) -> None:
    desk = staff(app, "support")
    desk.get(NEW)
    form = typed()

    first, second = desk.post(NEW, form), desk.post(NEW, form)

    assert first.location == second.location
    link = db.session.scalars(select(PaymentLink)).one()
    assert (link.amount, link.currency, link.max_uses, link.created_by) == (2_000, "eur", 1, desk.email)
    assert db.session.scalars(select(AuditLog.action).where(AuditLog.object_type == "payment_link")).all() == [
        "payment_link.made"
    ]
    page = desk.get(f"{LIST}{link.id}")
    assert f"/checkout/{link.token}" in page.words
    assert "data:image/svg+xml" in page.html


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, "Say what is paid for."),
        ({"title": " "}, "at most 250 characters"),
        ({"title": "x" * 251}, "longer than 250"),
        ({"title": "a\x00b"}, "Say what is paid for"),
        ({"amount": "0"}, "above zero"),
        ({"amount": "-5"}, "plain digits"),
        ({"amount": "1,5"}, "with a point"),
        ({"amount": "1.005"}, "2 decimals"),
        ({"amount": "10.5", "currency": "jpy"}, "no decimals"),
        ({"amount": "1.005", "currency": "kwd"}, "steps of"),
        ({"amount": "1000000.00"}, "at most eight digits"),
        ({"amount": "9" * 40}, "plain digits"),
        ({"currency": "xxx"}, "Not a valid choice"),
        ({"customer": "cus_nobody"}, "no customer with this id"),
        ({"customer": "a\x00"}, "no customer with this id"),
        ({"max_uses": "0"}, "from 1 to"),
        ({"max_uses": "x"}, "integer"),
        ({"max_uses": "99999999999"}, "from 1 to"),
        ({"until": "yesterday"}, "valid date"),
        ({"until": "2020-01-01"}, "would be over"),
        ({"promise": "x"}, "damaged"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_typed_is_lost(app: Flask, changes: dict[str, str], words: str) -> None:
    desk = staff(app, "support")
    desk.get(NEW)

    page = desk.post(NEW, typed(**({"title": "Earl Grey"} | changes)), expect=None)

    assert page.status in {400, 404, 422}
    assert words in page.words
    assert "title" in changes or "Earl Grey" in page.html
    assert db.session.scalars(select(PaymentLink)).all() == []


def test_closing_needs_a_reason_and_happens_once(app: Flask) -> None:
    desk = staff(app, "finance")
    desk.get(NEW)
    at = str(desk.post(NEW, typed()).location)

    desk.get(at)
    assert "Say why" in desk.post(f"{at}/close", {"words": " "}, expect=400).words
    desk.post(f"{at}/close", {"words": "Sent to the wrong person"})
    assert "has closed it already" in desk.post(f"{at}/close", {"words": "Again"}, expect=409).words

    act = db.session.scalars(select(AuditLog).where(AuditLog.action == "payment_link.closed")).one()
    assert act.reason == "Sent to the wrong person"
    for state, shown in {"open": 0, "closed": 1, "used_up": 0, "expired": 0}.items():
        assert ("Darjeeling" in desk.get(f"{LIST}?state={state}").words) is bool(shown)


def test_it_is_found_by_its_words_and_its_customer(app: Flask) -> None:
    desk, customer = staff(app, "support"), factories.customer()
    desk.get(NEW)
    desk.post(NEW, typed(title="Oolong 100%", customer=customer.id))
    desk.post(NEW, typed())

    assert "Darjeeling" not in desk.get(f"{LIST}?q=100%25").words
    assert "Oolong" in desk.get(f"{LIST}?q={customer.id}").words
    assert "Oolong" in desk.get(f"{LIST}?amount_from=20&amount_to=20").words


def test_who_may_only_look_makes_none(app: Flask) -> None:
    desk = staff(app, "view_only")
    assert "Make a link" not in desk.get(LIST).words
    desk.get(NEW, expect=403)


@pytest.mark.parametrize(("last", "ends"), [(date(2028, 2, 29), datetime(2028, 3, 1, tzinfo=UTC)), (None, None)])
def test_the_last_day_is_whole(last: date | None, ends: datetime | None) -> None:
    assert PaymentLinkForm(data={"until": last}).expires_at == ends


def test_before_stripe_was_asked_whose_account_it_is_nothing_is_made(app: Flask) -> None:
    with transaction():
        db.session.execute(delete(Customer))
        db.session.execute(delete(SearchWord))
        db.session.execute(delete(Account))
    desk = staff(app, "support")
    desk.get(NEW)

    assert "Synchronise once" in desk.post(NEW, typed(), expect=409).words
