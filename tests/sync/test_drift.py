"""What differs is found every night, shown as field, here and at Stripe, and healed by one click with a word in the trail."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select, text

from app import clock
from app.audit import trail
from app.database import db, transaction
from app.gateways.current import gateway
from app.mirror import accounts
from app.mirror.kinds import KINDS
from app.models.drift import DaySum, Drift
from app.models.wanted_object import WantedObject
from app.sync import drift
from jobs.compare_with_stripe import compare_with_stripe
from jobs.read_unfinished import read_unfinished
from jobs.running import Run, as_current
from tests import factories
from tests.desk import staff
from tests.sandbox.client import Sandbox
from tests.sync.conftest import Copy
from tests.sync.test_check import pay

CHARGE = KINDS["charge"]


@pytest.fixture
def shop(sandbox: Sandbox, copy_of_sandbox: Copy) -> Copy:
    """Two customers with a payment each; copied."""
    for number in range(2):
        customer = sandbox.post("/v1/customers", {"email": f"jo{number}@example.com", "payment_method": "pm_card_visa"})
        pay(sandbox, customer["id"], amount=2_000 + number)
    copy_of_sandbox.sync()
    return copy_of_sandbox


def account_id() -> int:
    found = accounts.current(livemode=False).id
    db.session.rollback()
    return found


def change(statement: str) -> str:
    with transaction():
        return str(db.session.execute(text(statement)).scalar_one())


def noted() -> list[tuple[str, str, str | None, str | None]]:
    db.session.rollback()
    rows = db.session.scalars(select(Drift).order_by(Drift.id).execution_options(populate_existing=True))
    return [(row.object_id, row.field, row.local, row.remote) for row in rows]


def night() -> int:
    """As the job runs on the morning after today."""
    tomorrow = datetime.combine(clock.now().date() + timedelta(days=1), time(4, 10), UTC)
    with as_current(Run(due_at=tomorrow)):
        return compare_with_stripe()


def test_a_true_copy_differs_in_nothing_and_its_days_add_up(shop: Copy) -> None:
    assert night() > 8
    assert noted() == []

    sums = {row.kind: row for row in db.session.scalars(select(DaySum).where(DaySum.currency == "eur"))}
    charges = sums["charge"]
    assert (charges.count_here, charges.count_there, charges.amount_here, charges.amount_there) == (2, 2, 4_001, 4_001)
    assert all(row.is_even for row in db.session.scalars(select(DaySum)))


def test_one_changed_amount_is_found_shown_and_healed_by_a_click(shop: Copy) -> None:
    charge = change("UPDATE charges SET amount = 2500 WHERE amount = 2001 RETURNING id")

    night()
    night()

    assert noted() == [(charge, "amount", "2500", "2001")]
    [row] = db.session.scalars(select(DaySum).where(DaySum.kind == "charge")).all()
    assert (row.amount_here, row.amount_there, row.is_even) == (4_500, 4_001, False)
    [one] = db.session.scalars(select(Drift)).all()
    ana = staff(shop.app, "developer")
    assert "amount" in ana.get("/admin/sync/").words
    assert "amount 2500 2001" in ana.get(f"/admin/sync/{one.id}").words
    ana.post(f"/admin/sync/{one.id}/heal")
    ana.post(f"/admin/sync/{one.id}/heal")

    db.session.rollback()
    [one] = db.session.scalars(select(Drift).execution_options(populate_existing=True)).all()
    assert (one.healed_by, db.session.scalar(text("SELECT sum(amount) FROM charges"))) == (ana.email, 4_001)
    [entry] = trail.of("charge", charge)
    assert (entry.action, entry.actor, entry.before, entry.after) == (
        "sync.healed",
        ana.email,
        {"amount": "2500"},
        {"amount": "2001"},
    )
    night()
    assert len(noted()) == 1


def test_what_is_missing_on_either_side_is_found(shop: Copy) -> None:
    lost = change("DELETE FROM charges WHERE amount = 2000 RETURNING id")
    with transaction():
        made_up = factories.charge(account_id=account_id(), created_at=clock.now()).id

    count, found = drift.compare_day(gateway().background, account_id(), clock.now().date(), CHARGE)

    assert count == 2
    assert {(one.id, one.field, one.local) for one in found} == {
        (lost, "", "only at Stripe"),
        (made_up, "", "only here"),
    }


def test_of_persons_only_that_something_differs_is_kept(shop: Copy) -> None:
    change("UPDATE customers SET email = 'wrong@example.com' WHERE email = 'jo1@example.com' RETURNING id")

    night()

    assert [(field, local, remote) for _, field, local, remote in noted()] == [
        ("email", "personal data", "personal data")
    ]


def test_a_sample_reaches_what_no_day_does(shop: Copy) -> None:
    charge = change("UPDATE charges SET amount = 7 WHERE amount = 2001 RETURNING id")

    _, found = drift.compare_sample(gateway().background, account_id(), CHARGE, 60)

    assert [(one.id, one.field, one.local, one.remote) for one in found] == [(charge, "amount", 7, 2_001)]


def test_what_is_not_at_its_end_is_read_again_when_nothing_was_heard(shop: Copy) -> None:
    with transaction():
        db.session.execute(text("UPDATE payment_intents SET status = 'processing'"))
        db.session.execute(text("UPDATE payment_intents SET heard_at = now() - interval '2 days' WHERE amount = 2001"))

    assert read_unfinished() == 1
    assert read_unfinished() == 0

    [wanted] = db.session.scalars(select(WantedObject)).all()
    assert wanted.kind == "payment_intent"


def test_one_object_is_read_again_from_its_page_and_says_what_was_different(shop: Copy) -> None:
    charge = change("UPDATE charges SET amount = 7 WHERE amount = 2001 RETURNING id")
    ana = staff(shop.app, "support")
    assert 'action="/admin/read-again/"' in ana.get(f"/admin/charges/{charge}").html

    page = ana.post("/admin/read-again/", {"object": charge})

    assert page.location == f"/admin/charges/{charge}"
    assert "amount was 7 and is 2001" in ana.get(page.location).words
    assert "nothing that is kept here" in ana.post("/admin/read-again/", {"object": "x"}, expect=404).words.lower()
    assert "neither here nor at Stripe" in ana.post("/admin/read-again/", {"object": "ch_none"}, expect=404).words
