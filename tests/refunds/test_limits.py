"""How much somebody gives back alone; above it another person agrees, and only then Stripe is asked."""

from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.errors import DomainError
from app.models.approval import Approval
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.refund import Refund
from app.money import MinorUnits, Money
from app.refunds import allowances
from app.refunds.operations import refund_charge
from app.staff import operations as people
from tests import factories
from tests.desk import Desk, staff
from tests.refunds.fake_gateway import FakeGateway
from tests.refunds.test_pages import NEW, fill, gateway, nothing_happened
from tests.refunds.test_races import at_once

__all__ = ["gateway"]
ADMIN = Actor("staff", "boss@shop.example")


def limit(
    name: str = "support", *, each: int | None, day: int | None, currency: str = "eur", scope: str = "role"
) -> None:
    allowances.set_limit(
        scope,
        name,
        currency,
        approval_from=MinorUnits(each) if each is not None else None,
        per_day=MinorUnits(day) if day is not None else None,
        actor=ADMIN,
    )


def send(desk: Desk, charge: Charge, amount: str, *, expect: int = 303) -> str:
    return desk.post(NEW, fill(desk, charge, amount=amount), expect=expect).location or ""


def test_above_the_limit_stripe_hears_nothing_until_a_lead_agrees(app: Flask, gateway: FakeGateway) -> None:
    ana, lea, charge = staff(app, "support"), staff(app, "support_lead"), factories.charge(amount=150_000)

    page = send(ana, charge, "1000.00")
    assert page.startswith("/admin/approvals/")
    assert nothing_happened(gateway)
    lea.post(f"{page}/approve", {"words": "Spoke to the customer"})

    refund = db.session.query(Refund).one()
    assert (refund.amount, refund.requested_by, refund.status) == (100_000, ana.email, "succeeded")
    assert gateway.keys == [f"refund:{refund.id}"]
    assert "Done. Refunded 1000.00 EUR." in lea.get(page).words
    shown = lea.get(f"/admin/refunds/{refund.id}").words
    assert f"Asked for by {ana.email}" in shown
    assert f"Agreed to {lea.email}" in shown


def test_just_below_the_limit_nobody_is_asked(app: Flask, gateway: FakeGateway) -> None:
    ana, charge = staff(app, "support"), factories.charge(amount=150_000)

    assert send(ana, charge, "999.99").startswith("/admin/refunds/")

    act = db.session.scalars(select(AuditLog).where(AuditLog.action == "refund.requested")).one()
    assert act.after is not None
    assert (
        act.after["limit"] == "below 1000.00 EUR each, 2500.00 EUR a day, of which 0.00 EUR were given (role support)"
    )


def test_the_cent_above_the_day_needs_another_person(app: Flask, gateway: FakeGateway) -> None:
    limit(each=None, day=50_000)
    ana, first, second = staff(app, "support"), factories.charge(amount=50_000), factories.charge()
    assert send(ana, first, "499.00").startswith("/admin/refunds/")

    assert send(ana, second, "1.01").startswith("/admin/approvals/")

    assert [made["amount"] for made in gateway.made.values()] == [49_900]
    assert (
        "than the 500.00 EUR that you may give back a day"
        in ana.get(f"/admin/approvals/{db.session.query(Approval).one().id}").words
    )
    assert send(ana, factories.charge(), "1.00").startswith("/admin/refunds/")


def test_what_others_agreed_to_and_what_failed_leaves_the_day_as_it_was(app: Flask, gateway: FakeGateway) -> None:
    limit(each=40_000, day=50_000)
    ana, lea = staff(app, "support"), staff(app, "support_lead")
    lea.post(f"{send(ana, factories.charge(amount=45_000), '450.00')}/approve")
    gateway.status = "failed"
    send(ana, factories.charge(amount=39_000), "390.00")

    allowed = allowances.allowance(ana.email, "eur")

    assert allowed is not None
    assert str(allowed.left) == "500.00 EUR"


@pytest.mark.parametrize(
    ("currency", "each"), [("eur", 100_000), ("jpy", 100_000), ("isk", 10_000_000), ("kwd", 300_000), ("xxx", 100_000)]
)
def test_the_limit_of_every_currency_means_about_the_same_in_each(app: Flask, currency: str, each: int) -> None:
    ana = staff(app, "support")

    allowed = allowances.allowance(ana.email, currency)

    assert allowed is not None
    assert allowed.approval_from == Money(MinorUnits(each), currency)


