"""The paper that says what was erased, without saying who it was."""

from sqlalchemy import select

from app.customers.erasing import running
from app.database import db
from app.models.account import Account
from app.models.erasure import Erasure
from app.papers.sheets import Line, Sheet

STAYS = (
    "Kept: amounts, currencies, dates, states and Stripe’s ids of payments, refunds, disputes and invoices. Tax and accounting law "
    "obliges the shop to keep its books; they no longer say who was paid for, and no figure changed."
)
AT_STRIPE = (
    "This is about the records of this house. Stripe keeps its own copy under its own duties; it is erased there."
)


def of(erasure: Erasure) -> Sheet:
    """The certificate of an erasure that is done."""
    name = db.session.scalar(select(Account.name).where(Account.id == erasure.account_id)) or "Counterfoil"
    counted = running.counts(erasure.id)
    done = f"{erasure.done_at:%-d %B %Y, %H:%M} UTC" if erasure.done_at else "—"
    return Sheet(
        title="Certificate of erasure",
        sender=[name],
        facts=[
            ("Erasure", str(erasure.id)[:8]),
            ("Customer", erasure.customer_id),
            ("Begun", f"{erasure.begun_at:%-d %B %Y, %H:%M} UTC"),
            ("Done", done),
        ],
        headings=("Where words of the person were taken out", ""),
        lines=[Line(f"{named(table)}: {number}") for table, number in sorted(counted.items())],
        notes=[STAYS, AT_STRIPE, f"Number of the erasure: {erasure.id}."],
        foot=name,
        made_at=erasure.done_at,
    )


def named(table: str) -> str:
    """`webhook_events` as people say it."""
    return _NAMES.get(table, table.replace("_", " ").capitalize())


_NAMES = {
    "acts": "Acts at Stripe",
    "audit_logs": "Entries of the audit trail",
    "gateway_calls": "Logged calls to Stripe",
    "sign_in_attempts": "Failed attempts to sign in",
    "webhook_events": "Stripe’s events",
    "job_runs": "Errors of jobs",
    "notes": "Notes",
    "custom_values": "Own fields",
}
