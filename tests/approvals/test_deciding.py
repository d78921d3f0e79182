"""Who may ask, who may agree, and what the database says to whoever does not ask first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from app import clock
from app.actor import Actor
from app.approvals import carrying_out, operations, policies
from app.database import db, transaction
from app.errors import (
    BadRequest,
    ChargeNotRefundable,
    Conflict,
    DomainError,
    GatewayUnavailable,
    NotAllowed,
    ReasonMissing,
)
from app.models.approval import APPROVE, DECLINE, Approval, ApprovalVote
from app.models.audit_log import AuditLog
from app.models.staff import Staff
from app.money import MinorUnits, Money
from app.staff.operations import deactivate
from tests.approvals.conftest import Probe, install, person


def ask(actor: Actor, **columns: Any) -> Approval:
    plain = {
        "object_type": "charge",
        "object_id": "ch_1",
        "payload": {"what": "it"},
        "summary": "Do it to ch_1",
        "reason": "The customer waits",
    }
    return operations.ask(columns.pop("act", "probe"), actor=actor, **plain | columns)


def rule(**changes: Any) -> None:
    plain = {
        "is_on": True,
        "needed": 1,
        "thresholds": {},
        "ask_roles": [],
        "approve_roles": [],
        "expires_after_days": 7,
    }
    policies.set_policy("probe", actor=Actor.command("tests"), **plain | changes)


def state(approval: Approval) -> str:
    db.session.rollback()
    return db.session.get_one(Approval, approval.id, populate_existing=True).state


def acts() -> list[tuple[str, str]]:
    db.session.rollback()
    found = db.session.scalars(select(AuditLog).where(AuditLog.object_type == "approval").order_by(AuditLog.id))
    return [(entry.action, entry.actor) for entry in found]


def test_another_persons_word_leads_to_the_act_and_the_trail_names_both(probe: Probe) -> None:
    ana, lea = person("ana@shop.example", "support"), person("lea@shop.example")
    approval = ask(ana)

    decided = operations.decide(approval.id, APPROVE, "Checked", actor=lea)
    done = carrying_out.carry_out(approval.id, actor=lea)

    assert (decided.state, done.state, done.outcome, probe.done) == ("done", "done", "Did it.", ["it"])
    assert acts() == [
        ("approval.asked", "ana@shop.example"),
        ("approval.approved", "lea@shop.example"),
        ("approval.done", "lea@shop.example"),
    ]


def test_nobody_decides_about_what_they_asked_for(probe: Probe) -> None:
    lea = person("lea@shop.example")
    approval = ask(lea)

    with pytest.raises(NotAllowed, match="another person has to decide"):
        operations.decide(approval.id, APPROVE, "", actor=lea)

    assert state(approval) == "waiting"
    assert db.session.query(ApprovalVote).count() == 0


def test_a_role_without_the_permission_does_not_decide(probe: Probe) -> None:
    approval = ask(person("ana@shop.example", "support"))

    with pytest.raises(NotAllowed, match="Your role may not decide"):
        operations.decide(approval.id, APPROVE, "", actor=person("ben@shop.example", "support"))

    assert state(approval) == "waiting"


def test_only_people_ask_and_only_those_who_may(probe: Probe) -> None:
    with pytest.raises(NotAllowed, match="Only a person"):
        ask(Actor("api_key", "ana@shop.example"))
    with pytest.raises(NotAllowed, match="Your role may not ask"):
        ask(person("eve@shop.example", "view_only"))
    with pytest.raises(ReasonMissing):
        ask(person("ana@shop.example"), reason=" \0 ")

    assert db.session.query(Approval).count() == 0


def test_a_declined_request_needs_words_and_never_happens(probe: Probe) -> None:
    approval, lea = ask(person("ana@shop.example", "support")), person("lea@shop.example")
    with pytest.raises(ReasonMissing):
        operations.decide(approval.id, DECLINE, "  ", actor=lea)

    operations.decide(approval.id, DECLINE, "Not ours", actor=lea)
    carrying_out.carry_out(approval.id, actor=lea)

    assert (state(approval), probe.done) == ("declined", [])
    with pytest.raises(Conflict, match="declined already"):
        operations.decide(approval.id, APPROVE, "", actor=person("max@shop.example"))


def test_two_are_needed_where_the_rule_says_two(probe: Probe) -> None:
    rule(needed=2)
    approval, lea = ask(person("ana@shop.example", "support")), person("lea@shop.example")

    first = operations.decide(approval.id, APPROVE, "", actor=lea)
    with pytest.raises(Conflict, match="already had your word"):
        operations.decide(approval.id, APPROVE, "", actor=lea)
    assert first.state == "waiting"
    second = operations.decide(approval.id, APPROVE, "", actor=person("max@shop.example"))

    assert second.state == "approved"
    assert second.approved_by == ["lea@shop.example", "max@shop.example"]


def test_the_same_thing_is_not_asked_for_twice_and_the_same_form_is_one_request(probe: Probe) -> None:
    ana, ben, form = person("ana@shop.example"), person("ben@shop.example"), uuid4()

    first = ask(ana, approval_id=form)
    again = ask(ana, approval_id=form)
    with pytest.raises(Conflict, match="has already asked"):
        ask(ben)

    assert again.id == first.id == form
    assert db.session.query(Approval).count() == 1


def test_time_ends_a_request(probe: Probe) -> None:
    approval, lea = ask(person("ana@shop.example", "support")), person("lea@shop.example")
    with transaction():
        db.session.execute(update(Approval).values(expires_at=Approval.asked_at + timedelta(microseconds=1)))

    with pytest.raises(Conflict, match="expired already"):
        operations.decide(approval.id, APPROVE, "", actor=lea)
    ended = [operations.expire(), operations.expire()]

    assert (ended, state(approval)) == ([1, 0], "expired")
    assert acts()[-1] == ("approval.expired", "expire_approvals")


def test_only_who_asked_withdraws(probe: Probe) -> None:
    ana = person("ana@shop.example", "support")
    approval = ask(ana)
    with pytest.raises(NotAllowed, match="can withdraw"):
        operations.withdraw(approval.id, actor=person("lea@shop.example"))

    operations.withdraw(approval.id, actor=ana)

    assert state(approval) == "withdrawn"


def test_what_is_not_possible_any_more_is_said_and_not_done(probe: Probe) -> None:
    approval, lea = ask(person("ana@shop.example", "support")), person("lea@shop.example")
    probe.trouble = ChargeNotRefundable("A dispute came in.")
    operations.decide(approval.id, APPROVE, "", actor=lea)

    ended = carrying_out.carry_out(approval.id, actor=lea)

    assert (ended.state, ended.outcome, probe.done) == ("failed", "A dispute came in.", [])


def test_without_a_certain_answer_the_job_tries_again_and_does_it_once(probe: Probe) -> None:
    approval, lea = ask(person("ana@shop.example", "support")), person("lea@shop.example")
    operations.decide(approval.id, APPROVE, "", actor=lea)
    probe.trouble = GatewayUnavailable("Stripe is away.")
    assert carrying_out.carry_out(approval.id, actor=lea).state == "approved"
    probe.trouble = RuntimeError("a mistake of ours")
    assert carrying_out.carry_out_waiting() == 0

    probe.trouble = None
    done = [carrying_out.carry_out_waiting(), carrying_out.carry_out_waiting()]

    assert (done, state(approval), probe.done) == ([1, 0], "done", ["it"])


def test_nobody_takes_up_what_somebody_is_carrying_out_until_they_must_be_dead(probe: Probe) -> None:
    approval, lea = ask(person("ana@shop.example", "support")), person("lea@shop.example")
    operations.decide(approval.id, APPROVE, "", actor=lea)
    started = update(Approval)
    with transaction():
        db.session.execute(started.values(started_at=clock.now()))
    assert (carrying_out.carry_out_waiting(), probe.done) == (0, [])

    with transaction():
        db.session.execute(started.values(started_at=clock.now() - timedelta(minutes=4)))

    assert (carrying_out.carry_out_waiting(), probe.done) == (1, ["it"])


def test_an_act_in_the_transaction_is_undone_with_it(probe: Probe) -> None:
    approval, lea = ask(person("ana@shop.example", "support"), act="write"), person("lea@shop.example")
    operations.decide(approval.id, APPROVE, "", actor=lea)
    probe.trouble = DomainError("Not now.")

    carrying_out.carry_out(approval.id, actor=lea)

    assert state(approval) == "failed"
    assert db.session.query(AuditLog).filter_by(action="probe.written").count() == 0


def test_who_may_not_ask_any_more_gets_nothing_done(probe: Probe) -> None:
    ana, lea = person("ana@shop.example", "support"), person("lea@shop.example")
    approval = ask(ana)
    deactivate(approval.asked_by_id, actor=lea)
    operations.decide(approval.id, APPROVE, "", actor=lea)

    ended = carrying_out.carry_out(approval.id, actor=lea)

    assert (ended.state, probe.done) == ("failed", [])
    assert "may not ask for this any more" in (ended.outcome or "")


def test_an_amount_decides_whether_it_is_needed(probe: Probe) -> None:
    rule(thresholds={"eur": 50_000, "jpy": 60_000})

    def needed(minor: int, currency: str) -> bool:
        return policies.is_needed("probe", Money(MinorUnits(minor), currency))

    assert [needed(49_999, "eur"), needed(50_000, "eur"), needed(59_999, "jpy"), needed(1, "usd")] == [
        False,
        True,
        False,
        True,
    ]
    rule(is_on=False)
    assert not policies.is_needed("probe")


def test_whoever_may_not_agree_any_more_takes_their_word_with_them(probe: Probe) -> None:
    approval, lea = ask(person("ana@shop.example", "support")), person("lea@shop.example")
    operations.decide(approval.id, APPROVE, "", actor=lea)
    with transaction():
        db.session.execute(update(Staff).where(Staff.email == lea.name).values(role="support"))

    failed = carrying_out.carry_out(approval.id, actor=Actor.job("carry_out_approvals"))

    assert (failed.state, probe.done) == ("failed", [])
    assert "lea@shop.example may not agree to this any more" in (failed.outcome or "")


@pytest.mark.parametrize(
    "wrong",
    [{"needed": 0}, {"needed": 6}, {"expires_after_days": 91}, {"ask_roles": ["boss"]}, {"thresholds": {"x": 1}}],
)
def test_a_rule_that_makes_no_sense_changes_nothing(probe: Probe, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        rule(**wrong)

    assert policies.policy_of("probe").since is None


# What follows goes to the database past all of our code.


def vote(approval: Approval, staff_id: object) -> None:
    with transaction():
        db.session.add(
            ApprovalVote(
                approval_id=approval.id, staff_id=staff_id, person="x", verdict=APPROVE, at=clock.now(), words=""
            )
        )


def test_the_database_refuses_the_askers_own_word(probe: Probe) -> None:
    approval = ask(person("ana@shop.example", "support"))

    with pytest.raises(DBAPIError, match="asked for themselves"):
        vote(approval, approval.asked_by_id)

    assert state(approval) == "waiting"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "approved"},
        {"state": "done"},
        {"payload": {"what": "more"}},
        {"object_id": "ch_2"},
        {"needed": 2},
        {"asked_by_id": None},
    ],
)
def test_the_database_refuses_to_make_another_request_of_it(probe: Probe, change: dict[str, Any]) -> None:
    approval = ask(person("ana@shop.example", "support"))

    with pytest.raises(DBAPIError), transaction():
        db.session.execute(update(Approval).values(**change))

    assert state(approval) == "waiting"


@pytest.mark.parametrize("table", ["approvals", "approval_votes", "approval_policies"])
def test_the_database_forgets_nothing(probe: Probe, table: str) -> None:
    with pytest.raises(DBAPIError, match="only grows"), transaction():
        db.session.execute(text(f"DELETE FROM {table}"))


def test_twenty_words_at_once_are_exactly_as_many_as_needed_and_one_act(committed: Flask) -> None:
    probe = Probe()
    install(committed, probe)
    rule(needed=3)
    approval = ask(person("ana@shop.example", "support"))
    leads = [person(f"lead-{n}@shop.example") for n in range(20)]
    gate = Barrier(len(leads))

    def one(actor: Actor) -> str:
        with committed.app_context():
            gate.wait()
            try:
                decided = operations.decide(approval.id, APPROVE, "", actor=actor)
                return carrying_out.carry_out(approval.id, actor=actor).state if decided.state == "approved" else "more"
            except DomainError as refusal:
                return type(refusal).__name__

    answers = _at_once([lambda actor=actor: one(actor) for actor in leads])  # type: ignore[misc]

    assert sorted(answers) == ["Conflict"] * 17 + ["done", "more", "more"]
    assert probe.done == ["it"]
    assert db.session.query(ApprovalVote).count() == 3
    assert db.session.query(Staff).count() == 21


def _at_once(what: list[Callable[[], str]]) -> list[str]:
    with ThreadPoolExecutor(len(what)) as threads:
        return list(threads.map(lambda one: one(), what))
