"""A batch from its check to its last line: limits, another person's word, races, and workers that die."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from app.actor import Actor
from app.approvals import carrying_out
from app.approvals import operations as approvals
from app.database import db, transaction
from app.errors import Conflict, NotAllowed
from app.gateways.answer import Answer
from app.models.approval import APPROVE, DECLINE, Approval
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.refund import Refund
from app.models.refund_batch import RefundBatch, RefundBatchRow
from app.models.staff import Staff
from app.money import MinorUnits, Money
from app.refunds.allowances import AboveLimit
from app.refunds.batches import operations, queries, running
from app.refunds.batches.reading import read_text
from app.refunds.operations import promise_refund, refund_charge
from app.refunds.recovery import recover
from tests import factories
from tests.approvals.conftest import person
from tests.refunds.fake_gateway import FakeGateway
from tests.refunds.test_races import at_once


def make(listed: str, actor: Actor, **more: Any) -> UUID:
    plain = {"batch_id": uuid4(), "account_id": factories.account().id, "name": "list.csv", "reason": "goodwill"}
    lines = read_text(listed)
    return operations.make(lines, **plain | {"words": "Storm damage", "actor": actor} | more).id


def states(batch_id: UUID) -> list[str]:
    db.session.rollback()
    found = db.session.query(RefundBatchRow.state).filter_by(batch_id=batch_id).order_by(RefundBatchRow.number)
    return [state for (state,) in found]


def batch(batch_id: UUID) -> RefundBatch:
    db.session.rollback()
    return db.session.get_one(RefundBatch, batch_id, populate_existing=True)


def listed(charges: list[Charge]) -> str:
    return "\n".join(charge.id for charge in charges)


@pytest.fixture
def ana(app: Flask) -> Actor:
    return person("ana@shop.example", "support")


def test_each_line_is_checked_by_itself_and_nothing_is_given_back(ana: Actor) -> None:
    good, by_intent = factories.charge(), factories.charge(payment_intent_id="pi_1")
    yen, spent, disputed = (
        factories.charge(currency="jpy"),
        factories.charge(refunded=True, amount_refunded=5_000),
        factories.charge(disputed=True),
    )
    factories.dispute(disputed)
    foreign = factories.charge(account_id=factories.another_account().id)
    table = f"""payment,amount,currency,reason,words
{good.id},12.50,EUR,Goodwill,Late
pi_1,,,,
{good.id},1,,,
{yen.id},10.50,,,
{yen.id},10,eur,,
{spent.id},,,,
{disputed.id},5,,,
{foreign.id},5,,,
ch_unknown,5,,,
{yen.id},5,,because,
{yen.id},0,,,
{yen.id},-5,,,
{yen.id},6000,,,
{yen.id},5,jpy,duplicate,,5"""

    batch_id = make(table, ana)

    first, second, *bad = queries.lines(batch_id)
    assert [line.state for line in (first, second)] == ["ready"] * 2
    assert [(line.row.number, line.state) for line in bad] == [(number, "bad") for number in range(4, 16)]
    said = [(why, line.words or "") for why, line in zip(WHY, bad, strict=True)]
    assert [(why, words) for why, words in said if why not in words] == []
    assert (first.row.amount, first.row.reason, first.row.words) == (1_250, "goodwill", "Late")
    assert (second.row.charge_id, second.row.amount, second.row.words) == (by_intent.id, 5_000, "Storm damage")
    assert [str(total.money) for total in operations.totals(batch_id)] == ["62.50 EUR"]
    assert db.session.query(Refund).count() == 0


WHY = (
    "stands in line 2 already",
    "JPY has no decimals",
    "not in EUR",
    "already refunded in full",
    "chargeback",
    "There is no payment with this id here.",
    "There is no payment with this id here.",
    "There is no reason “because”",
    "above zero",
    "plain digits",
    "Only 5000 JPY",
    "more cells than",
)


def test_a_batch_runs_through_and_says_what_came_of_each_line(ana: Actor) -> None:
    charges, gateway = [factories.charge(amount=2_000) for _ in range(3)], FakeGateway()
    batch_id = make(listed(charges), ana)
    assert operations.start(batch_id, actor=ana).state == "running"
    factories.refund(charges[1], amount=2_000)

    assert running.run(gateway) == 3

    assert states(batch_id) == ["made", "refused", "made"]
    assert "already refunded in full" in (queries.lines(batch_id)[1].words or "")
    assert (batch(batch_id).state, len(gateway.keys), len(gateway.made)) == ("done", 2, 2)
    rows = {line.row.id for line in queries.lines(batch_id) if line.refund}
    assert {f"refund:{row}" for row in rows} == set(gateway.keys)
    acts = [act for (act,) in db.session.query(AuditLog.action).order_by(AuditLog.id) if act.startswith("refund")]
    assert acts == [
        *("refund_batch.made", "refund_batch.started"),
        *("refund.requested", "refund.answered") * 2,
        "refund_batch.finished",
    ]


class Dead(BaseException):
    """The power went."""


class Dying(FakeGateway):
    """The worker dies when its first refund is about to be asked for."""

    def create_refund(self, **request: Any) -> Answer:
        if not self.keys:
            self.keys.append("")
            raise Dead
        return super().create_refund(**request)


def die(_made: object) -> None:
    raise Dead


@pytest.mark.parametrize("where", ["claimed", "promised", "made", "kept"])
def test_a_worker_that_dies_anywhere_is_followed_by_one_that_gives_each_back_once(ana: Actor, where: str) -> None:
    charges, gateway = [factories.charge(amount=2_000) for _ in range(3)], Dying()
    batch_id = make(listed(charges), ana)
    operations.start(batch_id, actor=ana)
    first = queries.lines(batch_id)[0].row.id
    if where in {"claimed", "kept"}:
        gateway.keys.append("")
        with transaction():
            db.session.execute(update(RefundBatchRow).where(RefundBatchRow.id == first).values(state="begun", tries=1))
        if where == "kept":
            refund_charge(
                charges[0].id,
                Money(MinorUnits(2_000), "eur"),
                promise_id=first,
                reason="goodwill",
                reason_text="Storm damage",
                actor=ana,
                gateway=gateway,
            )
    else:
        if where == "made":
            gateway.keys.append("")
            gateway.before_answer = die
        with pytest.raises(Dead):
            running.run(gateway)
        assert states(batch_id) == ["begun", "ready", "ready"]
    gateway.before_answer = lambda _: None

    running.run(gateway)
    with transaction():
        # Longer ago than any call takes.
        db.session.execute(update(Refund).where(Refund.status == "requested").values(asked_at=None))
    recover(gateway)

    assert states(batch_id) == ["made"] * 3
    assert batch(batch_id).state == "done"
    assert sorted(made["charge"] for made in gateway.made.values()) == sorted(charge.id for charge in charges)
    assert set(gateway.made) == {f"refund:{line.row.id}" for line in queries.lines(batch_id)}
    assert [status for (status,) in db.session.query(Refund.status)] == ["succeeded"] * 3


def test_when_stripe_is_away_it_stops_and_goes_on_later(ana: Actor) -> None:
    charges, gateway = [factories.charge(amount=2_000) for _ in range(5)], FakeGateway()
    batch_id = make(listed(charges), ana)
    operations.start(batch_id, actor=ana)
    gateway.down = True

    running.run(gateway)
    assert states(batch_id) == ["made"] * 3 + ["ready"] * 2
    gateway.down = False
    running.run(gateway)
    recover(gateway)

    assert batch(batch_id).state == "done"
    assert len(gateway.made) == 5


def test_a_payment_that_is_busy_has_its_turn_later(ana: Actor) -> None:
    charge, gateway = factories.charge(amount=2_000), FakeGateway()
    batch_id = make(charge.id + ", 5.00", ana)
    operations.start(batch_id, actor=ana)
    by_hand = uuid4()
    promise_refund(
        charge.id, Money(MinorUnits(100), "eur"), promise_id=by_hand, reason="other", reason_text="By hand", actor=ana
    )

    assert running.run(gateway) == 0
    assert states(batch_id) == ["begun"]
    with transaction():
        db.session.execute(update(Refund).values(asked_at=None))
    recover(gateway)

    assert running.run(gateway) == 1
    assert states(batch_id) == ["made"]


def test_above_the_limits_the_whole_batch_needs_one_word(ana: Actor) -> None:
    # A support agent's limit is 1,000.00; each payment is below it, all together are not.
    charges, gateway = [factories.charge(amount=60_000) for _ in range(2)], FakeGateway()
    batch_id = make(listed(charges), ana)

    waiting = operations.start(batch_id, actor=ana)
    running.run(gateway)
    assert (waiting.state, gateway.keys) == ("waiting", [])
    approval = db.session.query(Approval).one()
    assert (approval.act, approval.summary) == ("refund_batch", "Refund 2 payments, 1,200.00 EUR")
    lea = person("lea@shop.example")
    approvals.decide(approval.id, APPROVE, "", actor=lea)
    assert carrying_out.carry_out(approval.id, actor=lea).state == "done"
    assert batch(batch_id).state == "running"

    assert running.run(gateway) == 2
    assert states(batch_id) == ["made"] * 2
    assert {refund.approval_id for refund in db.session.query(Refund)} == {approval.id}


def test_declined_it_never_runs(ana: Actor) -> None:
    gateway = FakeGateway()
    batch_id = make(listed([factories.charge(amount=200_000)]), ana)
    operations.start(batch_id, actor=ana)

    approvals.decide(batch_id, DECLINE, "Not ours", actor=person("lea@shop.example"))
    running.run(gateway)

    assert queries.shown_state(batch(batch_id)) == "declined"
    assert gateway.keys == []


def test_withdrawn_before_the_word_it_does_not_begin(ana: Actor) -> None:
    batch_id = make(listed([factories.charge(amount=200_000)]), ana)
    operations.start(batch_id, actor=ana)
    operations.withdraw(batch_id, actor=ana)
    lea = person("lea@shop.example")

    approvals.decide(batch_id, APPROVE, "", actor=lea)
    failed = carrying_out.carry_out(batch_id, actor=lea)

    assert (failed.state, batch(batch_id).state, states(batch_id)) == ("failed", "withdrawn", ["withdrawn"])
    assert "withdrawn meanwhile" in (failed.outcome or "")


def test_what_has_not_begun_is_withdrawn_and_what_was_made_stays(ana: Actor) -> None:
    charges, gateway = [factories.charge(amount=2_000) for _ in range(4)], FakeGateway()
    batch_id = make(listed(charges), ana)
    operations.start(batch_id, actor=ana)
    running.run(gateway, stop=lambda: len(gateway.keys) == 2)

    operations.withdraw(batch_id, actor=ana)
    running.run(gateway)

    assert states(batch_id) == ["made", "made", "withdrawn", "withdrawn"]
    assert (batch(batch_id).state, len(gateway.made)) == ("withdrawn", 2)
    with pytest.raises(Conflict, match="ended already"):
        operations.withdraw(batch_id, actor=ana)


def test_only_who_made_it_starts_it_and_only_once(ana: Actor) -> None:
    batch_id = make(listed([factories.charge()]), ana)

    with pytest.raises(NotAllowed, match="can start this"):
        operations.start(batch_id, actor=person("ben@shop.example"))
    operations.start(batch_id, actor=ana)
    with pytest.raises(Conflict, match="started or withdrawn already"):
        operations.start(batch_id, actor=ana)
    with pytest.raises(Conflict, match="No payment of this batch"):
        operations.start(make("ch_unknown", ana), actor=ana)


def test_who_may_not_give_back_any_more_has_no_batch_that_goes_on(ana: Actor) -> None:
    gateway, batch_id = FakeGateway(), make(listed([factories.charge()]), ana)
    operations.start(batch_id, actor=ana)
    with transaction():
        db.session.execute(update(Staff).where(Staff.email == ana.name).values(role="view_only"))

    running.run(gateway)

    assert (gateway.keys, batch(batch_id).state, states(batch_id)) == ([], "withdrawn", ["withdrawn"])


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE refund_batch_rows SET amount = amount + 1",
        "UPDATE refund_batch_rows SET charge_id = 'ch_2'",
        "UPDATE refund_batch_rows SET state = 'ready' WHERE state = 'made'",
        """INSERT INTO refund_batch_rows (id, batch_id, number, given, state, why_not)
           SELECT gen_random_uuid(), id, 9, '', 'bad', 'x' FROM refund_batches""",
    ],
)
def test_the_database_keeps_a_started_list_as_it_was(ana: Actor, change: str) -> None:
    batch_id = make(listed([factories.charge()]), ana)
    operations.start(batch_id, actor=ana)
    running.run(FakeGateway())

    with pytest.raises(DBAPIError, match="stays what it was"), transaction():
        db.session.execute(text(change))


def test_the_word_on_a_batch_lets_no_other_refund_pass(ana: Actor) -> None:
    charge, other = factories.charge(amount=200_000), factories.charge(amount=200_000)
    batch_id = make(charge.id, ana)
    operations.start(batch_id, actor=ana)
    lea = person("lea@shop.example")
    approvals.decide(batch_id, APPROVE, "", actor=lea)
    carrying_out.carry_out(batch_id, actor=lea)

    for promise_id, charge_id in ((uuid4(), charge.id), (queries.lines(batch_id)[0].row.id, other.id)):
        with pytest.raises(AboveLimit):
            promise_refund(
                charge_id,
                Money(MinorUnits(200_000), "eur"),
                promise_id=promise_id,
                reason="goodwill",
                reason_text="Mine",
                actor=ana,
                approval_id=batch_id,
            )

    assert db.session.query(Refund).count() == 0


def test_workers_starts_and_withdrawals_at_once_give_each_payment_back_at_most_once(committed: Flask) -> None:
    ana, gateway = person("ana@shop.example", "finance"), FakeGateway()
    batch_id = make(listed([factories.charge(amount=1_000) for _ in range(30)]), ana)

    started = at_once(committed, lambda _: operations.start(batch_id, actor=ana).state, times=8)

    def work(n: int) -> str:
        if n == 7:
            operations.withdraw(batch_id, actor=ana)
        return str(running.run(gateway))

    at_once(committed, work, times=8)
    running.run(gateway)

    assert started.count("running") == 1
    kept = states(batch_id)
    assert set(kept) <= {"made", "withdrawn"}
    assert len(gateway.keys) == len(set(gateway.keys)) == len(gateway.made) == kept.count("made")
    assert batch(batch_id).state in {"done", "withdrawn"}
    db.session.rollback()
