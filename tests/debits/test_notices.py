"""Who is debited knows it before: told by mail or written down, once, and asked for where a debit is promised."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.debits import notices
from app.models.audit_log import AuditLog
from app.models.debit_notice import DebitNotice, DebitNoticeRule
from app.models.debits import DebitStopped, Planned, check_may_debit
from app.models.invoice import Invoice
from app.models.mail import Mail
from app.money import MinorUnits, Money
from tests import factories
from tests.desk import staff

COMING = "/admin/debits_to_come/"
ADMIN = Actor("staff", "admin@shop.example")


def coming(
    *, days: float = 10, scheme: str = "sepa_debit", email: str | None = "mira@example.com", **columns: Any
) -> Invoice:
    """An invoice over 50.00 EUR that Stripe will debit in so many days."""
    customer = factories.customer(name="Mira Faber", email=email)
    account = factories.payment_method(type=scheme, customer_id=customer.id, brand=None, last4="3000")
    factories.mandate(payment_method_id=account.id, reference="REF-7", payment_method_type=scheme)
    order = factories.subscription(customer_id=customer.id, default_payment_method_id=account.id)
    at = clock.now() + timedelta(days=days)
    return factories.open_invoice(
        **{"customer_id": customer.id, "subscription_id": order.id, "number": "INV-1", "next_payment_attempt_at": at}
        | columns
    )


def we_send(scheme: str = "sepa_debit", *, days: int = 2, blocks: bool = True) -> None:
    notices.set_rule(scheme, days=days, blocks=blocks, stripe_sends=False, source="Our terms, 4.2", actor=ADMIN)


def may(invoice: Invoice, *, minor: int = 5_000, on: date | None = None) -> str:
    assert invoice.next_payment_attempt_at
    day = on or invoice.next_payment_attempt_at.date()
    method_id = notices.debits_of([invoice])[invoice.id].method.id
    db.session.rollback()
    try:
        with transaction():
            planned = Planned(invoice.id, Money(MinorUnits(minor), "eur"), day)
            check_may_debit(method_id, account_id=invoice.account_id, debit=planned)
    except DebitStopped as refusal:
        return str(refusal)
    return "yes"


def test_out_of_the_box_stripe_tells_them_two_days_before(app: Flask) -> None:
    rules = {scheme: DebitNoticeRule.on(scheme, date(2026, 11, 1)) for scheme in ("sepa_debit", "bacs_debit")}

    assert {s: (r.days, r.blocks, r.stripe_sends) for s, r in rules.items() if r} == {
        "sepa_debit": (2, True, True),
        "bacs_debit": (2, True, True),
    }
    assert all(rule and rule.source for rule in rules.values())
    assert may(coming()) == "yes"


@pytest.mark.parametrize("scheme", ["sepa_debit", "bacs_debit"])
def test_where_we_tell_them_nothing_is_debited_before(app: Flask, scheme: str) -> None:
    we_send(scheme)
    invoice = coming(scheme=scheme)
    desk = staff(app, "support")
    assert may(invoice).startswith("Nobody was told of this debit of 50.00 EUR at least 2 days before")

    assert "To be told" in desk.get(COMING).words
    assert "They have to be told by" in desk.get(f"{COMING}{invoice.id}").words
    desk.post(f"{COMING}{invoice.id}/send")
    desk.post(f"{COMING}{invoice.id}/send", expect=409)

    assert may(invoice) == "yes"
    mail = db.session.scalars(select(Mail)).one()
    assert (mail.recipient, mail.about_id) == ("mira@example.com", invoice.id)
    for word in ("50.00 EUR", "INV-1", "3000", "REF-7", "SEPA debit" if scheme == "sepa_debit" else "Bacs debit"):
        assert word in mail.text
    notice = db.session.scalars(select(DebitNotice)).one()
    assert (notice.how, notice.mail_id, notice.noted_by) == ("mail", mail.id, desk.email)
    assert (notice.told_on, notice.debit_on) == (clock.now().date(), invoice.next_payment_attempt_at.date())
    acts = db.session.scalars(select(AuditLog).where(AuditLog.action == "debit_notice.noted")).all()
    assert [(act.actor, act.object_id) for act in acts] == [(desk.email, invoice.id)]
    assert "Told" in desk.get(COMING).words
    assert "By our mail" in desk.get("/admin/debit_notices/").words


def test_a_notice_counts_for_its_amount_and_no_earlier_day(app: Flask) -> None:
    we_send(days=5)
    invoice = coming(days=10)
    notices.send(invoice.id, account_id=invoice.account_id, actor=ADMIN)
    day = invoice.next_payment_attempt_at.date()

    assert may(invoice) == "yes"
    assert may(invoice, on=day + timedelta(days=3)) == "yes"
    assert may(invoice, on=day - timedelta(days=1)) != "yes"
    assert may(invoice, minor=5_001) != "yes"


@pytest.mark.parametrize(("told", "answer"), [(2, "yes"), (1, "no"), (0, "no")])
def test_days_before_are_counted_exactly(app: Flask, told: int, answer: str) -> None:
    we_send(days=2)
    invoice = coming(days=0.001)
    assert invoice.next_payment_attempt_at
    day = invoice.next_payment_attempt_at.date()

    notices.record(
        invoice.id,
        account_id=invoice.account_id,
        told_on=day - timedelta(days=told),
        how="elsewhere",
        words="Letter 7",
        actor=ADMIN,
    )

    assert (may(invoice) == "yes") is (answer == "yes")


def test_when_it_is_too_late_no_mail_pretends_otherwise(app: Flask) -> None:
    we_send(days=5)
    invoice = coming(days=3)
    desk = staff(app, "support")

    assert "too late" in desk.get(f"{COMING}{invoice.id}").words
    assert "It is too late" in desk.post(f"{COMING}{invoice.id}/send", expect=400).words

    assert db.session.scalars(select(Mail)).all() == []
    assert db.session.scalars(select(DebitNotice)).all() == []


def test_what_was_told_elsewhere_is_written_down_with_where_to_find_it(app: Flask) -> None:
    we_send()
    invoice = coming(email=None)
    desk, today = staff(app, "support"), clock.now().date()
    path = f"{COMING}{invoice.id}/record"
    told = {"how": "elsewhere", "told_on": today.isoformat(), "words": "Letter 2026-77"}

    assert "No e-mail address" in desk.post(f"{COMING}{invoice.id}/send", expect=400).words
    desk.post(path, told | {"words": " "}, expect=400)
    desk.post(path, told | {"told_on": (today + timedelta(days=1)).isoformat()}, expect=400)
    desk.post(path, told | {"told_on": "yesterday"}, expect=400)
    desk.post(path, told | {"how": "mail"}, expect=400)
    assert db.session.scalars(select(DebitNotice)).all() == []
    desk.post(path, told)
    desk.post(path, told, expect=409)

    assert [(n.how, n.words) for n in db.session.scalars(select(DebitNotice))] == [("elsewhere", "Letter 2026-77")]
    assert may(invoice) == "yes"


def test_a_rule_that_only_reminds_stops_nothing(app: Flask) -> None:
    we_send(blocks=False)

    assert may(coming()) == "yes"


def test_whoever_asks_without_saying_which_debit_is_refused(app: Flask) -> None:
    we_send()
    invoice = coming()
    method_id = notices.debits_of([invoice])[invoice.id].method.id
    db.session.rollback()

    with pytest.raises(DebitStopped, match="Say which debit"), transaction():
        check_may_debit(method_id, account_id=invoice.account_id)


def test_only_what_will_be_debited_is_listed(app: Flask) -> None:
    shown = coming(number="INV-SEPA")
    coming(number="INV-CARD", scheme="card")
    coming(number="INV-PAID", status="paid")
    coming(number="INV-LATER", next_payment_attempt_at=None)

    words = staff(app, "support").get(COMING).words

    assert "INV-SEPA" in words
    assert [name for name in ("INV-CARD", "INV-PAID", "INV-LATER") if name in words] == []
    assert shown.number == "INV-SEPA"


def test_an_admin_sets_the_rule_with_its_source_and_the_old_one_stays_to_be_read(app: Flask) -> None:
    admin, path = staff(app, "admin"), "/admin/notice_rules/"
    form = {"scheme": "sepa_debit", "days": "14", "sender": "us", "blocks": "yes", "source": "EPC rulebook"}

    staff(app, "finance").get(path, expect=403)
    for wrong in ({"days": "0"}, {"days": "31"}, {"days": "two"}, {"scheme": "card"}, {"source": " "}):
        admin.post(path, form | wrong, expect=400)
    admin.post(path, form)

    rule = DebitNoticeRule.on("sepa_debit", clock.now().date())
    assert rule
    assert (rule.days, rule.blocks, rule.stripe_sends, rule.source) == (14, True, False, "EPC rulebook")
    before = DebitNoticeRule.on("sepa_debit", clock.now().date() - timedelta(days=1))
    assert before
    assert before.days == 2
    [act] = db.session.scalars(select(AuditLog).where(AuditLog.action == "debit_notice.rule_set"))
    assert (act.actor, act.reason, act.before["days"], act.after["days"]) == (admin.email, "EPC rulebook", 2, 14)
    assert "EPC rulebook" in admin.get(path).words
    with transaction():
        assert db.session.scalar(text("SELECT count(*) FROM debit_notice_rules")) == 3
