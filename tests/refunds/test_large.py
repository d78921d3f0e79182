"""Refunds of a large amount ask for the password again, and lose nothing of what was typed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from app import clock
from app.database import db
from app.models.audit_log import AuditLog
from app.models.refund import Refund
from app.models.staff import StaffSession
from app.money import MinorUnits, Money
from app.refunds.limits import is_large
from tests import factories
from tests.desk import PASSWORD, Desk, Page, staff
from tests.refunds.fake_gateway import FakeGateway
from tests.refunds.test_pages import NEW, fill, gateway, nothing_happened

__all__ = ["gateway"]

WORDS = "Sent the wrong size,\r\n“twice” <b>& more</b> 払い戻し"


@pytest.fixture
def later() -> Iterator[Any]:
    """later(minutes=…): time passes."""
    with time_machine.travel(clock.now(), tick=False) as traveller:
        yield lambda **by: traveller.shift(timedelta(**by))


def password_asked(page: Page) -> bool:
    return (page.location or "").startswith("/login/again?next=")


def prove(desk: Desk, asked: Page) -> Page:
    """Give the password as the page asks for it; the page that follows."""
    [form] = desk.get(asked.location or "").forms
    proved = desk.post("/login/again", {"next": form["next"], "password": PASSWORD})
    return desk.get(proved.location or "")


@pytest.mark.parametrize(
    ("currency", "limit"),
    [
        *[("eur", 500_00), ("usd", 500_00), ("gbp", 500_00), ("xxx", 500_00)],
        *[("jpy", 50_000), ("krw", 50_000), ("isk", 50_000_00), ("ugx", 50_000_00)],
        *[("kwd", 150_000), ("bhd", 150_000)],
    ],
)
def test_large_begins_at_the_limit_of_each_currency(currency: str, limit: int) -> None:
    assert is_large(Money(MinorUnits(limit), currency))
    assert not is_large(Money(MinorUnits(limit - 1), currency))


def test_a_large_refund_asks_for_the_password_and_the_form_is_there_again_as_it_was(
    app: Flask, gateway: FakeGateway, later: Any
) -> None:
    charge, ana = factories.charge(amount=90_000), staff(app)
    typed = fill(ana, charge, amount="500.00", words=WORDS, reason="goodwill")
    later(minutes=11)

    asked = ana.post(NEW, typed)
    assert password_asked(asked)
    assert nothing_happened(gateway)
    page = prove(ana, asked)

    assert "Nothing was changed yet" in page.words
    assert 'value="500.00"' in page.html
    assert '<option selected value="goodwill">' in page.html
    assert "“twice” &lt;b&gt;&amp; more&lt;/b&gt; 払い戻し" in page.html
    assert nothing_happened(gateway)
    [form] = [form for form in page.forms if form["action"] == NEW]
    assert {name: form[name] for name in ("charge", "promise", "amount")} == {
        name: typed[name] for name in ("charge", "promise", "amount")
    }
    answer = ana.post(NEW, typed)

    refund = db.session.query(Refund).one()
    assert answer.location == f"/admin/refunds/{refund.id}"
    assert (refund.amount, refund.reason_text, refund.status) == (50_000, WORDS, "succeeded")
    assert db.session.query(StaffSession.unfinished).scalar() is None
    acts = [act for (act,) in db.session.query(AuditLog.action).order_by(AuditLog.id)]
    assert acts[-3:] == ["staff.proved", "refund.requested", "refund.answered"]


def test_one_soon_after_the_password_and_small_ones_after_it_ask_nothing(
    app: Flask, gateway: FakeGateway, later: Any
) -> None:
    charge, ana = factories.charge(amount=200_000), staff(app)
    later(minutes=9)
    assert not password_asked(ana.post(NEW, fill(ana, charge, amount="600.00")))
    ana.get("/login/again")
    ana.post("/login/again", {"password": PASSWORD, "next": "/admin/"})
    later(minutes=11)

    assert not password_asked(ana.post(NEW, fill(ana, charge, amount="499.99")))

    assert [made["amount"] for made in gateway.made.values()] == [60_000, 49_999]


def test_small_ones_add_up_until_the_password_is_given_again(app: Flask, gateway: FakeGateway, later: Any) -> None:
    charge, ana = factories.charge(amount=200_000), staff(app)
    later(minutes=11)
    assert not password_asked(ana.post(NEW, fill(ana, charge, amount="300.00")))
    second = fill(ana, charge, amount="200.00")

    asked = ana.post(NEW, second)
    assert password_asked(asked)
    prove(ana, asked)
    later(minutes=11)

    assert not password_asked(ana.post(NEW, second))
    assert [made["amount"] for made in gateway.made.values()] == [30_000, 20_000]


def test_a_wrong_password_and_a_way_round_give_nothing_back(app: Flask, gateway: FakeGateway, later: Any) -> None:
    charge, ana = factories.charge(amount=90_000), staff(app)
    typed = fill(ana, charge, amount="500")
    later(minutes=11)

    asked = ana.post(NEW, typed)
    ana.post("/login/again", {"password": "wrong", "next": asked.location}, expect=401)

    assert password_asked(ana.post(NEW, typed))
    assert nothing_happened(gateway)


def test_what_was_typed_is_for_its_payment_and_its_browser_alone(app: Flask, gateway: FakeGateway, later: Any) -> None:
    charge, other, ana, ben = factories.charge(amount=90_000), factories.charge(amount=80_000), staff(app), staff(app)
    typed = fill(ana, charge, amount="700.00", words=WORDS)
    later(minutes=11)
    ana.post(NEW, typed)

    pages = [ana.get(f"{NEW}?charge={other.id}&again=yes"), ben.get(f"{NEW}?charge={charge.id}&again=yes")]
    pages.append(ana.get(f"{NEW}?charge={charge.id}"))

    assert ['value="700.00"' in page.html or "wrong size" in page.html for page in pages] == [False] * 3


@pytest.mark.parametrize("odd", ["a\0b", "x" * 1_000, "払" * 1_000, '"}{\\'])
def test_whatever_was_typed_comes_through(app: Flask, gateway: FakeGateway, later: Any, odd: str) -> None:
    charge, ana = factories.charge(amount=90_000), staff(app)
    typed = fill(ana, charge, amount="500", words=odd, promise="\0")
    later(minutes=11)

    page = prove(ana, ana.post(NEW, typed))

    assert page.words.count(odd.replace("\0", "\N{REPLACEMENT CHARACTER}")) == 1
    assert nothing_happened(gateway)
