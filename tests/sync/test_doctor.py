"""The doctor says what is wrong in a line each, and its exit code says so too."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text

from app import cli, clock
from app.database import db, transaction
from app.gateways.current import gateway
from app.sync.doctor import Finding, Health, examine
from tests import factories, objects
from tests.canned import Canned, charge
from tests.sandbox.client import Sandbox
from tests.sync.conftest import Copy

MIGRATIONS = Path(__file__).parents[2] / "migrations"


def flask(copy: Copy, *arguments: str) -> Result:
    if "sync" not in copy.app.cli.commands:
        cli.register(copy.app)
    return copy.app.test_cli_runner().invoke(args=arguments)


def wrongs(copy: Copy, health: Health = Health.BAD) -> list[str]:
    found: list[Finding] = list(
        examine(gateway().background, copy.app.extensions["settings"], migrations=MIGRATIONS, full=False)
    )
    db.session.rollback()
    return [finding.what for finding in found if finding.health is health]


@pytest.fixture
def healthy(copy_of_canned: Copy, canned: Canned) -> Copy:
    canned.lists = {"/v1/charges": [charge(number) for number in reversed(range(3))]}
    copy_of_canned.sync()
    return copy_of_canned


def test_a_healthy_copy_has_nothing_wrong(healthy: Copy):
    result = flask(healthy, "doctor")

    assert result.exit_code == 0, result.output
    assert "3 objects are as Stripe has them." in result.output
    assert "WRONG" not in result.output


def test_a_difference_is_wrong(healthy: Copy):
    with transaction():
        db.session.execute(text("UPDATE charges SET amount = 5 WHERE id = (SELECT min(id) FROM charges)"))

    result = flask(healthy, "doctor")

    assert result.exit_code == 1
    assert f"WRONG  Mirror: charge {charge(0)['id']}: amount is 5 here and 2000 at Stripe" in result.output


def test_stripe_away_is_wrong_and_the_rest_is_still_looked_at(healthy: Copy, canned: Canned):
    canned.answers["/v1/account"] = 500, {"Stripe-Should-Retry": "false"}, {}

    assert [what.split(":")[0] for what in wrongs(healthy)] == ["Stripe at http"]


@pytest.mark.parametrize(
    ("date", "side"), [("Mon, 02 Nov 2020 12:00:00 GMT", "ahead of"), ("Fri, 02 Nov 2040 12:00:00 GMT", "behind")]
)
def test_a_clock_more_than_a_minute_off_is_shown(healthy: Copy, canned: Canned, date: str, side: str):
    canned.answers["/v1/account"] = 200, {"Date": date}, {"id": "acct_canned", "object": "account"}

    [skew] = wrongs(healthy, Health.ODD)
    assert f" s {side} Stripe's" in skew


def test_events_that_wait_or_were_given_up_are_wrong(healthy: Copy):
    old = clock.now() - timedelta(minutes=2)
    factories.event(id="evt_a", state="waiting", next_try_at=old, received_at=old)
    factories.event(id="evt_b", state="waiting", next_try_at=clock.now(), received_at=clock.now())
    factories.event(id="evt_c", state="dead")

    assert [what[:10] for what in wrongs(healthy)] == ["Events: 1 ", "Events: 1 "]


def test_a_run_that_stopped_early_is_wrong(healthy: Copy):
    with transaction():
        db.session.execute(text("UPDATE sync_runs SET finished_at = NULL, error = 'charge: No.'"))

    assert wrongs(healthy) == ["Sync: the last run was not complete: charge: No."]


def test_refunds_beyond_the_charge_are_wrong(copy_of_canned: Copy):
    paid = factories.charge(id="ch_1", amount=1_000, raw=factories.packed({}))
    factories.refund(paid, amount=700)
    factories.refund(paid, amount=301)
    factories.refund(paid, amount=5_000, status="failed")

    assert "Charge ch_1: 1001 refunded of 1000 captured (minor units)." in wrongs(copy_of_canned)


def test_a_debit_on_its_way_may_be_given_back(healthy: Copy):
    debited = factories.charge(
        id="ch_1", amount=1_000, status="pending", captured=False, amount_captured=0, raw=factories.packed({})
    )
    factories.refund(debited, amount=1_000)

    assert [line for line in wrongs(healthy) if line.startswith("Charge ")] == []


def test_an_old_schema_is_wrong_and_ends_the_visit(healthy: Copy):
    with transaction():
        db.session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    [finding] = wrongs(healthy)
    assert "flask db upgrade" in finding


def test_a_moved_sandbox_clock_is_a_warning_only(sandbox: Sandbox, copy_of_sandbox: Copy):
    sandbox.advance(600)
    copy_of_sandbox.sync()

    assert wrongs(copy_of_sandbox) == []
    [skew] = wrongs(copy_of_sandbox, Health.ODD)
    assert skew.endswith(" s behind Stripe's; over 300 s webhooks are refused.")


def test_sync_says_what_it_read_and_check_what_differs(copy_of_canned: Copy, canned: Canned):
    canned.lists = {"/v1/customers": [objects.customer(id="cus_1")]}

    run = flask(copy_of_canned, "sync", "run", "--kind", "customer")
    with transaction():
        db.session.execute(text("UPDATE customers SET name = 'X'"))
    check = flask(copy_of_canned, "sync", "check", "--kind", "customer")
    healed = flask(copy_of_canned, "sync", "check", "--kind", "customer", "--heal")

    assert run.exit_code == 0
    assert run.output == "Done: 1 objects read (1 customer), 0 events caught up with.\n"
    assert check.exit_code == 1
    assert check.output.splitlines()[:2] == [
        "customer cus_1: name is 'X' here and 'Jo' at Stripe",
        "1 objects compared, 1 differences, 0 objects healed.",
    ]
    assert healed.exit_code == 0


def test_a_refusal_is_one_line(copy_of_canned: Copy, canned: Canned):
    canned.answers["/v1/account"] = 401, {}, {"error": {"type": "invalid_request_error", "message": "Invalid API Key."}}

    result = flask(copy_of_canned, "sync", "run")

    assert (result.exit_code, result.output) == (1, "Error: Invalid API Key.\n")
