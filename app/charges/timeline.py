"""What happened to a payment, each thing once: its rows say the main things, events what rows cannot tell."""

from datetime import timedelta

from flask import url_for

from app.audit import trail
from app.audit.masked import as_entry
from app.models.audit_log import AuditLog
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.refund import Refund
from app.money import Money
from app.web import history
from app.web.history import Entry
from app.web.people import visible

# A card answers at once; what takes longer has a start and an end.
AT_ONCE = timedelta(seconds=5)

# Said by the rows themselves, or of no use to an agent.
_SAID_BY_ROWS = {
    "charge.refunded",
    "charge.refund.updated",
    "charge.updated",
    "charge.dispute.created",
    "payment_intent.created",
    "payment_intent.succeeded",
}
_ENDS = {"charge.succeeded", "charge.failed", "charge.pending"}
_STARTS = {
    "succeeded": ("Payment succeeded", "good", "check"),
    "failed": ("Payment failed", "bad", "x"),
    "pending": ("Payment started", "wait", "clock"),
}


def of_charge(charge: Charge) -> list[Entry]:
    """Newest first. Two queries: Stripe's events and the acts of the staff."""
    about = [charge.id, charge.payment_intent_id, *(dispute.id for dispute in charge.disputes)]
    events = [event for event in history.told(about, without=_SAID_BY_ROWS) if not _is_the_start(event, charge)]
    acts = [as_entry(act, of=charge.customer_id) | {"icon": "user", "tone": "note"} for act in _acts(charge)]
    return history.newest_first(
        acts,
        [_refund(refund, charge.customer_id) for refund in charge.refunds],
        [_dispute(dispute) for dispute in charge.disputes],
        events,
        [_start(charge, ended_later=any(event["type"] in _ENDS for event in events))],
    )


def _acts(charge: Charge) -> list[AuditLog]:
    of_intent = [("payment_intent", charge.payment_intent_id)] if charge.payment_intent_id else []
    return trail.of_any([("charge", charge.id), *of_intent])


def _is_the_start(event: Entry, charge: Charge) -> bool:
    if event["type"] == "charge.pending":
        return True
    at_once = charge.created_at is not None and timedelta(0) <= event["at"] - charge.created_at < AT_ONCE
    # The intent says in other words that this very attempt failed; of another attempt it is news.
    same_failure = event["type"] == "payment_intent.payment_failed" and charge.status == "failed"
    return at_once and (event["type"] in _ENDS or same_failure)


def _start(charge: Charge, *, ended_later: bool) -> Entry | None:
    kind = "pending" if ended_later else charge.status
    title, tone, icon = _STARTS.get(kind, ("Payment made", "calm", "point"))
    text = charge.failure_message if kind == "failed" else None
    return history.entry(charge.created_at, title, tone=tone, icon=icon, text=text)


def _refund(refund: Refund, of: str | None) -> Entry | None:
    """One refund is one entry, whatever Stripe sends about it: its own page has the rest."""
    words = {
        "released": "Released:",
        "succeeded": "Refunded",
        "failed": "Refund failed:",
        "refused": "Refund refused:",
        "canceled": "Refund canceled:",
    }
    tones = {"released": "calm", "succeeded": "good", "failed": "bad", "refused": "bad", "canceled": "calm"}
    return history.entry(
        refund.since,
        f"{words.get(refund.state, 'Refund on its way:')} {_readable(refund.money)}",
        tone=tones.get(refund.state, "wait"),
        icon="arrow-back-up",
        actor=refund.by,
        text=visible(refund.reason_text, of=of),
        url=url_for("refunds.details", key=refund.id),
    )


def _dispute(dispute: Dispute) -> Entry | None:
    kind = "The bank asks about" if dispute.case_type == "inquiry" or dispute.is_inquiry else "The bank disputes"
    return history.entry(
        dispute.created_at,
        f"{kind} {_readable(dispute.money)}",
        tone="bad" if dispute.is_open else "calm",
        icon="gavel",
        actor="Customer's bank",
        text=dispute.reason.replace("_", " ").capitalize(),
        url=url_for("disputes.details", key=dispute.id),
    )


def _readable(money: Money) -> str:
    return f"{money.grouped} {money.currency.upper()}"
