"""Where a mandate or a method ended, nothing is debited: noted with the news itself, and shown to somebody."""

import itertools
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.actor import Actor
from app.database import db, transaction
from app.debits import operations
from app.errors import Conflict
from app.mirror import kinds
from app.mirror.door import Saved
from app.models.audit_log import AuditLog
from app.models.debit_stop import DebitStop
from app.models.debits import DebitStopped, check_may_debit
from tests import factories, objects
from tests.desk import staff
from tests.objects import told

STOPS = "/admin/debit_stops/"


def hear(kind: str, obj: dict[str, Any], second: int = 0) -> Saved:
    with transaction():
        return kinds.save_all(kind, [obj], told(factories.account().id, second))


def stops() -> list[DebitStop]:
    db.session.rollback()
    return list(db.session.scalars(select(DebitStop).order_by(DebitStop.id).execution_options(populate_existing=True)))


def bacs(status: str, network: str, reason: str | None = None) -> dict[str, Any]:
    details = {"reference": "REF", "network_status": network, "revocation_reason": reason, "url": None}
    method = {"type": "bacs_debit", "bacs_debit": details}
    return objects.mandate(id="mandate_1", status=status, payment_method="pm_1", payment_method_details=method)


def saved_account(**columns: Any) -> str:
    """A customer who gave a SEPA account, with a subscription on it; the customer's id."""
    customer = factories.customer(name="Mira Faber")
    factories.payment_method(
        **{"id": "pm_1", "type": "sepa_debit", "customer_id": customer.id, "brand": None, "last4": "3000"} | columns
    )
    factories.subscription(customer_id=customer.id, default_payment_method_id="pm_1")
    return customer.id


def may() -> str:
    """What the rule answers: `yes`, or why not."""
    account_id = factories.account().id
    try:
        with transaction():
            check_may_debit("pm_1", account_id=account_id)
    except DebitStopped as refusal:
        return str(refusal)
    return "yes"


def test_a_mandate_that_ends_stops_debits_in_the_same_transaction_and_opens_a_case(app: Flask) -> None:
    customer_id = saved_account()
    hear("mandate", objects.mandate(id="mandate_1"))
    assert (stops(), may()) == ([], "yes")

    hear("mandate", objects.mandate(id="mandate_1", status="inactive"), 60)

    [stop] = stops()
    assert (stop.subject_type, stop.subject_id, stop.reason, stop.state) == (
        "mandate",
        "mandate_1",
        "mandate_inactive",
        "open",
    )
    assert (stop.customer_id, stop.payment_method_id, stop.since) == (
        customer_id,
        "pm_1",
        told(stop.account_id, 60).seen_at,
    )
    assert may() == (
        "The mandate ended, on 2 Nov 2026, 12:01 UTC. Nothing is debited; ask the customer for another way to pay."
    )


def test_news_that_is_undone_stops_nothing(app: Flask) -> None:
    saved_account()
    hear("mandate", objects.mandate(id="mandate_1"))

    with pytest.raises(ZeroDivisionError), transaction():
        kinds.save_all(
            "mandate", [objects.mandate(id="mandate_1", status="inactive")], told(factories.account().id, 60)
        )
        _ = 1 / 0

    assert (stops(), may()) == ([], "yes")


@pytest.mark.parametrize(
    ("status", "network", "detail", "reason"),
    [
        ("inactive", "revoked", "account_closed", "mandate_revoked"),
        ("inactive", "refused", None, "mandate_refused"),
        # Said by the network before Stripe's own status follows.
        ("active", "revoked", "debit_not_authorized", "mandate_revoked"),
    ],
)
def test_bacs_says_why(app: Flask, status: str, network: str, detail: str | None, reason: str) -> None:
    saved_account(type="bacs_debit")
    hear("mandate", bacs("pending", "pending"))
    assert may() == "yes"

    hear("mandate", bacs(status, network, detail), 5)

    [stop] = stops()
    assert (stop.reason, stop.detail) == (reason, detail)
    assert may().startswith(stop.says)


def test_what_the_bank_wakes_up_again_may_be_debited_again(app: Flask) -> None:
    saved_account()
    for second, status in enumerate(("active", "inactive", "active")):
        hear("mandate", objects.mandate(id="mandate_1", status=status), second)

    [stop] = stops()
    assert (stop.state, stop.lifted_by, may()) == ("lifted", "Stripe", "yes")


