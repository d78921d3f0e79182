"""Is the copy what Stripe is? All of one day, and some of everything."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from flask import current_app

from app.database import db
from app.gateways.current import gateway
from app.mirror import accounts
from app.mirror.kinds import KINDS
from app.settings import Settings
from app.sync import drift
from app.sync.compare import Drift
from app.timetable.lines import Parameter
from jobs import running, stopping

Look = tuple[str, Callable[[], tuple[int, list[Drift]]]]
SAMPLE = Parameter("sample", "Rows of each kind, from anywhere", 20, 0, 10_000)


def compare_with_stripe() -> int:
    """Hold the day before, and a sample of each kind, against Stripe field by field, and note what differs."""
    settings: Settings = current_app.extensions["settings"]
    account = accounts.current(settings.livemode)
    db.session.rollback()
    run, stripe = running.current(), gateway().background
    if account.events_read_to is None:
        # Nothing was copied yet.
        return 0
    day = (run.due_at - timedelta(days=1)).date()
    looks: list[Look] = [
        (f"{kind.object} of {day}", partial(drift.compare_day, stripe, account.id, day, kind)) for kind in drift.LISTED
    ]
    looks += [
        (f"{kind.object}, sampled", partial(drift.compare_sample, stripe, account.id, kind, run.told(SAMPLE)))
        for kind in KINDS.values()
    ]
    done = 0
    for what, look in looks:
        if stopping.requested.is_set():
            break
        compared, found = look()
        drift.keep(found, account.id)
        if found:
            run.say(f"{what}: {len(found)} fields differ of {compared} objects", level="warning")
        run.did(compared)
        done += compared
    return done