def test_a_persons_own_limit_and_a_currencys_own_come_first(app: Flask) -> None:
    ana = staff(app, "support")
    limit(each=1, day=None, currency="*")
    limit(each=2, day=None, currency="eur")
    limit(ana.email, each=3, day=None, currency="*", scope="person")

    found = [allowances.allowance(ana.email, code) for code in ("eur", "usd")]
    limit(ana.email, each=4, day=None, currency="eur", scope="person")
    found.append(allowances.allowance(ana.email, "eur"))

    assert [one.approval_from.minor for one in found if one and one.approval_from] == [3, 3, 4]


def test_a_role_without_a_limit_gives_nothing_back_alone(app: Flask, gateway: FakeGateway) -> None:
    [support] = [row for row in allowances.every() if row.name == "support"]
    allowances.remove_limit(support.id, actor=ADMIN)

    assert send(staff(app, "support"), factories.charge(), "0.01").startswith("/admin/approvals/")
    assert gateway.keys == []


def test_a_dispute_that_came_in_meanwhile_is_seen_when_it_is_agreed_to(app: Flask, gateway: FakeGateway) -> None:
    ana, lea, charge = staff(app, "support"), staff(app, "support_lead"), factories.charge(amount=150_000)
    page = send(ana, charge, "1200")
    factories.dispute(charge)

    shown = lea.get(page).words
    lea.post(f"{page}/approve")

    assert "In the way Nothing The customer's bank is already taking this money back" in shown
    assert "It was agreed to, but could not be done. The customer's bank is already taking" in lea.get(page).words
    assert nothing_happened(gateway)


def test_what_is_not_left_any_more_is_not_given_back(app: Flask, gateway: FakeGateway) -> None:
    ana, lea, charge = staff(app, "support"), staff(app, "support_lead"), factories.charge(amount=150_000)
    page = send(ana, charge, "1200")
    factories.refund(charge, amount=40_000)

    lea.post(f"{page}/approve")

    assert "Only 1100.00 EUR of 1500.00 EUR is left to refund." in lea.get(page).words
    assert gateway.keys == []


def test_what_cannot_be_refunded_is_not_even_asked_for(app: Flask, gateway: FakeGateway) -> None:
    ana, charge = staff(app, "support"), factories.charge(amount=150_000)

    page = ana.post(NEW, fill(ana, charge, amount="1500.01"), expect=422)

    assert "Only 1500.00 EUR of 1500.00 EUR is left" in page.words
    assert db.session.query(Approval).count() == 0


def test_the_same_form_sent_twice_is_one_request_and_the_next_one_is_told(app: Flask, gateway: FakeGateway) -> None:
    ana, ben, charge = staff(app, "support"), staff(app, "support"), factories.charge(amount=300_000)
    typed = fill(ana, charge, amount="1200")

    first, again = ana.post(NEW, typed), ana.post(NEW, typed)
    other = ben.post(NEW, fill(ben, charge, amount="1000"), expect=409)

    assert first.location == again.location
    assert f"{ana.email} has already asked for this" in other.words
    assert f"{ana.email} asked for this: Refund 1200.00 EUR" in ben.get(f"{NEW}?charge={charge.id}").words


def test_where_nobody_may_agree_it_is_refused(app: Flask, gateway: FakeGateway) -> None:
    admin, ana, charge = staff(app, "admin"), staff(app, "support"), factories.charge(amount=150_000)
    admin.post("/admin/approval-rules/refund", {"needed": "1", "expires_after_days": "7"})

    page = ana.post(NEW, fill(ana, charge, amount="1200"), expect=422)

    assert "From 1000.00 EUR on, another person has to agree." in page.words
    assert nothing_happened(gateway)


def test_the_database_takes_no_refund_that_nobody_agreed_to(app: Flask, gateway: FakeGateway) -> None:
    ana, charge = staff(app, "support"), factories.charge(amount=150_000)
    send(ana, charge, "1200")
    approval = db.session.query(Approval).one()
    now = clock.now()
    common = {
        "account_id": charge.account_id, "charge_id": charge.id, "amount": 120_000, "currency": "eur", "status": "requested",
        "reason_text": "x", "requested_by": ana.email, "requested_at": now, "seen_at": now, "heard_at": now, "rank": 0,
    }  # fmt: skip

    for approval_id in (None, approval.id):
        with pytest.raises(DBAPIError), transaction():
            db.session.add(Refund(approval_id=approval_id, **common))

    assert db.session.query(Refund).count() == 0