HISTORY = ("pending", "active", "inactive", "active", "inactive")


@pytest.mark.parametrize("order", [o for o in itertools.permutations(range(5)) if o[0] in {0, 4}], ids=str)
def test_whatever_order_the_news_comes_in_the_same_stop_stands(app: Flask, order: tuple[int, ...]) -> None:
    saved_account()
    for n in order:
        hear("mandate", objects.mandate(id="mandate_1", status=HISTORY[n]), n * 2)

    standing = [(stop.reason, stop.subject_id) for stop in stops() if stop.lifted_at is None]
    assert standing == [("mandate_inactive", "mandate_1")]
    assert may() != "yes"


def test_a_mandate_for_one_payment_ends_by_being_used_and_that_is_no_case(app: Flask) -> None:
    saved_account()
    hear("mandate", objects.mandate(id="mandate_1", type="single_use"))
    hear("mandate", objects.mandate(id="mandate_1", type="single_use", status="inactive"), 5)

    assert stops() == []
    assert may() == "No mandate that allows a debit is known for this account."


def test_what_had_ended_before_it_was_first_seen_waits_for_nobody(app: Flask) -> None:
    factories.payment_method(id="pm_1", type="sepa_debit", customer_id=factories.customer().id)
    hear("mandate", objects.mandate(id="mandate_1", status="inactive"))

    [stop] = stops()
    assert (stop.state, stop.worked_by) == ("worked", "Stripe")
    assert may().startswith("The mandate ended")


def test_but_somebody_looks_when_a_subscription_counts_on_it(app: Flask) -> None:
    saved_account()
    hear("mandate", objects.mandate(id="mandate_1", status="inactive"))

    assert [stop.state for stop in stops()] == ["open"]


def test_a_new_mandate_for_the_same_account_is_enough(app: Flask) -> None:
    saved_account()
    hear("mandate", objects.mandate(id="mandate_1"))
    hear("mandate", objects.mandate(id="mandate_1", status="inactive"), 5)
    hear("mandate", objects.mandate(id="mandate_2"), 9)

    with transaction():
        allowed = check_may_debit("pm_1", account_id=factories.account().id)
    assert allowed.mandate is not None
    assert allowed.mandate.id == "mandate_2"


def test_a_method_taken_off_a_customer_who_subscribes_opens_a_case(app: Flask) -> None:
    customer_id = saved_account()
    obj = objects.payment_method(id="pm_1", customer=customer_id, type="card")
    hear("payment_method", obj)
    hear("payment_method", obj | {"customer": None}, 5)

    [stop] = stops()
    assert (stop.reason, stop.subject_id, stop.customer_id) == ("method_detached", "pm_1", customer_id)
    assert may() == "This payment method belongs to no customer any more. Ask for another one."


def test_one_that_nothing_was_charged_to_goes_without_a_word(app: Flask) -> None:
    customer = factories.customer()
    obj = objects.payment_method(id="pm_1", customer=customer.id)
    hear("payment_method", obj)
    hear("payment_method", obj | {"customer": None}, 5)

    assert stops() == []


def test_new_card_data_from_the_network_stop_nothing(app: Flask) -> None:
    customer_id = saved_account(type="card")
    card = {"brand": "visa", "exp_month": 9, "exp_year": 2035, "fingerprint": "fp_new", "last4": "1881"}
    hear("payment_method", objects.payment_method(id="pm_1", customer=customer_id, card=card), 5)

    assert (stops(), may()) == ([], "yes")


def test_a_debit_that_is_being_promised_and_a_revocation_wait_for_each_other(committed: Flask) -> None:
    saved_account()
    hear("mandate", objects.mandate(id="mandate_1"))
    account_id, order = factories.account().id, []
    promising, heard = threading.Event(), threading.Event()

    def revoke() -> None:
        with committed.app_context():
            promising.wait(10)
            with transaction():
                kinds.save_all("mandate", [objects.mandate(id="mandate_1", status="inactive")], told(account_id, 60))
                order.append("revoked")
            heard.set()

    thread = threading.Thread(target=revoke)
    thread.start()
    with transaction():
        check_may_debit("pm_1", account_id=account_id)
        promising.set()
        # The news cannot be written while the promise is being made.
        assert not heard.wait(0.7)
        order.append("promised")
    thread.join(10)

    assert order == ["promised", "revoked"]
    assert may().startswith("The mandate ended")


