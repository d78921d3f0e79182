"""Early fraud warnings: one resolution each, for good, whoever says so first; and a rule that only suggests."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit.sentences import sentence
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.mirror import kinds
from app.models.audit_log import AuditLog
from app.models.block_list_item import BlockListItem
from app.models.charge import Charge
from app.models.early_fraud_warning import RESOLUTIONS, EarlyFraudWarning
from app.models.fraud_rule import FraudRule
from app.risk import fraud_rules
from app.risk.fraud_warnings import resolve, settle
from tests import factories
from tests.desk import staff
from tests.factories import NOON
from tests.objects import told
from tests.refunds.test_races import at_once

ANA = Actor("staff", "ana@shop.example")
DESK = "/admin/fraud-warnings/"
RULE = "/admin/fraud-rules/"
WHY = "The customer sent a photo of the receipt"


def warned(charge: Charge | None = None, **columns: Any) -> str:
    """A warning about a payment of yesterday; its id."""
    charge = charge or factories.charge(created_at=clock.now() - timedelta(days=1), risk_level="elevated")
    return factories.fraud_warning(charge, **columns).id


def say(warning_id: str, resolution: str = "ignored", words: str = WHY, actor: Actor = ANA) -> None:
    resolve(warning_id, resolution, account_id=factories.account().id, words=words, actor=actor)


def now(warning_id: str) -> EarlyFraudWarning:
    db.session.rollback()
    return db.session.get_one(EarlyFraudWarning, warning_id, populate_existing=True)


def trail() -> list[str]:
    db.session.rollback()
    return [sentence(entry) for entry in db.session.query(AuditLog).filter_by(object_type="fraud_warning")]


def test_a_person_resolves_it_once_and_the_trail_says_why(app: Flask) -> None:
    warning_id = warned()

    say(warning_id, "customer_confirmed")
    with pytest.raises(Conflict, match=r"ana@shop\.example resolved this warning on .*: confirmed by the customer\."):
        say(warning_id, "ignored", actor=Actor("staff", "ben@shop.example"))

    found = now(warning_id)
    assert (found.state, found.resolved_by, found.resolved_words) == ("customer_confirmed", ANA.name, WHY)
    assert trail() == [
        f"ana@shop.example resolved fraud warning {warning_id} of {found.charge_id}: confirmed by the customer"
    ]


@pytest.mark.parametrize("resolution", ["refunded", "disputed", "not_actionable", "", "nonsense", "\0"])
def test_a_person_says_only_what_stripe_cannot_tell(app: Flask, resolution: str) -> None:
    warning_id = warned()

    with pytest.raises(BadRequest, match="Choose what became of it"):
        say(warning_id, resolution)

    assert (now(warning_id).state, trail()) == ("open", [])


def test_without_words_or_of_somebody_else_nothing_is_resolved(app: Flask) -> None:
    warning_id, theirs = warned(), warned(account_id=factories.another_account().id)

    with pytest.raises(ReasonMissing):
        say(warning_id, words=" ")
    with pytest.raises(Unknown):
        say(theirs)
    with pytest.raises(Conflict, match="over at Stripe"):
        say(warned(actionable=False))

    assert trail() == []


def test_refunded_in_part_is_said_only_of_what_was(app: Flask) -> None:
    in_part = factories.charge(amount_refunded=1_000)

    with pytest.raises(Conflict, match="was not refunded in part"):
        say(warned(), "refunded_in_part")
    say(warned(in_part), "refunded_in_part")

    assert trail()[0].endswith("refunded in part")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE early_fraud_warnings SET resolution = 'refunded', resolved_words = NULL",
        "UPDATE early_fraud_warnings SET resolution = NULL, resolved_at = NULL, resolved_by = NULL, resolved_words = NULL",
        "UPDATE early_fraud_warnings SET resolved_by = 'ben@shop.example'",
        "UPDATE early_fraud_warnings SET resolved_at = now() + interval '1 day'",
        "DELETE FROM early_fraud_warnings",
    ],
)
def test_the_database_lets_nobody_change_or_delete_what_is_resolved(app: Flask, change: str) -> None:
    warning_id = warned()
    say(warning_id)

    with pytest.raises(IntegrityError, match="is resolved"), transaction():
        db.session.execute(text(change))

    assert now(warning_id).state == "ignored"


@pytest.mark.parametrize(
    "values",
    [
        "resolution = 'lost', resolved_at = now(), resolved_by = 'ana'",
        "resolution = 'ignored', resolved_at = now(), resolved_by = 'ana'",
        "resolution = 'disputed', resolved_at = now(), resolved_by = 'ana', resolved_words = 'x'",
        "resolution = 'disputed', resolved_at = now()",
        "resolved_words = 'x'",
    ],
)
def test_the_database_takes_one_of_six_and_words_where_a_person_speaks(app: Flask, values: str) -> None:
    warned()

    with pytest.raises(IntegrityError, match="ck_early_fraud_warnings"), transaction():
        db.session.execute(text(f"UPDATE early_fraud_warnings SET {values}"))


def test_news_of_a_resolved_warning_is_still_taken_in(app: Flask) -> None:
    warning_id = warned()
    say(warning_id)
    obj = {"id": warning_id, "object": "radar.early_fraud_warning", "actionable": False, "created": 1, "charge": "ch_1"}

    with transaction():
        saved = kinds.save_all("radar.early_fraud_warning", [obj], told(factories.account().id, 90))

    assert saved.applied == [warning_id]
    assert (now(warning_id).actionable, now(warning_id).state) == (False, "ignored")


def test_of_ten_people_at_once_one_resolves_it(committed: Flask) -> None:
    warning_id = warned()

    def click(n: int) -> str:
        say(warning_id, ("ignored", "customer_confirmed")[n % 2], actor=Actor("staff", f"agent{n}@shop.example"))
        return f"agent{n}@shop.example"

    said = at_once(committed, click, times=10)

    [first] = [words for words in said if words.startswith("agent")]
    assert now(warning_id).resolved_by == first
    assert all(f"Conflict: {first} resolved this warning" in words for words in said if words != first)
    assert len(trail()) == 1


def test_the_job_and_a_person_at_once_are_one_resolution(committed: Flask) -> None:
    warnings = [warned(factories.charge(refunded=True, amount_refunded=5_000)) for _ in range(8)]

    def act(n: int) -> str:
        if n % 2:
            return str(settle())
        for warning_id in warnings:
            try:
                say(warning_id, actor=Actor("staff", f"agent{n}@shop.example"))
            except Conflict:
                continue
        return "0"

    at_once(committed, act, times=4)

    assert {now(warning_id).state for warning_id in warnings} <= {"refunded", "ignored"}
    assert len(trail()) == 8


def test_the_job_resolves_what_was_refunded_disputed_or_is_over(app: Flask) -> None:
    refunded = warned(factories.charge(refunded=True, amount_refunded=5_000), actionable=False)
    disputed_charge = factories.charge(disputed=True)
    factories.dispute(disputed_charge)
    both_charge = factories.charge(disputed=True, refunded=True, amount_refunded=5_000)
    factories.dispute(both_charge, status="warning_closed")
    disputed, both = warned(disputed_charge, actionable=False), warned(both_charge, actionable=False)
    over = warned(actionable=False, heard_at=clock.now() - timedelta(hours=2))
    early = warned(actionable=False, heard_at=clock.now() - timedelta(minutes=5))
    waiting, in_part = warned(), warned(factories.charge(amount_refunded=1_000))

    assert (settle(), settle()) == (4, 0)

    expected = {refunded: "refunded", disputed: "disputed", both: "disputed", over: "not_actionable", early: "settling",
                waiting: "open", in_part: "open"}  # fmt: skip
    assert {warning_id: now(warning_id).state for warning_id in expected} == expected
    assert now(refunded).resolved_by == "settle_fraud_warnings"


def test_more_than_fit_into_one_look_are_all_settled(app: Flask) -> None:
    charge = factories.charge(refunded=True, amount_refunded=5_000)
    for _ in range(205):
        warned(charge)

    assert settle() == 205


def _rule(**changes: Any) -> FraudRule:
    return FraudRule(**{"days": 120, "from_risk": "elevated", "counts_blocked": True} | changes)


@pytest.mark.parametrize(
    ("rule", "payment", "blocked", "expected"),
    [
        ({}, ("elevated", 1), (), ("refund", "Elevated risk, and a dispute is still likely.")),
        ({}, ("highest", 120), (), ("refund", "Highest risk")),
        ({}, ("highest", 121), (), ("ignore", "121 days old; after 120 days")),
        ({}, ("normal", 1), (), ("ignore", "Normal risk, and nothing of the buyer is on the block list.")),
        ({}, ("normal", 1), ("card",), ("refund", "On the block list: card.")),
        ({"counts_blocked": False}, ("normal", 1), ("card",), ("ignore", "Normal risk.")),
        ({"from_risk": "highest"}, ("elevated", 1), (), ("ignore", "Elevated risk")),
        ({"from_risk": "normal"}, (None, 1), (), ("refund", "Its risk is not known")),
        ({}, ("not_assessed", 1), (), ("ignore", "Its risk is not known")),
        ({"days": 7}, ("highest", 8), ("card",), ("ignore", "8 days old")),
    ],
)
def test_what_the_rule_suggests_and_why(
    app: Flask,
    rule: dict[str, Any],
    payment: tuple[str | None, int],
    blocked: tuple[str, ...],
    expected: tuple[str, str],
) -> None:
    risk, days = payment
    charge = factories.charge(created_at=NOON - timedelta(days=days), risk_level=risk)

    found = fraud_rules.suggest(_rule(**rule), charge, blocked=blocked, now=NOON)

    assert found.what == expected[0]
    assert expected[1] in found.why


def test_without_a_payment_nothing_is_suggested(app: Flask) -> None:
    assert fraud_rules.suggest(_rule(), None, blocked=(), now=NOON).what == "nothing"


def test_a_rule_is_set_with_its_date_and_the_one_before_stays(app: Flask) -> None:
    factories.account()
    admin = staff(app, "admin")
    assert (
        "last 120 days when its risk is elevated or highest, or when the buyer is on the block list"
        in admin.get(RULE).words
    )

    admin.post(RULE, {"days": "60", "from_risk": "highest"})
    admin.post(RULE, {"days": "60", "from_risk": "highest"})
    admin.post(RULE, {"days": "30", "from_risk": "normal", "counts_blocked": "yes"})

    page = admin.get(RULE)
    assert "Refund a payment of the last 30 days whatever its risk; ignore the others." in page.words
    assert "Refund a payment of the last 60 days when its risk is the highest; ignore the others." in page.words
    assert [(rule.days, rule.set_by) for rule in fraud_rules.all_of(factories.account().id)] == [
        (30, admin.email),
        (60, admin.email),
    ]


@pytest.mark.parametrize(
    "typed",
    [
        {"days": "0", "from_risk": "normal"},
        {"days": "541", "from_risk": "normal"},
        {"days": "١٢", "from_risk": "normal"},
        {"days": "9" * 400, "from_risk": "normal"},
        {"days": "", "from_risk": "normal"},
        {"days": "10", "from_risk": "low"},
        {"days": "10"},
    ],
)
def test_a_rule_that_makes_no_sense_is_told_so_and_changes_nothing(app: Flask, typed: dict[str, str]) -> None:
    factories.account()

    page = staff(app, "admin").post(RULE, typed, expect=400)

    assert "Nothing was changed." in page.words
    assert fraud_rules.all_of(factories.account().id) == []
    staff(app, "finance").get(RULE, expect=403)


def test_the_list_shows_what_waits_what_a_dispute_would_take_and_ticks_what_is_suggested(app: Flask) -> None:
    yesterday = clock.now() - timedelta(days=1)
    lost = factories.dispute(factories.charge(), status="lost", deducted=6_500, deducted_currency="eur", fee=1_500)
    risky = factories.charge(created_at=yesterday, risk_level="highest", amount=8_000, amount_refunded=1_000)
    blocked = factories.charge(created_at=yesterday, risk_level="normal", fingerprint="fp_1", currency="gbp")
    quiet = factories.charge(created_at=yesterday, risk_level="normal")
    with transaction():
        db.session.add(
            BlockListItem(
                id="rsli_1", account_id=factories.account().id, list_id="rsl_1", item_type="card_fingerprint", value="fp_1",
                created_at=NOON, read_at=NOON,
            )
        )  # fmt: skip
    ids = [warned(charge) for charge in (risky, blocked, quiet)]
    done = warned()
    say(done)
    lead = staff(app, "support_lead")

    page = lead.get(DESK)

    assert (lost.fee, all(one in page.html for one in ids), done in page.html) == (1_500, True, False)
    boxes = re.findall(r'name="charge" value="(ch_\d+)" form="choose"( checked)?', page.html)
    assert sorted(boxes) == sorted([(risky.id, " checked"), (blocked.id, " checked"), (quiet.id, "")])
    # 70.00 are left, and the fee of the last dispute in EUR is known; none was booked in GBP.
    assert "85.00" in page.words
    assert "On the block list: card" in lead.get(DESK + ids[1]).words
    assert "no dispute in GBP was booked yet" in lead.get(DESK + ids[1]).words
    assert done in lead.get(f"{DESK}?state=resolved").html
    assert 'form="choose"' not in staff(app, "view_only").get(DESK).html


def test_chosen_payments_go_to_the_check_of_a_batch_with_their_reason(app: Flask) -> None:
    charge = factories.charge()

    page = staff(app, "support_lead").get(f"/admin/refund-batches/new?reason=fraudulent&charge={charge.id}")

    assert charge.id in page.words or charge.id in page.html
    assert re.search(r'<option selected value="fraudulent"', page.html)


def test_the_page_resolves_it_and_who_comes_second_keeps_their_words(app: Flask) -> None:
    warning_id = warned()
    ana, ben = staff(app, "dispute_analyst"), staff(app, "finance")
    assert "The rule suggests: refund." in ana.get(DESK + warning_id).words
    ben.get(DESK + warning_id)

    ana.post(DESK + warning_id, {"resolution": "customer_confirmed", "words": "She called back"})
    page = ben.post(DESK + warning_id, {"resolution": "ignored", "words": "Too small to bother"}, expect=409)

    assert f"{ana.email} resolved this warning on" in page.words
    assert "Too small to bother" in page.words
    assert "She called back" in ben.get(DESK + warning_id).words
    assert 'name="resolution"' not in ben.get(DESK + warning_id).html


def test_who_may_not_resolve_is_not_offered_it(app: Flask) -> None:
    warning_id = warned()
    agent = staff(app, "support")

    assert "Resolve" not in agent.get(DESK + warning_id).words
    agent.post(DESK + warning_id, {"resolution": "ignored", "words": WHY}, expect=403)

    assert now(warning_id).state == "open"


def test_the_start_page_counts_what_waits_for_whoever_decides(app: Flask) -> None:
    warned()
    warned(actionable=False)

    assert "Fraud warnings to decide" in staff(app, "dispute_analyst").get("/admin/").words
    assert "Fraud warnings to decide" not in staff(app, "support").get("/admin/").words


def test_every_resolution_has_its_badge(app: Flask) -> None:
    charge = factories.charge()
    for name in RESOLUTIONS:
        words = WHY if name in {"ignored", "refunded_in_part", "customer_confirmed"} else None
        warned(charge, resolution=name, resolved_at=NOON, resolved_by="ana@shop.example", resolved_words=words)

    page = staff(app, "view_only").get(f"{DESK}?state=resolved")

    assert [label for label in RESOLUTIONS.values() if label not in page.words] == []
