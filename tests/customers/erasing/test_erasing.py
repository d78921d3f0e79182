"""After an erasure no word of the person is anywhere, whatever comes in late, and the books are what they were."""

import itertools
import random
import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from app import clock
from app.actor import Actor
from app.audit import chain
from app.customers.erasing import operations, running
from app.customers.erasing.tables import ABOUT, MIRRORED, NOTHING, OTHERWISE, SWEPT
from app.database import Base, db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.mirror import kinds
from app.models.act import Act
from app.models.audit_log import AuditLog
from app.models.erasure import ErasedObject, Erasure
from app.models.mail import Mail
from app.models.refund import Refund
from app.models.refund_batch import RefundBatch
from app.models.remark import Note
from app.models.search_word import SearchWord
from app.models.webhook_event import WebhookEvent
from app.webhooks import inbox
from app.webhooks.envelope import of
from jobs.erase_persons import erase_persons
from tests.customers.erasing.looking import everything, holding
from tests.customers.erasing.person import ANA, Person
from tests.factories import NOON
from tests.objects import told

MARK, OTHER = "quetzalcoatl", "ottokar"
FIGURES = (
    "SELECT currency, status, count(*), sum(amount), sum(amount_captured), sum(amount_refunded) FROM charges GROUP BY 1, 2",
    "SELECT brand, country, risk_level, outcome_type, created_at::date, count(*) FROM charges GROUP BY 1, 2, 3, 4, 5",
    "SELECT reporting_category, currency, sum(amount), sum(fee), sum(net) FROM balance_transactions GROUP BY 1, 2",
    "SELECT status, reason, currency, sum(amount) FROM disputes GROUP BY 1, 2, 3",
    "SELECT status, reason, sum(amount), count(trace_reference) FROM refunds GROUP BY 1, 2",
    "SELECT status, sum(total), sum(amount_paid), count(number), jsonb_agg(total_taxes) FROM invoices GROUP BY 1",
    "SELECT status, currency, count(*) FROM subscriptions GROUP BY 1, 2",
    "SELECT price_id, sum(quantity) FROM subscription_items GROUP BY 1",
    "SELECT country, currency, sum(balance), count(*) FROM customers GROUP BY 1, 2",
    "SELECT state, type, count(*), min(created_at) FROM webhook_events GROUP BY 1, 2",
)


@pytest.fixture
def people(committed: Flask) -> tuple[Person, Person]:
    mona, otto = Person("mona1", MARK), Person("otto22", OTHER)
    for person in (mona, otto):
        person.arrive()
        person.be_worked_on()
    return mona, otto


def erase(person: Person, **more: str) -> UUID:
    erasure_id = uuid4()
    operations.begin(
        erasure_id, person.customer_id, account_id=person.account_id, reason="Asked to be forgotten",
        forced_because=more.get("forced_because"), actor=ANA,
    )  # fmt: skip
    return erasure_id


def figures() -> list[list[tuple[object, ...]]]:
    found = [sorted((tuple(row) for row in db.session.execute(text(query))), key=str) for query in FIGURES]
    db.session.rollback()
    return found


