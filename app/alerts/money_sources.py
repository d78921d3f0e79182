"""Trouble with money: disputes, refunds, what was only held, and acts nobody knows the end of."""

from datetime import datetime

from sqlalchemy import and_, select

from app.alerts.found import DAY, Found, money, rows, time
from app.models.act import Act
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.refund import Refund


def business_days_before(now: datetime, days: int) -> datetime:
    """The instant so many business days ago; Saturdays and Sundays are none."""
    while days:
        now -= DAY
        days -= now.weekday() < 5  # noqa: PLR2004 - Monday to Friday
    return now


def disputes_due(account_id: int, now: datetime) -> list[Found]:
    waits = Dispute.status.in_(("needs_response", "warning_needs_response", "appeal_needs_response"))
    found = rows(
        select(Dispute.id, Dispute.amount, Dispute.currency, Dispute.due_at, Dispute.created_at)
        .where(Dispute.account_id == account_id, waits, Dispute.due_at.between(now, now + 3 * DAY))
        .order_by(Dispute.due_at)
    )
    return [
        Found(
            "dispute",
            r.id,
            f"Dispute {r.id} over {money(r)} must be answered by {time(r.due_at)}.",
            money(r),
            r.created_at,
            f"/admin/disputes/{r.id}",
        )
        for r in found
    ]


def failed_refunds(account_id: int, now: datetime) -> list[Found]:
    found = rows(
        select(Refund.id, Refund.stripe_id, Refund.amount, Refund.currency, Refund.created_at)
        .where(Refund.account_id == account_id, Refund.status == "failed", Refund.created_at > now - 7 * DAY)
        .order_by(Refund.created_at.desc())
    )
    return [_refund(r, f"{r.stripe_id or r.id} of {money(r)} failed: the money did not arrive.") for r in found]


def old_refunds(account_id: int, now: datetime) -> list[Found]:
    old = Refund.created_at < business_days_before(now, 10)
    found = rows(
        select(Refund.id, Refund.stripe_id, Refund.amount, Refund.currency, Refund.created_at)
        .where(Refund.account_id == account_id, Refund.status == "pending", old)
        .order_by(Refund.created_at)
    )
    return [_refund(r, f"{r.stripe_id or r.id} of {money(r)} is pending for 10 business days.") for r in found]


def without_answer(account_id: int, _now: datetime) -> list[Found]:
    """Acts and refunds that the recovery handed over to a person."""
    lost = and_(Act.account_id == account_id, Act.status == "requested", Act.refusal.is_not(None))
    acts = rows(
        select(Act.id, Act.kind, Act.object_id, Act.requested_by, Act.requested_at)
        .where(lost)
        .order_by(Act.requested_at)
    )
    stuck = and_(Refund.account_id == account_id, Refund.status == "requested", Refund.refusal.is_not(None))
    refunds = rows(
        select(Refund.id, Refund.amount, Refund.currency, Refund.requested_at.label("created_at"))
        .where(stuck)
        .order_by(Refund.requested_at)
    )
    return [
        Found(
            "act",
            str(r.id),
            f"Stripe shows no trace of {r.kind} of {r.object_id}, asked for by {r.requested_by}.",
            since=r.requested_at,
            path=f"/admin/acts/{r.id}",
        )
        for r in acts
    ] + [
        Found(
            "refund",
            str(r.id),
            f"Stripe shows no trace of refund {r.id} of {money(r)}.",
            since=r.created_at,
            path=f"/admin/refunds/{r.id}",
        )
        for r in refunds
    ]


def holds_ending(account_id: int, now: datetime) -> list[Found]:
    held = and_(Charge.status == "succeeded", Charge.captured.is_(False), Charge.refunded.is_(False))
    found = rows(
        select(Charge.id, Charge.amount, Charge.currency, Charge.capture_before, Charge.created_at)
        .where(Charge.account_id == account_id, held, Charge.capture_before.between(now, now + DAY))
        .order_by(Charge.capture_before)
    )
    return [
        Found(
            "charge",
            r.id,
            f"Payment {r.id}: {money(r)} is only held until {time(r.capture_before)}. Capture it.",
            money(r),
            r.created_at,
            f"/admin/charges/{r.id}",
        )
        for r in found
    ]


def _refund(row: object, words: str) -> Found:
    key = str(row.id)  # type: ignore[attr-defined]
    return Found("refund", key, f"Refund {words}", money(row), row.created_at, f"/admin/refunds/{key}")  # type: ignore[attr-defined]
