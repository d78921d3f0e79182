"""What runs when. Read it like one."""

from datetime import time, timedelta

from app.timetable.lines import Line, Missed
from app.timetable.schedules import Daily, Every
from jobs import keep_house as keeping
from jobs.approvals import carry_out_approvals, expire_approvals
from jobs.catch_up_events import catch_up_events
from jobs.compare_with_stripe import SAMPLE, compare_with_stripe
from jobs.erase_persons import erase_persons
from jobs.keep_house import keep_house
from jobs.look_at_endpoints import look_at_endpoints
from jobs.look_for_alerts import deliver_alerts, look_for_alerts, send_digests
from jobs.mail_password_links import mail_password_links
from jobs.note_audit_head import note_audit_head
from jobs.read_old_mandates import MOST, OLDEST, read_old_mandates
from jobs.read_unfinished import HOURS, MOST_OF_EACH, read_unfinished
from jobs.run_refund_batches import run_refund_batches
from jobs.send_mails import send_mails
from jobs.settle_acts import settle_acts
from jobs.settle_checkouts import settle_checkouts
from jobs.settle_fraud_warnings import settle_fraud_warnings
from jobs.settle_refunds import settle_refunds
from jobs.submit_last_chances import submit_last_chances
from jobs.understand_events import understand_events

# What must not stand still for long: a pause of it ends by itself.
_SHORT, _HALF_A_DAY = timedelta(minutes=30), timedelta(hours=12)

TIMETABLE: tuple[Line, ...] = (
    Line(
        understand_events,
        Every(seconds=5),
        longest_pause=_SHORT,
        harm="Events that were not understood at once wait, and every page shows what was true before them.",
    ),
    Line(
        settle_refunds,
        Every(seconds=10),
        longest_pause=_SHORT,
        harm="Nobody learns what became of a refund whose answer was lost, and its payment cannot be refunded again.",
    ),
    Line(run_refund_batches, Every(seconds=5)),
    Line(
        settle_acts,
        Every(seconds=10),
        longest_pause=_SHORT,
        harm="Nobody learns what became of what was asked of Stripe and not answered.",
    ),
    Line(
        settle_checkouts,
        Every(seconds=10),
        longest_pause=_SHORT,
        harm="Who pays by a link and does not come back is not thanked, and pages of closed links stay open.",
    ),
    Line(mail_password_links, Every(seconds=5)),
    Line(send_mails, Every(seconds=5)),
    Line(deliver_alerts, Every(seconds=10), longest_pause=_SHORT, harm="Nobody is told of anything."),
    Line(look_for_alerts, Every(seconds=300), longest_pause=_SHORT, harm="Nobody is told of anything."),
    Line(send_digests, Every(seconds=300)),
    Line(erase_persons, Every(seconds=5)),
    Line(carry_out_approvals, Every(seconds=30)),
    Line(expire_approvals, Every(seconds=600)),
    Line(look_at_endpoints, Every(seconds=3600)),
    Line(
        submit_last_chances,
        Every(seconds=60),
        longest_pause=_HALF_A_DAY,
        harm="Evidence that nobody sent misses its deadline, and the dispute is lost.",
    ),
    Line(settle_fraud_warnings, Every(seconds=60)),
    Line(
        catch_up_events,
        Every(seconds=180),
        longest_pause=_HALF_A_DAY,
        harm="Events whose webhook did not come stay unknown.",
    ),
    Line(read_unfinished, Daily(at=time(2, 20)), parameters=(HOURS, MOST_OF_EACH)),
    Line(read_old_mandates, Daily(at=time(2, 40)), parameters=(OLDEST, MOST)),
    Line(keep_house, Daily(at=time(3, 15)), parameters=keeping.PARAMETERS, dry=keeping.would_keep_house),
    # Each day is compared, also those that passed while nothing ran.
    Line(compare_with_stripe, Daily(at=time(4, 10)), missed=Missed.ALL, parameters=(SAMPLE,)),
    Line(note_audit_head, Daily(at=time(3, 40))),
)


def line(name: str) -> Line:
    """The line of this job.

    Raises:
        KeyError: there is no such job.
    """
    return {entry.name: entry for entry in TIMETABLE}[name]
