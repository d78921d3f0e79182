"""Acts as people see them: found, looked into, looked up again, and given up with words."""

import re
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from flask import Flask

from app import clock
from app.actor import Actor
from app.acts import operations, recovery
from app.acts.kinds import ActKind, Promise, on_object
from app.alerts.sources import BY_NAME
from app.audit.sentences import sentence
from app.database import db, transaction
from app.errors import Conflict, DomainError
from app.models.act import Act
from app.models.audit_log import AuditLog
from app.models.gateway_call import GatewayCall
from app.web.permissions import ROLES, Permission
from tests import factories
from tests.acts.fake_stripe import FakeStripe
from tests.desk import Desk, Page, staff
from tests.factories import NOON
from tests.queries import counted

LIST = "/admin/acts/"
ANA = Actor("staff", "ana@shop.example")
BEN = Actor("staff", "ben@shop.example")
ON = ActKind("thing.on", "Switch on", on_object(lambda thing, _: thing["status"] == "on"))
WORDS = {"words": "It is not in the dashboard"}


@pytest.fixture
def stripe(app: Flask) -> Iterator[FakeStripe]:
    """The pages ask this Stripe, and know a kind of act that it understands."""
    factories.account()
    fake, kinds = FakeStripe(), app.extensions["acts"]
    app.extensions["gateway"], before = fake, app.extensions["gateway"]
    app.extensions["acts"] = {**kinds, ON.name: ON}
    yield fake
    app.extensions["gateway"], app.extensions["acts"] = before, kinds


def lost(**more: Any) -> Act:
    """One that the recovery has handed over to a person."""
    of_thing = {"kind": "thing.on", "object_type": "thing", "object_id": "thing_1", "path": "/v1/things/thing_1/on"}
    return factories.act(**of_thing | more)


def row(act: Act) -> Act:
    db.session.rollback()
    return db.session.get_one(Act, act.id, populate_existing=True)


def told(act: Act) -> list[tuple[str, str]]:
    db.session.rollback()
    entries = db.session.query(AuditLog).filter_by(object_id=act.object_id).order_by(AuditLog.id)
    return [(entry.action, entry.actor) for entry in entries]


def shown(page: Page) -> list[str]:
    return [link.removeprefix(LIST) for link in page.links if re.fullmatch(f"{LIST}[0-9a-f-]{{36}}", link)]


def unproved(desk: Desk) -> None:
    """The password was last asked for an hour ago."""
    with transaction():
        db.session.execute(db.text("UPDATE staff_sessions SET proved_at = proved_at - interval '1 hour'"))


def test_the_list_is_narrowed_by_state_kind_object_person_and_day(app: Flask) -> None:
    waits = factories.act(requested_at=NOON)
    done = factories.act(
        status="done", refusal=None, answered_at=NOON, requested_by="ben@shop.example", requested_at=NOON
    )
    refused = factories.act(
        kind="dispute.accept", object_type="dispute", object_id="dp_1", status="refused", answered_at=NOON,
        requested_at=NOON + timedelta(days=1),
    )  # fmt: skip
    desk = staff(app)

    def found(query: str) -> set[str]:
        return set(shown(desk.get(f"{LIST}?{query}")))

    assert found("") == {str(act.id) for act in (waits, done, refused)}
    assert found("state=needs_person") == found("state=in_flight") == {str(waits.id)}
    assert found("state=done") == found("by=Ben@shop.example") == {str(done.id)}
    assert found("kind=dispute.accept") == found("about=dispute") == {str(refused.id)}
    assert found("object=dp_1") == found("q=dp_1") == {str(refused.id)}
    assert found(f"q={done.id}") == found(f"q={done.key}") == {str(done.id)}
    assert found("asked_from=2026-11-03") == {str(refused.id)}
    assert found("state=needs_person&kind=dispute.accept") == set()
    desk.get(f"{LIST}?state=lost", expect=400)


def test_the_list_asks_as_little_for_fifty_as_for_one(app: Flask) -> None:
    desk = staff(app)
    for n in range(50):
        factories.act(requested_at=NOON + timedelta(minutes=n))

    with counted() as queries:
        assert len(shown(desk.get(LIST))) == 50

    assert len(queries) == 3, queries  # session with account, views, acts
    oldest = factories.act(requested_at=NOON - timedelta(minutes=1))
    [further] = {link for link in desk.get(LIST).links if "cursor=" in link and "last" not in link}
    assert shown(desk.get(further)) == [str(oldest.id)]


