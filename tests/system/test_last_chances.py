"""A draft that nobody sent goes to the bank by itself, once, and only where nobody said something else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from app import clock
from app.actor import Actor
from app.acts import recovery
from app.acts.registry import kinds
from app.approvals import operations as deciding
from app.approvals import policies
from app.database import db
from app.disputes import last_chance, operations
from app.disputes.last_chance import submit_due
from app.errors import BadRequest, DomainError
from app.gateways.current import gateway
from app.mirror import accounts
from app.models.act import Act
from app.models.approval import Approval
from app.models.audit_log import AuditLog
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeSubmission
from app.models.mail import Mail
from jobs.approvals import expire_approvals
from tests.desk import Desk, staff
from tests.system.shop import Shop
from tests.system.test_dispute_journeys import at_stripe, disputed, form, here, submitted, write

ANA = Actor("staff", "ana@shop.example")
TEXTS = {"customer_name": "Mona Berg", "product_description": "Oak chair", "billing_address": "Storgata 5, Oslo"}


def switched_on(fields: int = 3) -> None:
    last_chance.set_rule(accounts.current(livemode=False).id, is_on=True, fields_needed=fields, actor=ANA)


@pytest.fixture
def ana(shop: Shop) -> Desk:
    return staff(shop.app, "dispute_analyst", email="ana@shop.example")


def written(shop: Shop, ana: Desk, **texts: str) -> str:
    dispute_id = disputed(shop)
    write(ana, dispute_id, TEXTS | texts)
    return dispute_id


def before_deadline(dispute_id: str, left: timedelta) -> Any:
    due = here(dispute_id).due_at
    assert due is not None
    return time_machine.travel(due - left, tick=True)


def due_in(dispute_id: str, left: timedelta) -> None:
    """The same for whoever is signed in, whose session would be over on that day."""
    db.session.execute(db.update(Dispute).where(Dispute.id == dispute_id).values(due_at=clock.now() + left))
    db.session.commit()


def run() -> int:
    return submit_due(gateway())


def test_a_day_before_the_deadline_it_goes_out_once_and_its_writer_is_told(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    due = here(dispute_id).due_at
    switched_on()
    assert due is not None
    at = due - timedelta(hours=24)
    words = ana.get(f"/admin/disputes/{dispute_id}").words
    assert "Submitted by itself" in words
    assert f"({at:%-d %b %Y, %H:%M} UTC), unless somebody submits, accepts or leaves it before." in words

    with before_deadline(dispute_id, timedelta(hours=24, minutes=1)):
        assert run() == 0
    assert submitted(shop) == []
    with before_deadline(dispute_id, timedelta(hours=23, minutes=59)):
        assert [run(), run()] == [1, 0]

    [asked] = submitted(shop)
    assert asked["params"]["evidence"]["customer_name"] == "Mona Berg"
    assert at_stripe(shop, dispute_id)["evidence_details"]["submission_count"] == 1
    assert here(dispute_id).status == "under_review"
    entry = db.session.query(AuditLog).filter_by(action="evidence.submit.requested").one()
    assert (entry.actor_kind, entry.actor, entry.object_id) == ("job", "submit_last_chances", dispute_id)
    [mail] = db.session.query(Mail).filter_by(kind="evidence.last_chance").all()
    assert (mail.recipient, mail.about_id) == ("ana@shop.example", dispute_id)
    assert mail.subject == f"The evidence for {dispute_id} was submitted by itself"
    assert "The last-chance rule submitted the evidence" in ana.get(f"/admin/disputes/{dispute_id}/evidence").words


def test_off_is_off(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)

    due_in(dispute_id, timedelta(hours=2))
    assert run() == 0
    assert "Submitted by itself" not in ana.get(f"/admin/disputes/{dispute_id}").words

    assert submitted(shop) == []


def test_a_draft_with_too_little_in_it_stays_and_the_page_says_so(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    switched_on(fields=4)

    due_in(dispute_id, timedelta(hours=2))
    assert run() == 0
    page = ana.get(f"/admin/disputes/{dispute_id}")
    assert "3 recommended fields are filled, and 4 are asked for." in page.words
    write(ana, dispute_id, TEXTS | {"customer_email_address": "mona@example.com"})
    due_in(dispute_id, timedelta(hours=2))
    assert run() == 1


def test_what_a_person_leaves_alone_stays_until_they_let_it_in_again(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    path = f"/admin/disputes/{dispute_id}"
    ana.get(path)
    ana.post(f"{path}/last-chance", {"leave": "yes"})
    ana.post(f"{path}/last-chance", {"leave": "yes"})

    due_in(dispute_id, timedelta(hours=2))
    assert run() == 0
    assert "ana@shop.example said that it is left alone." in ana.get(path).words
    ana.post(f"{path}/last-chance", {"leave": "no"})
    assert run() == 1

    acts = [entry.action for entry in db.session.query(AuditLog).filter(AuditLog.action.like("last_chance.%"))]
    assert sorted(acts) == ["last_chance.left", "last_chance.let_in", "last_chance.set"]


def asked_to_accept(ana: Desk, dispute_id: str) -> Approval:
    """Ana asks for another person's word to accept it."""
    policies.set_policy(
        "dispute.accept", is_on=True, thresholds={}, needed=1, ask_roles=[], approve_roles=[], expires_after_days=60,
        actor=ANA,
    )  # fmt: skip
    page = ana.get(f"/admin/disputes/{dispute_id}/accept")
    promise = next(found for found in page.forms if "promise" in found)["promise"]
    ana.post(f"/admin/disputes/{dispute_id}/accept", {"promise": promise, "words": "The parcel was lost."})
    return db.session.query(Approval).one()