def rows_of(mark: str, key: str, tables: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {
        name: {k: row for k, row in rows.items() if mark in row.lower() or key in row}
        for name, rows in tables.items()
        if name not in {"erased_objects", "erasure_steps", "erasures"}
    }


def test_no_word_is_left_anywhere_and_nothing_of_anybody_else_changed(people):
    mona, _ = people
    places = {place.split()[0] for place in holding([MARK])}
    assert places >= {*MIRRORED, "webhook_events", "search_words", "audit_logs", "notes", "mails", "sign_in_attempts"}
    before, sums = everything(), figures()

    erasure_id = erase(mona)
    assert erase_persons() == 1

    assert holding([MARK]) == []
    after = everything()
    assert rows_of(OTHER, "otto22", after) == rows_of(OTHER, "otto22", before)
    assert figures() == sums
    erasure = db.session.get_one(Erasure, erasure_id, populate_existing=True)
    assert (erasure.state, erasure.words, erasure.waits_for) == ("done", None, None)
    assert set(before["charges"]) == set(after["charges"])
    assert chain.verify() is None
    assert chain.erased() == (5, 1)
    assert db.session.query(SearchWord).filter_by(customer_id=mona.customer_id).count() == 0
    counted = running.counts(erasure_id)
    assert (counted["charges"], counted["customers"], counted["refunds"], counted["audit_logs"]) == (1, 1, 2, 5)
    db.session.rollback()


def test_what_stays_says_what_was_done_and_not_to_whom(people):
    mona, _ = people
    erase(mona)
    erase_persons()

    letters = db.session.query(Mail).order_by(Mail.kind).all()
    about = [letter for letter in letters if letter.kind == "approval.asked"]
    assert {letter.text for letter in about} == {
        "[erased] wrote again; order 7",
        f"{OTHER.upper()}.{OTHER.upper()}@{OTHER.upper()}.EXAMPLE wrote again; order 7",
    }
    mine = next(letter for letter in letters if letter.customer_id == mona.customer_id)
    assert (mine.recipient, mine.subject, mine.state) == ("erased@erased.invalid", "Erased", "canceled")
    notes = {note.words for note in db.session.query(Note) if OTHER not in note.words.lower()}
    assert notes == {"Erased", "Ask [erased] about it, or [erased]."}
    assert {batch.name for batch in db.session.query(RefundBatch)} == {
        "For [erased]",
        f"For {OTHER.title()} van {OTHER.title()}",
    }
    act = db.session.query(Act).filter_by(object_id="dp_mona1").one()
    assert (act.form, act.result, act.reason_text) == ({"amount": 5}, {"status": "lost"}, "Erased")
    refund = db.session.query(Refund).filter_by(stripe_id="re_mona1").one()
    assert (refund.amount, refund.reason_text, refund.requested_by, refund.trace_reference) == (
        1000,
        "Erased",
        ANA.name,
        "74951",
    )
    entry = db.session.query(AuditLog).filter_by(action="refund.requested", object_id=str(refund.id)).one()
    assert (entry.reason, entry.after) == (None, {"amount": "10.00 EUR", "charge": "ch_mona1", "to": None})
    tried = db.session.query(AuditLog).filter_by(action="staff.sign_in_failed", object_id="erased").one()
    assert (tried.actor, tried.after) == (ANA.name, {"network": "x"})
    looked = db.session.query(AuditLog).filter_by(action="list.exported").filter(AuditLog.erasure_id.is_not(None)).one()
    assert looked.after == {"filters": None, "rows": 3}
    ended = db.session.query(AuditLog).filter_by(action="customer.erased").one()
    assert ended.after["rows"]["charges"] == 1
    db.session.rollback()


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_late_in_any_order_never_brings_the_person_back(people, seed):
    mona, _ = people
    erase(mona)
    erase_persons()
    late = [*mona.events(second=9), *mona.events(second=0)]
    random.Random(seed).shuffle(late)  # noqa: S311 - an order

    for one in late:
        inbox.take_in([of(one)])
    inbox.take_in([of(one) for one in late])
    with transaction():
        for kind, obj in mona.objects(second=3):
            kinds.save_all(kind, [obj], told(mona.account_id, 12))
    erase_persons()

    assert holding([MARK]) == []
    assert db.session.query(WebhookEvent).filter_by(state="waiting").count() == 0
    assert db.session.query(ErasedObject).filter_by(swept_at=None).count() == 0
    db.session.rollback()


def test_a_child_that_came_before_its_parent_is_found_by_the_job(people):
    mona, _ = people
    erase(mona)
    erase_persons()
    refund = {"id": "re_late1", "object": "refund", "charge": "ch_late1", "amount": 5, "currency": "eur", "status": "pending",
              "created": 1_790_000_000, "metadata": {"who": MARK}}  # fmt: skip
    charge = next(obj for kind, obj in mona.objects() if kind == "charge") | {"id": "ch_late1"}
    told_of = [("refund.created", refund), ("charge.updated", charge)]

    for number, (name, obj) in enumerate(told_of):
        inbox.take_in([of(_event(name, obj, number))])
    assert {place.split()[0] for place in holding([MARK])} == {"refunds", "webhook_events"}
    erase_persons()

    assert holding([MARK]) == []


def _event(name: str, obj: dict[str, object], number: int) -> dict[str, object]:
    from tests.webhooks.signing import event

    return event(name, obj, id=f"evt_late{number}", created=1_790_000_000 + number)


class Crash(Exception):
    """As if the process died here."""


def test_a_run_that_dies_anywhere_is_finished_by_the_next(people):
    mona, _ = people
    before = rows_of(OTHER, "otto22", everything())
    erase(mona)
    for lives in range(200):
        try:
            if running.run(stop=_dies_after(lives % 17)):
                break
        except Crash:
            db.session.rollback()

    assert 9 < lives < 199
    assert holding([MARK]) == []
    assert rows_of(OTHER, "otto22", everything()) == before
    assert chain.verify() is None


def _dies_after(times: int) -> Callable[[], bool]:
    left = itertools.count(times, -1)

    def stop() -> bool:
        if next(left) < 0:
            raise Crash
        return False

    return stop


def test_asking_to_stop_leaves_the_rest_to_the_next_run(people):
    mona, _ = people
    erase(mona)

    assert running.run(stop=lambda: True) == 0
    assert erase_persons() == 1
    assert erase_persons() == 0
    assert holding([MARK]) == []


def test_a_transaction_that_was_open_before_is_waited_for(people, committed):
    mona, _ = people
    written, go_on, errors = threading.Event(), threading.Event(), []

    def slow_webhook() -> None:
        try:
            with committed.app_context(), transaction():
                late = next(obj for kind, obj in mona.objects() if kind == "charge") | {"id": "ch_slow1"}
                kinds.save_all("charge", [late], told(mona.account_id, 1))
                written.set()
                go_on.wait(20)
        except Exception as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    webhook = threading.Thread(target=slow_webhook)
    webhook.start()
    assert written.wait(20)
    erasure_id = erase(mona)
    assert running.run(patience=0.3) == 0
    waiting = db.session.get_one(Erasure, erasure_id, populate_existing=True).waits_for
    db.session.rollback()
    go_on.set()
    webhook.join()

    assert waiting is not None
    assert errors == []
    assert erase_persons() == 1
    assert holding([MARK]) == []


def test_webhooks_that_arrive_while_it_runs_leave_nothing_behind(people, committed):
    mona, otto = people
    errors: list[Exception] = []

    def deliver(start: int) -> None:
        try:
            with committed.app_context():
                for second in range(start, start + 4):
                    for one in mona.events(second=second):
                        inbox.take_in([of(one)])
                    for one in otto.events(second=second):
                        inbox.take_in([of(one)])
        except Exception as error:  # noqa: BLE001 - told to the test
            errors.append(error)

    threads = [threading.Thread(target=deliver, args=(start,)) for start in (10, 20, 30)]
    for thread in threads:
        thread.start()
    erase(mona)
    while any(thread.is_alive() for thread in threads):
        erase_persons()
    for thread in threads:
        thread.join()
    erase_persons()

    assert errors == []
    assert holding([MARK]) == []
    assert {place.split()[0] for place in holding([OTHER])} >= {*MIRRORED, "webhook_events"}


OBSTACLES = {
    "1 dispute is open": "UPDATE disputes SET status = 'needs_response'",
    "1 invoice is not paid": "UPDATE invoices SET status = 'open'",
    "1 payment is under way": "UPDATE payment_intents SET status = 'requires_capture'",
    "1 refund is under way": "UPDATE refunds SET status = 'pending'",
    "1 subscription still runs": "UPDATE subscriptions SET status = 'active'",
}


@pytest.mark.parametrize(("words", "change"), OBSTACLES.items(), ids=OBSTACLES)
def test_it_is_blocked_by_what_is_open_unless_forced_with_a_reason(committed, words, change):
    mona = Person("mona1", MARK)
    mona.arrive()
    with transaction():
        db.session.execute(text(change))

    with pytest.raises(Conflict, match=words):
        erase(mona)
    assert db.session.query(Erasure).count() == 0
    assert db.session.query(ErasedObject).count() == 0

    erasure = db.session.get_one(Erasure, erase(mona, forced_because="A court ordered it"))
    assert [words in obstacle for obstacle in erasure.obstacles] == [True]
    assert erasure.forced_because == "A court ordered it"
    db.session.rollback()


def test_what_stripe_has_not_answered_cannot_be_passed_over(committed):
    mona = Person("mona1", MARK)
    mona.arrive()
    with transaction():
        db.session.add(
            Act(id=uuid4(), account_id=mona.account_id, kind="payment.cancel", lock="payment:pi_mona1",
                object_type="payment_intent", object_id="pi_mona1", method="POST", path="/x", form={}, status="requested",
                requested_by="a", requested_at=NOON)
        )  # fmt: skip

    with pytest.raises(Conflict, match="1 act has no answer from Stripe yet"):
        erase(mona, forced_because="A court ordered it")
    assert db.session.query(Erasure).count() == 0
    db.session.rollback()


def test_the_id_is_typed_and_force_has_a_reason(committed):
    mona = Person("mona1", MARK)
    mona.arrive()
    asked = {"account_id": mona.account_id, "forced": False, "forced_because": ""}

    with pytest.raises(BadRequest, match="Type the customer’s id"):
        operations.check(mona.customer_id, typed="cus_mona", **asked)
    with pytest.raises(ReasonMissing):
        operations.check(mona.customer_id, typed=mona.customer_id, **asked | {"forced": True, "forced_because": " "})
    operations.check(mona.customer_id, typed=f" {mona.customer_id} ", **asked)
    db.session.rollback()


def test_two_at_once_are_one_and_a_strangers_customer_is_unknown(committed):
    mona = Person("mona1", MARK)
    mona.arrive()
    erase(mona)

    with pytest.raises(Conflict, match="being erased already"):
        erase(mona)
    with pytest.raises(Unknown):
        operations.begin(
            uuid4(), mona.customer_id, account_id=mona.account_id + 1, reason="x", forced_because=None, actor=ANA
        )
    assert db.session.query(Erasure).count() == 1
    db.session.rollback()


def test_a_name_that_another_customer_shares_is_left_where_it_may_be_theirs(committed):
    mona, twin = Person("mona1", MARK), Person("twin1", MARK)
    for person in (mona, twin):
        person.arrive()
    with transaction():
        db.session.add(Note(note_id=uuid4(), version=1, account_id=mona.account_id, subject_type="payout", subject_id="po_1",
                            words=f"Ask {mona.name}.", written_by=ANA.name, written_at=NOON))  # fmt: skip
    before = rows_of("twin1", "twin1", everything())
    erase(mona)
    erase_persons()

    assert rows_of("twin1", "twin1", everything()) == before
    assert db.session.query(Note).one().words == f"Ask {mona.name}."
    assert not [place for place in holding([MARK]) if "mona1" in place.split(":")[0]]
    db.session.rollback()


def test_an_entry_of_the_trail_that_was_tampered_with_holds_it_up_and_says_so(people):
    mona, _ = people
    with transaction():
        db.session.execute(text("ALTER TABLE audit_logs DISABLE TRIGGER ALL"))
        db.session.execute(text("UPDATE audit_logs SET request_id = 'forged' WHERE action = 'refund.requested'"))
        for name in ("audit_chain", "audit_only_grows", "audit_only_words_go"):
            db.session.execute(text(f"ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER {name}"))
    erasure_id = erase(mona)

    assert erase_persons() == 0

    erasure = db.session.get_one(Erasure, erasure_id, populate_existing=True)
    assert (erasure.state, erasure.waits_for) == (
        "running",
        "An entry of the audit trail is not what was written. Run flask audit verify.",
    )
    assert {place.split()[0] for place in holding([MARK])} == {"audit_logs", "erasures"}


def test_every_table_is_reached_or_named_with_the_reason_why_not():
    reached = {*MIRRORED, *(part.table for part in ABOUT), *SWEPT, *OTHERWISE}
    tables = set(Base.metadata.tables)

    assert tables - reached - set(NOTHING) == set(), "say in app/customers/erasing/tables.py how these forget a person"
    assert (reached | set(NOTHING)) - tables == set()
    assert reached & set(NOTHING) == set()


def test_the_jobs_actor_and_clock_are_told_in_the_trail(people):
    mona, _ = people
    erasure_id = erase(mona)
    erase_persons()

    begun, ended = (
        db.session.query(AuditLog).filter_by(action=action).one()
        for action in ("customer.erase_begun", "customer.erased")
    )
    assert (begun.actor, begun.reason, begun.after["forced"]) == (ANA.name, "Asked to be forgotten", False)
    assert (ended.actor, ended.actor_kind, ended.after["erasure"]) == ("erase_persons", "job", str(erasure_id))
    assert begun.at <= ended.at <= clock.now()
    assert Actor.job("erase_persons") == running.JOB
    db.session.rollback()