def test_many_at_once_never_exceed_the_day(committed: Flask) -> None:
    limit(each=None, day=50_000)
    people.add_staff("ana@shop.example", role="support", password="four unrelated words", actor=ADMIN)
    gateway, charges = FakeGateway(), [factories.charge(amount=10_000).id for _ in range(16)]

    def click(n: int) -> str:
        money, actor = Money(MinorUnits(10_000), "eur"), Actor("staff", "ana@shop.example")
        return refund_charge(
            charges[n], money, promise_id=uuid4(), reason="other", reason_text="Broken", actor=actor, gateway=gateway
        ).status

    said = at_once(committed, click, times=16)

    assert sum(made["amount"] for made in gateway.made.values()) == 50_000
    assert len([words for words in said if words.startswith("AboveLimit")]) == 11


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "XYZ"},
        {"approval_from": "1,5"},
        {"per_day": "-1"},
        {"scope": "person", "person": "nobody@shop.example"},
        {"scope": "team"},
        {"role": "view_only"},
        {"per_day": "1" * 30},
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_in_words(app: Flask, wrong: dict[str, str]) -> None:
    admin, before = staff(app, "admin"), len(allowances.every())
    typed = {"scope": "role", "role": "support", "currency": "EUR", "approval_from": "5", "per_day": "10"}

    admin.post("/admin/refund-rules/limits", typed | wrong, expect=400)

    assert len(allowances.every()) == before


def test_an_admin_sets_and_removes_limits_and_reasons(app: Flask) -> None:
    admin, ana, charge = staff(app, "admin"), staff(app, "support"), factories.charge()
    admin.post(
        "/admin/refund-rules/limits",
        {"scope": "role", "role": "support", "currency": "EUR", "approval_from": "5.50", "per_day": ""},
    )
    admin.post("/admin/refund-rules/reasons", {"words": "Broken in the post", "stripe": "requested_by_customer"})
    admin.post("/admin/refund-rules/reasons/goodwill/retire")

    page, form = admin.get("/admin/refund-rules/"), ana.get(f"{NEW}?charge={charge.id}")

    [row] = [row for row in allowances.every() if row.currency == "eur"]
    assert (row.approval_from, row.per_day, row.set_by) == (550, None, admin.email)
    assert "Goodwill Requested by customer Retired" in page.words
    assert "Broken in the post" in form.words
    assert "Goodwill" not in form.words
    assert "From 5.50 EUR on, another person has to agree" in form.words
    admin.post(f"/admin/refund-rules/limits/{row.id}/remove")
    assert [row.currency for row in allowances.every()] == ["*"] * 4
    acts = [act for (act,) in db.session.query(AuditLog.action).order_by(AuditLog.id)]
    assert [act for act in acts if act.startswith("refund.")] == [
        "refund.limit_set", "refund.reason_added", "refund.reason_retired", "refund.limit_removed",
    ]  # fmt: skip


def test_a_retired_reason_is_refused_and_the_last_one_stays(app: Flask, gateway: FakeGateway) -> None:
    admin, ana, charge = staff(app, "admin"), staff(app, "support"), factories.charge()
    for code in ("duplicate", "not_delivered", "goodwill", "fraudulent", "requested_by_customer", "other"):
        admin.post(f"/admin/refund-rules/reasons/{code}/retire")

    page = ana.post(
        NEW,
        {"charge": charge.id, "promise": str(uuid4()), "amount": "1", "reason": "goodwill", "words": "x"},
        expect=400,
    )

    assert "One reason has to stay." in admin.get("/admin/refund-rules/").words
    assert "Something else" in page.words
    assert nothing_happened(gateway)


def test_a_long_note_is_kept_here_and_in_two_pieces_at_stripe(app: Flask, gateway: FakeGateway) -> None:
    ana, charge, words = staff(app), factories.charge(), "ü" * 999 + "x"

    ana.post(NEW, fill(ana, charge, amount="1", words=words))

    [made] = gateway.made.values()
    assert made["metadata"]["counterfoil_note"] == "ü" * 500
    assert made["metadata"]["counterfoil_note_2"] == "ü" * 499 + "x"
    assert db.session.query(Refund).one().reason_text == words


def test_only_people_have_limits(app: Flask) -> None:
    assert allowances.allowance("settle_refunds", "eur") is None


def test_a_refusal_names_what_to_do(app: Flask) -> None:
    with pytest.raises(DomainError, match="Choose a role"):
        limit("nobody@shop.example", each=1, day=1, scope="person")