def test_a_page_says_what_was_asked_by_whom_and_why_and_which_calls_were_made(app: Flask) -> None:
    intent = factories.payment_intent()
    act = factories.act(
        object_id=intent.id, status="done", refusal=None, answered_at=NOON, result_id=intent.id,
        result={"status": "succeeded", "amount_received": 7_000, "currency": "eur"},
    )  # fmt: skip
    asked = Actor("staff", act.requested_by)
    with transaction():
        operations.record(asked, "payment.capture.requested", act, after={"amount": "70.00 EUR"})
        for status in (None, 200):
            call = GatewayCall(at=NOON, method="POST", path=act.path, status=status, duration_ms=18)
            call.idempotency_key, call.object_id = act.key, intent.id
            db.session.add(call)

    page = staff(app, "admin").get(f"{LIST}{act.id}")

    for words in ("The parcel is on its way", "ana@shop.example", "amount_to_capture=7000", act.key, "Tries 3"):
        assert words in page.words
    assert "Amount 70.00 EUR" in page.words
    assert "Amount received 70.00 EUR" in page.words
    assert page.words.count(f"POST {act.path}") == 3  # what was sent, and two calls
    assert {f"/admin/payments/{intent.id}", f"/admin/gateway-calls/?q={act.key}"} <= set(page.links)
    assert "Withdraw" not in page.words


def test_what_a_customer_wrote_is_masked_where_the_role_has_no_personal_data(app: Flask) -> None:
    act = factories.act(
        kind="evidence.submit", object_type="dispute", object_id="dp_1", reason_text="Jo wrote from jo@example.com",
        form={"submit": True, "evidence": {"customer_name": "Jo Wren"}}, refusal="No mailbox jo@example.com",
    )  # fmt: skip

    hidden = staff(app, "developer").get(f"{LIST}{act.id}").words
    seen = staff(app, "finance").get(f"{LIST}{act.id}").words

    assert ("jo@example.com" in hidden, "Jo Wren" in hidden) == (False, False)
    assert ("jo@example.com" in seen, "Jo Wren" in seen) == (True, True)


def test_an_act_of_another_account_is_unknown(stripe: FakeStripe, app: Flask) -> None:
    theirs = lost(account_id=factories.another_account().id)
    desk = staff(app, "admin")

    desk.get(f"{LIST}{theirs.id}", expect=404)
    desk.post(f"{LIST}{theirs.id}/withdraw", WORDS, expect=404)
    desk.post(f"{LIST}{theirs.id}/look", expect=404)

    assert shown(desk.get(LIST)) == []
    assert (row(theirs).state, stripe.looks) == ("needs_person", 0)


def test_what_never_reached_stripe_is_given_up_with_words(stripe: FakeStripe, app: Flask) -> None:
    act, desk = lost(), staff(app, "finance")

    answer = desk.post(f"{LIST}{act.id}/withdraw", WORDS)
    again = desk.post(f"{LIST}{act.id}/withdraw", WORDS, expect=409)

    assert answer.location == f"{LIST}{act.id}"
    assert "does not wait for a person" in again.words
    assert (row(act).status, stripe.keys, stripe.looks) == ("withdrawn", [], 1)
    [entry] = db.session.query(AuditLog).filter_by(object_id="thing_1")
    assert (entry.reason, entry.after) == (WORDS["words"], {"act": str(act.id)})
    page = desk.get(f"{LIST}{act.id}")
    assert "It never reached Stripe" in page.words
    assert sentence(entry) in page.words
    assert WORDS["words"] in page.words


@pytest.mark.parametrize("words", ["", "   ", "x" * 1_001])
def test_nothing_is_given_up_without_words_that_can_be_kept(stripe: FakeStripe, app: Flask, words: str) -> None:
    act = lost()

    staff(app, "finance").post(f"{LIST}{act.id}/withdraw", {"words": words}, expect=400)

    assert (row(act).state, stripe.looks, told(act)) == ("needs_person", 0, [])


def test_who_was_not_asked_for_their_password_lately_is_asked_first_and_keeps_what_they_wrote(
    stripe: FakeStripe, app: Flask
) -> None:
    act, desk = lost(), staff(app, "finance")
    unproved(desk)

    asked = desk.post(f"{LIST}{act.id}/withdraw", WORDS)
    assert asked.location is not None
    assert asked.location.startswith("/login/again")
    assert (row(act).state, stripe.looks) == ("needs_person", 0)

    assert WORDS["words"] in desk.get(f"{LIST}{act.id}?again=yes").html


