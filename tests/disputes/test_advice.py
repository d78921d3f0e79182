"""Whether an answer is worth it: from our own history, with its number, and silent where that is small."""

from typing import Any

import pytest
from flask import Flask

from app.actor import Actor
from app.database import db
from app.disputes import advice as advices
from app.disputes.advice import Advice, advice
from app.disputes.sheet import sheet
from app.errors import BadAmount, BadRequest, DomainError
from app.models.audit_log import AuditLog
from app.models.dispute import Dispute
from app.models.fight_cost import FightCost
from tests import factories
from tests.desk import staff

ANA = Actor("staff", "ana@shop.example")


def past(status: str, times: int, *, fields: int = 2, **columns: Any) -> None:
    evidence = {f"field_{n}": "x" for n in range(fields)} | {"empty": "", "none": None, "enhanced_evidence": {"a": "b"}}
    for _ in range(times):
        plain = {"status": status, "submission_count": 1, "brand": "visa", "fee": 1_500, "evidence": evidence}
        factories.dispute(factories.charge(), **plain | columns)


def now(**columns: Any) -> Dispute:
    return factories.dispute(factories.charge(amount=10_000), **{"brand": "visa"} | columns)


def of(dispute: Dispute, **suggested: str) -> Advice | None:
    return advice(dispute, sheet(dispute, None, suggested=suggested))


def test_the_worth_is_the_share_of_the_amount_less_what_answering_costs(app: Flask) -> None:
    past("won", 14)
    past("lost", 7)
    dispute = now()
    form = {"currency": "EUR", "minutes": "30", "minute": "0.50", "counter_fee": "20"}
    advices.set_cost(dispute.account_id, form, actor=ANA)

    told = of(dispute)

    assert told is not None
    assert (told.decided, told.won, told.chance) == (21, 14, "66.7 %")
    assert [str(m) for m in (told.expected, told.work, told.worth)] == ["66.67 EUR", "15.00 EUR", "31.67 EUR"]
    page = staff(app, "dispute_analyst").get(f"/admin/disputes/{dispute.id}")
    assert "Answering is worth it" in page.words
    assert "66.7 % × 100.00 EUR − 20.00 EUR − 15.00 EUR" in page.words.replace("EUR 100.00", "100.00 EUR")
    assert "Accept and lose it" in page.words
    assert "Write evidence" in page.words


@pytest.mark.parametrize(("decided", "enough"), [(0, False), (19, False), (20, True)])
def test_below_twenty_there_are_too_few(app: Flask, decided: int, enough: bool) -> None:
    past("lost", decided)
    dispute = now()

    told, page = of(dispute), staff(app, "dispute_analyst").get(f"/admin/disputes/{dispute.id}")

    assert told is not None
    assert (told.decided, told.is_enough) == (decided, enough)
    assert ("Too few to say" in page.words) is not enough
    assert ("Answering costs more than it brings" in page.words) is enough
    assert ("Accept and lose it" in page.words, "Write evidence" in page.words) == (True, True)
    assert "Nobody has set what answering costs in EUR" in page.words


def test_only_what_is_like_it_counts(app: Flask) -> None:
    past("won", 3)
    past("won", 1, reason="duplicate")
    past("won", 1, brand="mastercard")
    past("won", 1, fields=9)
    past("lost", 1, fee=0)
    past("lost", 1, submission_count=0)
    past("won", 1, account_id=factories.another_account().id)

    told = of(now())
    full = of(
        now(),
        **dict.fromkeys(("product_description", "customer_name", "billing_address", "customer_purchase_ip"), "x"),
    )

    assert told is not None
    assert full is not None
    assert (told.decided, told.fields) == (3, (0, 3))
    assert (full.decided, full.fields) == (0, (4, 7))


@pytest.mark.parametrize("status", ["warning_needs_response", "under_review", "won", "lost", "prevented"])
def test_there_is_none_where_nothing_is_to_be_decided(app: Flask, status: str) -> None:
    assert of(now(status=status)) is None
    assert of(now(due_at=None)) is None
    assert of(now(method_type="sepa_debit")) is None


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"currency": "eurr"}, BadRequest),
        ({"currency": ""}, BadRequest),
        ({"minutes": "-1"}, BadRequest),
        ({"minutes": "1001"}, BadRequest),
        ({"minutes": "1.5"}, BadRequest),
        ({"minutes": "٣"}, BadRequest),
        ({"minute": "1,50"}, BadAmount),
        ({"minute": "0.001"}, BadAmount),
        ({"minute": "-1"}, BadAmount),
        ({"minute": "9" * 17}, BadAmount),
        ({"counter_fee": "x"}, BadAmount),
    ],
)
def test_a_cost_that_makes_no_sense_is_refused_at_its_form(
    app: Flask, changed: dict[str, str], error: type[DomainError]
) -> None:
    form = {"currency": "eur", "minutes": "30", "minute": "0.50", "counter_fee": "20"} | changed
    admin = staff(app, "admin")
    account_id = factories.account().id
    admin.get("/admin/dispute-rules/")

    with pytest.raises(error) as refusal:
        advices.set_cost(account_id, form, actor=ANA)
    page = admin.post("/admin/dispute-rules/costs", form, expect=refusal.value.status)

    assert str(refusal.value) in page.words
    assert db.session.query(FightCost).count() == 0


def test_a_cost_is_set_again_and_each_time_on_record(app: Flask) -> None:
    factories.account()
    admin = staff(app, "admin")
    admin.get("/admin/dispute-rules/")
    form = {"currency": "JPY", "minutes": "30", "minute": "50", "counter_fee": "0"}

    admin.post("/admin/dispute-rules/costs", form)
    admin.post("/admin/dispute-rules/costs", form | {"minutes": "20"})

    cost = db.session.query(FightCost).one()
    assert (cost.currency, cost.minutes, cost.minute, cost.counter_fee) == ("jpy", 20, 50, 0)
    assert db.session.query(AuditLog).filter_by(action="fight_cost.set", actor=admin.email).count() == 2