def test_the_case_is_seen_on_the_start_page_worked_with_words_and_stands(app: Flask) -> None:
    customer_id = saved_account()
    hear("mandate", objects.mandate(id="mandate_1"))
    hear("mandate", objects.mandate(id="mandate_1", status="inactive"), 60)
    [stop] = stops()
    desk = staff(app, "support")

    assert f"{STOPS}?state=open" in desk.get("/admin/").links
    assert f"{STOPS}{stop.id}" in desk.get(f"{STOPS}?state=open").links
    assert f"{STOPS}{stop.id}" in desk.get(f"/admin/customers/{customer_id}").links
    assert "The mandate ended" in desk.get(f"{STOPS}{stop.id}").words
    desk.post(f"{STOPS}{stop.id}/close", {"words": "  "}, expect=400)
    desk.post(f"{STOPS}{stop.id}/close", {"words": "Wrote to them; they will give a card"})
    desk.post(f"{STOPS}{stop.id}/close", {"words": "Again"}, expect=409)

    [stop] = stops()
    assert (stop.state, stop.worked_by, stop.worked_words) == (
        "worked",
        desk.email,
        "Wrote to them; they will give a card",
    )
    assert may().startswith("The mandate ended")
    acts = db.session.scalars(select(AuditLog).where(AuditLog.action == "debit_stop.worked")).all()
    assert [(act.actor, act.object_type, act.object_id) for act in acts] == [(desk.email, "mandate", "mandate_1")]
    assert f"{STOPS}?state=open" not in desk.get("/admin/").links
    desk.post(f"{STOPS}{stop.id}/lift", {"words": "Please"}, expect=409)


def test_a_person_stops_a_customer_and_lifts_that_again(app: Flask) -> None:
    customer_id = saved_account(type="card")
    desk = staff(app, "finance")

    desk.post(f"{STOPS}new", {"customer": customer_id, "words": " "}, expect=400)
    desk.post(f"{STOPS}new", {"customer": "cus_none", "words": "Wrote"}, expect=404)
    desk.post(f"{STOPS}new", {"customer": customer_id, "words": "Wrote that they revoke"})
    desk.post(f"{STOPS}new", {"customer": customer_id, "words": "Wrote that they revoke"}, expect=409)

    [stop] = stops()
    assert may().startswith("Stopped by hand, on ")
    desk.post(f"{STOPS}{stop.id}/lift", {"words": "Took it back"})
    assert (may(), [found.lifted_by for found in stops()]) == ("yes", [desk.email])
    said = db.session.scalars(select(AuditLog).where(AuditLog.action.like("debit_stop.%")).order_by(AuditLog.id)).all()
    assert [(act.action, act.reason) for act in said] == [
        ("debit_stop.set", "Wrote that they revoke"),
        ("debit_stop.lifted", "Took it back"),
    ]


def test_of_two_who_stop_a_customer_at_once_one_does(committed: Flask) -> None:
    customer_id, account_id = saved_account(), factories.account().id
    start, answers = threading.Barrier(2), []

    def stop() -> None:
        with committed.app_context():
            start.wait()
            try:
                operations.stop_customer(customer_id, account_id=account_id, words="Wrote", actor=Actor.command("t"))
                answers.append("stopped")
            except Conflict:
                answers.append("conflict")

    threads = [threading.Thread(target=stop) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["conflict", "stopped"]
    assert len(stops()) == 1


def test_nothing_is_debited_from_what_is_not_known(app: Flask) -> None:
    assert may() == "This payment method is not known here. Nothing is debited before it was read from Stripe."
    saved_account(account_id=factories.another_account().id)
    assert may() == "This payment method is not known here. Nothing is debited before it was read from Stripe."


def test_a_debit_needs_a_mandate_and_a_card_does_not(app: Flask) -> None:
    saved_account()
    assert may() == "No mandate that allows a debit is known for this account."
    with transaction():
        db.session.execute(text("UPDATE payment_methods SET type = 'card'"))
    assert may() == "yes"