@pytest.mark.parametrize("role", ROLES)
def test_each_role_sees_and_does_what_its_permissions_say(stripe: FakeStripe, app: Flask, role: str) -> None:
    act, desk, held = lost(), staff(app, role), ROLES[role]

    page = desk.get(f"{LIST}{act.id}", expect=200 if Permission.ACT_READ in held else 403)
    assert (f"{LIST}{act.id}/withdraw" in page.html) == (Permission.ACT_WITHDRAW in held)
    assert (f"{LIST}{act.id}/look" in page.html) == ({Permission.ACT_READ, Permission.SYNC} <= held)
    desk.post(f"{LIST}{act.id}/withdraw", WORDS, expect=303 if Permission.ACT_WITHDRAW in held else 403)

    assert row(act).status == ("withdrawn" if Permission.ACT_WITHDRAW in held else "requested")


def test_the_roles_that_may_give_up_an_act_are_these() -> None:
    assert [role for role, held in ROLES.items() if Permission.ACT_WITHDRAW in held] == [
        "admin", "finance", "support_lead",
    ]  # fmt: skip


def test_a_second_look_finds_what_stripe_has_after_all(stripe: FakeStripe, app: Flask) -> None:
    act, desk = lost(), staff(app)
    desk.post(f"{LIST}{act.id}/look")
    assert (row(act).state, row(act).asked_at) == ("needs_person", None)

    stripe.things["thing_1"]["status"] = "on"
    desk.post(f"{LIST}{act.id}/look")
    desk.post(f"{LIST}{act.id}/look")

    assert (row(act).status, stripe.keys, stripe.looks) == ("done", [], 2)
    assert told(act) == [
        ("thing.on.looked_up", desk.email), ("thing.on.looked_up", desk.email), ("thing.on.answered", "Stripe"),
    ]  # fmt: skip


def test_a_look_at_one_that_never_arrived_asks_with_its_own_key_while_stripe_knows_it(
    stripe: FakeStripe, app: Flask
) -> None:
    act = lost(refusal=None, requested_at=clock.now(), asked_at=None)

    staff(app).post(f"{LIST}{act.id}/look")

    assert (row(act).status, stripe.keys) == ("done", [act.key])


def test_nobody_looks_while_somebody_is_asking(stripe: FakeStripe, app: Flask) -> None:
    act, desk = lost(refusal=None, requested_at=clock.now(), asked_at=clock.now()), staff(app)

    assert f"{LIST}{act.id}/look" not in desk.get(f"{LIST}{act.id}").html
    desk.post(f"{LIST}{act.id}/look")

    assert (row(act).status, stripe.looks, told(act)) == ("requested", 0, [])


def test_while_stripe_is_away_everything_stays_as_it_is(stripe: FakeStripe, app: Flask) -> None:
    act, desk = lost(), staff(app, "finance")
    stripe.down = True

    desk.post(f"{LIST}{act.id}/withdraw", WORDS, expect=503)
    desk.post(f"{LIST}{act.id}/look")

    assert (row(act).state, row(act).asked_at) == ("needs_person", None)
    assert told(act) == [("thing.on.looked_up", desk.email)]


def test_the_page_of_a_payment_leads_to_the_act_that_needs_a_person(app: Flask) -> None:
    intent = factories.payment_intent()
    act = factories.act(object_id=intent.id)

    assert f"{LIST}{act.id}" in staff(app).get(f"/admin/payments/{intent.id}").links
    assert f"{LIST}{act.id}" not in staff(app, "view_only").get(f"/admin/payments/{intent.id}").links


def test_the_start_page_counts_those_that_need_a_person(app: Flask) -> None:
    factories.act()
    factories.act(refusal=None)
    factories.act(status="refused", answered_at=NOON)
    factories.act(account_id=factories.another_account().id)

    page = staff(app).get("/admin/")

    assert "Acts without an answer Stripe shows no trace of them 1" in page.words
    assert f"{LIST}?state=needs_person" in page.links
    assert "Acts without an answer" not in staff(app, "view_only").get("/admin/").words


def test_an_alert_can_tell_of_acts_and_refunds_that_need_a_person(app: Flask) -> None:
    act = factories.act()
    factories.act(refusal=None)
    factories.act(account_id=factories.another_account().id)
    stuck = factories.refund(
        factories.charge(), status="requested", stripe_id=None, refusal="No trace", requested_by="ana@shop.example",
        requested_at=NOON, reason_text="Late",
    )  # fmt: skip
    find = BY_NAME["act.needs_person"].find
    assert find is not None

    found = find(factories.account().id, clock.now())

    assert [(thing.object_type, thing.object_id) for thing in found] == [
        ("act", str(act.id)), ("refund", str(stuck.id)),
    ]  # fmt: skip


class Slow(FakeStripe):
    """Everybody who looks waits until all have come; what they saw is what was there then."""

    def __init__(self, hands: int) -> None:
        super().__init__()
        self.gate = threading.Barrier(hands)

    def look(self, path: str, expand: Sequence[str] = ()) -> Any:
        answer = super().look(path, expand)
        self.gate.wait(60)
        return answer


