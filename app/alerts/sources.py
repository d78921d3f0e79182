"""What an alert can be about, besides saved views. Read the table; add a line for another.

Each source looks for what is so at this moment; others are raised through `alerts.raise_alert` as they happen.
"""

from dataclasses import dataclass

from app.alerts import machine_sources as machine
from app.alerts import money_sources as money
from app.alerts.found import Look


@dataclass(frozen=True, slots=True)
class Source:
    """`find` looks for them, at most 200; None: others raise it. sums, ages: what it finds has amounts, has a beginning."""

    name: str
    label: str
    find: Look | None = None
    sums: bool = False
    ages: bool = False


SOURCES = (
    Source("dispute.due", "Disputes due within 3 days", money.disputes_due, sums=True, ages=True),
    Source("refund.failed", "Failed refunds", money.failed_refunds, sums=True, ages=True),
    Source("refund.pending", "Refunds pending for 10 business days", money.old_refunds, sums=True, ages=True),
    Source(
        "act.needs_person", "Asked of Stripe, without an answer, and left to a person", money.without_answer, ages=True
    ),
    Source("authorisation.ending", "Held payments that end within 24 hours", money.holds_ending, sums=True, ages=True),
    Source("event.dead", "Dead webhook events", machine.dead_events, ages=True),
    Source("webhook.line", "Webhooks that do not come", machine.endpoint_trouble),
    Source("job.failed", "Failed jobs", machine.failed_jobs),
    Source("job.late", "Late jobs", machine.late_jobs, ages=True),
    Source("sync.drift", "Differences to Stripe", machine.sync_trouble),
)
BY_NAME = {source.name: source for source in SOURCES}
