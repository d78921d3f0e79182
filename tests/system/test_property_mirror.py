"""Whatever happens at Stripe, and in whatever order, how often or never we are told: after a sync the mirror is Stripe.

A failure says which history it was; to see it again: HISTORY=seed:acts make test ONLY=tests/system/test_property_mirror.py
"""

import os
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.database import db, transaction
from app.mirror.kinds import KINDS
from tests import invariants
from tests.sandbox.client import Sandbox
from tests.system.history import History
from tests.world import application

pytestmark = pytest.mark.timeout(600)
REPLAY = os.environ.get("HISTORY")
# What a history leaves behind. Not the audit trail, which only grows, nor who works here and by which rules.
LEFT = (
    *(kind.table for kind in KINDS.values()),
    *(kind.family.door.table.name for kind in KINDS.values() if kind.family),
    *(
        "acts",
        "gateway_calls",
        "drifts",
        "day_sums",
        "job_run_lines",
        "job_runs",
        "search_words",
        "sync_runs",
        "sync_windows",
    ),
    *("debit_stops", "wanted_objects", "webhook_events", "webhook_refusals", "webhook_tries"),
)
plain = settings(
    deadline=None,
    database=None,
    print_blob=False,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture
def desk(database_url: str, instance_dir: Path, sandbox: Sandbox) -> Flask:
    return application(database_url, instance_dir, stripe_api_base=sandbox.url)


def run(desk: Flask, sandbox: Sandbox, seed: int, acts: int) -> None:
    sandbox.reset(seed=seed)
    with desk.app_context():
        forget()
        history = History(desk, sandbox, seed)
        try:
            history.live(acts)
            invariants.hold(desk, sandbox, all_heard=history.from_the_start)
        except BaseException as failure:
            failure.add_note("\n".join([f"HISTORY={seed}:{acts}", *history.told]))
            raise
        finally:
            db.session.remove()
            db.engine.dispose()
        if REPLAY is None:
            for line in history.told:
                event(line.partition(":")[0])


def forget() -> None:
    """The database as a new one, faster than making one."""
    with transaction():
        db.session.execute(text(f"TRUNCATE {', '.join(sorted(set(LEFT)))}"))
        db.session.execute(text("UPDATE accounts SET synced_at = NULL, events_read_to = NULL"))


@pytest.mark.skipif(REPLAY is not None, reason="one history only")
# The same histories in every run: what `make torture` finds new becomes a fault to repair, not a test that fails now and then.
@settings(plain, max_examples=15, derandomize=True)
@given(seed=seeds, acts=st.integers(5, 25))
def test_after_any_history_the_mirror_is_stripe(desk: Flask, sandbox: Sandbox, seed: int, acts: int) -> None:
    run(desk, sandbox, seed, acts)


@pytest.mark.torture
@pytest.mark.timeout(3_600)
@pytest.mark.skipif(REPLAY is not None, reason="one history only")
@settings(plain, max_examples=200)
@given(seed=seeds, acts=st.integers(10, 120))
def test_after_any_long_history_the_mirror_is_stripe(desk: Flask, sandbox: Sandbox, seed: int, acts: int) -> None:
    run(desk, sandbox, seed, acts)


@pytest.mark.skipif(REPLAY is None, reason="HISTORY=seed:acts names the one to see again")
def test_one_history_again(desk: Flask, sandbox: Sandbox) -> None:
    seed, _, acts = (REPLAY or "0:0").partition(":")
    run(desk, sandbox, int(seed), int(acts))