def test_whoever_asked_to_accept_keeps_it_here(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    asked_to_accept(ana, dispute_id)

    due_in(dispute_id, timedelta(hours=2))
    assert run() == 0
    assert "ana@shop.example said that it is accepted." in ana.get(f"/admin/disputes/{dispute_id}").words

    assert submitted(shop) == []


@pytest.mark.parametrize(("end", "sent"), [("withdrawn", 1), ("declined", 1), ("expired", 0)])
def test_a_word_that_was_taken_back_or_declined_keeps_nothing_and_one_nobody_answered_does(
    shop: Shop, ana: Desk, end: str, sent: int
) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    approval = asked_to_accept(ana, dispute_id)
    if end == "withdrawn":
        deciding.withdraw(approval.id, actor=ANA)
    elif end == "declined":
        staff(shop.app, "support_lead").post(f"/admin/approvals/{approval.id}/decline", {"words": "We fight it."})
    else:
        with time_machine.travel(clock.now() + timedelta(days=61), tick=True):
            assert expire_approvals() == 1

    due_in(dispute_id, timedelta(hours=2))

    assert db.session.query(Approval.state).scalar() == end
    assert run() == sent
    assert len(submitted(shop)) == sent


@pytest.mark.parametrize(
    "due_at",
    [None, datetime.fromtimestamp(0, UTC), clock.now() - timedelta(seconds=1)],
    ids=["no deadline", "unix zero", "already past"],
)
def test_without_a_deadline_ahead_nothing_is_sent(shop: Shop, ana: Desk, due_at: datetime | None) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    db.session.execute(db.update(Dispute).values(due_at=due_at))
    db.session.commit()

    assert run() == 0

    assert submitted(shop) == []
    assert "itself" not in ana.get(f"/admin/disputes/{dispute_id}").words


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_a_day_is_a_day_in_every_zone(shop: Shop, ana: Desk, hours: int) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    due = (clock.now() + timedelta(hours=24, minutes=5)).astimezone(timezone(timedelta(hours=hours)))
    db.session.execute(db.update(Dispute).values(due_at=due))
    db.session.commit()

    assert run() == 0
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        assert run() == 1

    assert here(dispute_id).status == "under_review"


def test_while_stripe_is_away_it_is_tried_until_it_is_back(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    shop.sandbox.fault("POST", "/v1/*", status=503, times=400)

    with before_deadline(dispute_id, timedelta(hours=20)):
        assert [run(), run(), recovery.recover(gateway(), kinds())] == [0, 0, 0]
        assert at_stripe(shop, dispute_id)["evidence_details"]["submission_count"] == 0
        shop.sandbox.control("DELETE", "faults")
    with before_deadline(dispute_id, timedelta(hours=1)):
        run()
        recovery.recover(gateway(), kinds())

    assert len(submitted(shop)) == 1
    assert here(dispute_id).status == "under_review"
    assert db.session.query(Act).filter_by(kind="evidence.submit").one().status == "done"
    assert db.session.query(Mail).filter_by(kind="evidence.last_chance").count() == 1


def test_what_stripe_refuses_is_told_and_not_sent_again_as_it_is(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    words = {"error": {"type": "invalid_request_error", "message": "Not like this."}}
    shop.sandbox.fault("POST", f"/v1/disputes/{dispute_id}", status=400, body=words, times=1)

    due_in(dispute_id, timedelta(hours=2))
    assert [run(), run()] == [0, 0]
    [mail] = db.session.query(Mail).filter_by(kind="evidence.last_chance").all()
    assert "Stripe did not take it: Not like this." in mail.text
    write(ana, dispute_id, TEXTS | {"customer_name": "Mona Berg of Oslo"})
    due_in(dispute_id, timedelta(hours=2))
    assert run() == 1

    assert at_stripe(shop, dispute_id)["evidence"]["customer_name"] == "Mona Berg of Oslo"


def test_a_person_and_many_jobs_at_the_same_moment_send_it_once(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    number = int(form(ana.get(f"/admin/disputes/{dispute_id}/submit"))["number"])
    gate = Barrier(6)

    def person() -> bool:
        act = operations.submit(
            dispute_id, number=number, fee_agreed=False, promise_id=uuid4(), actor=ANA, gateway=gateway()
        )
        return act.status == "done"

    def press(n: int) -> int:
        with shop.app.app_context():
            gate.wait()
            try:
                return int(person()) if n % 2 else run()
            except DomainError:
                return 0

    with before_deadline(dispute_id, timedelta(hours=2)), ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(press, range(6)))

    assert sum(answers) == 1
    assert len(submitted(shop)) == 1
    assert at_stripe(shop, dispute_id)["evidence_details"]["submission_count"] == 1
    assert db.session.query(DisputeSubmission).count() == 1


def test_leaving_it_alone_and_the_job_at_the_same_moment_agree_on_who_was_first(shop: Shop, ana: Desk) -> None:
    dispute_id = written(shop, ana)
    switched_on()
    gate = Barrier(2)

    def job() -> int:
        with shop.app.app_context():
            gate.wait()
            return run()

    def person() -> int:
        with shop.app.app_context():
            gate.wait()
            last_chance.leave(dispute_id, left=True, actor=ANA)
            sent = db.session.query(DisputeSubmission).count()
            db.session.rollback()
            return sent

    with before_deadline(dispute_id, timedelta(hours=2)), ThreadPoolExecutor(2) as threads:
        one, other = threads.submit(job), threads.submit(person)
        sent, was_sent_before = one.result(), other.result()

    # Nothing is sent after somebody's word was kept.
    assert sent == len(submitted(shop)) == was_sent_before


def test_the_page_of_the_rule_takes_what_makes_sense(shop: Shop) -> None:
    shop.catch_up()
    disputed(shop)
    admin = staff(shop.app, "admin")
    path = "/admin/dispute-rules/"
    admin.get(path)

    for fields in ("0", "21", "-1", "1.5", "many", "", "٣", "9" * 400):
        page = admin.post(f"{path}last-chance", {"on": "yes", "fields": fields}, expect=400)
        assert "fields" in page.words
    assert last_chance.rule_of(accounts.current(livemode=False).id) is None
    admin.post(f"{path}last-chance", {"on": "yes", "fields": "4"})

    rule = last_chance.rule_of(accounts.current(livemode=False).id)
    assert rule is not None
    assert (rule.is_on, rule.fields_needed, rule.set_by) == (True, 4, admin.email)
    staff(shop.app, "finance").get(path, expect=403)
    with pytest.raises(BadRequest):
        last_chance.set_rule(1, is_on=True, fields_needed=0, actor=ANA)
