"""Which disputes count as fought, and by what they are told apart: conditions for figures and for the list behind them."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, and_, case, func, not_, select

from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeSubmission
from app.models.dispute_states import SETTLED_EARLY
from app.web.filters import amounts

# Answered and decided: inquiries never are won or lost, and what was settled early was never fought.
COUNTED = and_(Dispute.status.in_(("won", "lost")), func.coalesce(Dispute.submission_count, 0) > 0, not_(SETTLED_EARLY))
REASON = func.coalesce(Dispute.reason, "general")
NETWORK = func.coalesce(Dispute.brand, Dispute.method_type, "unknown")
# The currency of the balance that the money left and came back to.
SETTLED_IN = func.coalesce(Dispute.deducted_currency, Dispute.currency)
ELSEWHERE = "elsewhere"
# Whoever sent the evidence that was decided about; what Stripe got by another way was sent by nobody we know.
PERSON = func.coalesce(
    select(DisputeSubmission.submitted_by)
    .where(DisputeSubmission.dispute_id == Dispute.id)
    .order_by(DisputeSubmission.id.desc())
    .limit(1)
    .correlate(Dispute)
    .scalar_subquery(),
    ELSEWHERE,
)

# From and below, as people write it; each in the dispute's own currency.
BANDS: dict[str, tuple[str, str | None, str]] = {
    "under-50": ("0", "50", "Below 50"),
    "50-200": ("50", "200", "50 to below 200"),
    "200-1000": ("200", "1000", "200 to below 1,000"),
    "from-1000": ("1000", None, "1,000 and more"),
}


def called(words: ColumnElement[str]) -> Callable[[str], ColumnElement[bool]]:
    """For a filter: these words, however they are capitalised."""
    return lambda typed: words.in_([typed.lower()])


def in_band(name: str) -> ColumnElement[bool]:
    """Whether the amount lies in this band."""
    low, high, _ = BANDS[name]
    bounds = [(">=", low), *([("<", high)] if high else [])]
    return amounts(Dispute.amount, Dispute.currency, bounds, label="Amount")


BAND = case(*((in_band(name), name) for name in BANDS), else_="")
