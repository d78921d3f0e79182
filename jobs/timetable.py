"""What runs when. Read it like one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time

from jobs.approvals import carry_out_approvals, expire_approvals
from jobs.catch_up_events import catch_up_events
from jobs.erase_persons import erase_persons
from jobs.keep_house import keep_house
from jobs.look_at_endpoints import look_at_endpoints
from jobs.look_for_alerts import deliver_alerts, look_for_alerts, send_digests
from jobs.note_audit_head import note_audit_head
from jobs.read_old_mandates import read_old_mandates
from jobs.run_refund_batches import run_refund_batches
from jobs.schedules import Daily, Every, Schedule
from jobs.send_mails import send_mails
from jobs.settle_acts import settle_acts
from jobs.settle_refunds import settle_refunds
from jobs.submit_last_chances import submit_last_chances
from jobs.understand_events import understand_events


@dataclass(frozen=True, slots=True)
class Line:
    """One job. `run` may be stopped anywhere and run twice, and returns how much it did."""

    run: Callable[[], int]
    when: Schedule

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def about(self) -> str:
        """The first line of what the job says of itself."""
        return (self.run.__doc__ or "").strip().splitlines()[0]


TIMETABLE = (
    Line(understand_events, Every(seconds=5)),
    Line(settle_refunds, Every(seconds=10)),
    Line(run_refund_batches, Every(seconds=5)),
    Line(settle_acts, Every(seconds=10)),
    Line(send_mails, Every(seconds=5)),
    Line(deliver_alerts, Every(seconds=10)),
    Line(look_for_alerts, Every(seconds=300)),
    Line(send_digests, Every(seconds=300)),
    Line(erase_persons, Every(seconds=5)),
    Line(carry_out_approvals, Every(seconds=30)),
    Line(expire_approvals, Every(seconds=600)),
    Line(look_at_endpoints, Every(seconds=3600)),
    Line(submit_last_chances, Every(seconds=60)),
    Line(catch_up_events, Every(seconds=180)),
    Line(read_old_mandates, Daily(at=time(2, 40))),
    Line(keep_house, Daily(at=time(3, 15))),
    Line(note_audit_head, Daily(at=time(3, 40))),
)


def line(name: str) -> Line:
    """The line of this job.

    Raises:
        KeyError: there is no such job.
    """
    return {entry.name: entry for entry in TIMETABLE}[name]
