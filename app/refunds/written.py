"""A refund as PostgreSQL writes it into a download: the words of `Refund.state` and of the list."""

from sqlalchemy import and_, case, func, literal

from app.models.refund import REQUESTED, Refund
from app.web import in_sql

_IS_RELEASE = and_(Refund.requested_by.is_(None), Refund.status == "succeeded", Refund.balance_transaction_id.is_(None))

STATE = case(
    (_IS_RELEASE, "released"),
    (Refund.status != REQUESTED, in_sql.words(Refund.status)),
    (Refund.refusal.is_not(None), "needs_person"),
    (Refund.asked_at.is_(None) | (Refund.tries > 1), "being_checked"),
    else_=REQUESTED,
)
BY = func.coalesce(in_sql.words(Refund.requested_by), literal("Outside"))
REASON = func.coalesce(in_sql.words(Refund.reason_text), in_sql.capitalized(Refund.reason))