@pytest.mark.parametrize("at_stripe", ["on", "off"])
def test_a_person_gives_up_while_others_look(committed: Flask, at_stripe: str) -> None:
    """Whatever the order: one end, and never withdrawn when Stripe has it."""
    factories.account()
    kinds = {ON.name: ON}
    for _ in range(10):
        act, fake = lost(lock=str(uuid4())), Slow(2)
        fake.things["thing_1"]["status"] = at_stripe
        said = _at_once(
            committed,
            lambda act=act, fake=fake: recovery.withdraw(act.id, kinds, words="Gone", actor=ANA, gateway=fake).status,
            lambda act=act, fake=fake: recovery.look_again(act.id, kinds, actor=BEN, gateway=fake).status,
        )

        expected = "done" if at_stripe == "on" else "withdrawn"
        assert row(act).status == expected, said
        assert row(act).asked_at is None
        assert ("409" in said) == (at_stripe == "on")
        ends = [entry for entry in _entries(act) if entry.endswith((".answered", ".withdrawn"))]
        assert ends == [f"thing.on.{'answered' if at_stripe == 'on' else 'withdrawn'}"]
        assert fake.keys == []


def test_a_slow_job_that_finds_it_and_a_person_who_gives_it_up_come_to_one_end(committed: Flask) -> None:
    """The job began before it was too old, and looks for so long that another hands it over and a person gives it up."""
    factories.account()
    kinds = {ON.name: ON}
    for _ in range(10):
        act, fake = lost(lock=str(uuid4()), refusal=None, requested_at=clock.now() - timedelta(hours=24)), Slow(2)
        fake.things["thing_1"]["status"] = "on"
        # The job has seen it there; the person's own look is made while the job still writes it down.
        with transaction():
            db.session.get_one(Act, act.id).refusal = "No trace"

        said = _at_once(
            committed,
            lambda act=act, fake=fake: recovery.finish(ON, _claimed(act), gateway=fake).status,
            lambda act=act, fake=fake: recovery.withdraw(act.id, kinds, words="Gone", actor=ANA, gateway=fake).status,
        )

        assert (row(act).status, sorted(said)) == ("done", ["409", "done"])
        assert _entries(act) == ["thing.on.answered"]


def test_whoever_is_second_is_told(stripe: FakeStripe, app: Flask) -> None:
    """Between the person's look and their word somebody made it happen."""
    act = lost()

    class Meanwhile(FakeStripe):
        def look(self, path: str, expand: Sequence[str] = ()) -> Any:
            seen = super().look(path, expand)
            operations.keep_answer(ON, act.id, stripe.ask("POST", act.path, {}, key=act.key, about="thing_1", kept={}))
            return seen

    with pytest.raises(Conflict, match="was first"):
        recovery.withdraw(act.id, {ON.name: ON}, words="Gone", actor=ANA, gateway=Meanwhile())

    assert row(act).status == "done"


def test_what_was_withdrawn_frees_its_lock(stripe: FakeStripe, app: Flask) -> None:
    ready = Promise(
        account_id=factories.account().id, object_type="thing", object_id="thing_1", path="/v1/things/thing_1/on",
        form={}, lock="thing:thing_1",
    )  # fmt: skip
    act = lost(lock="thing:thing_1")

    def switch() -> Act:
        return operations.perform(
            ON, lambda: ready, promise_id=uuid4(), actor=ANA, reason="It was dark", gateway=stripe
        )

    with pytest.raises(Conflict):
        switch()
    with time_machine.travel(clock.now(), tick=True):
        staff(app, "finance").post(f"{LIST}{act.id}/withdraw", WORDS)

    assert switch().status == "done"


def _claimed(act: Act) -> Act:
    """As a worker has it in its hands: no transaction is open."""
    mine = db.session.get_one(Act, act.id)
    db.session.expunge(mine)
    db.session.rollback()
    return mine


def _entries(act: Act) -> list[str]:
    db.session.rollback()
    mine = db.session.query(AuditLog).filter(AuditLog.after["act"].astext == str(act.id)).order_by(AuditLog.id)
    return [entry.action for entry in mine if not entry.action.endswith(".looked_up")]


def _at_once(app: Flask, *acts: Any) -> list[str]:
    """What each of them said, all started at the same instant, each with a connection of its own."""
    start, said = threading.Barrier(len(acts)), []

    def one(act: Any) -> None:
        with app.app_context():
            start.wait(60)
            try:
                said.append(act())
            except DomainError as refusal:
                said.append(str(refusal.status))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return said
