"""What payments can be filtered by."""

from sqlalchemy import ColumnElement, and_

from app.charges import words
from app.currencies import CURRENCIES
from app.models.charge import Charge
from app.remarks.queries import tag_filter
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals, one_of

_TAKEN = and_(Charge.status == "succeeded", Charge.captured)
# Stripe counts what was held and never captured as refunded; of what was captured, this went back.
_GIVEN_BACK = Charge.amount_refunded - (Charge.amount - Charge.amount_captured)

# The words of Charge.state, as conditions.
STATES = {
    "succeeded": and_(_TAKEN, _GIVEN_BACK <= 0, Charge.refunded.is_(False), Charge.disputed.is_(False)),
    "pending": Charge.status == "pending",
    "uncaptured": and_(Charge.status == "succeeded", Charge.captured.is_(False), Charge.refunded.is_(False)),
    "canceled": and_(Charge.status == "succeeded", Charge.captured.is_(False), Charge.refunded),
    "partially_refunded": and_(_TAKEN, _GIVEN_BACK > 0, Charge.refunded.is_(False), Charge.disputed.is_(False)),
    "refunded": and_(_TAKEN, Charge.refunded, Charge.disputed.is_(False)),
    "disputed": and_(_TAKEN, Charge.disputed),
    "failed": and_(Charge.status == "failed", Charge.outcome_type.is_distinct_from("blocked")),
    "blocked": and_(Charge.status == "failed", Charge.outcome_type == "blocked"),
}
_STATE_WORDS = {"partially_refunded": "Partly refunded"}


def _declined_as(text: str) -> ColumnElement[bool]:
    """Stripe's code for the failure, or the bank's reason behind it."""
    code = text.lower()
    return (Charge.decline_code == code) | (Charge.failure_code == code)


FILTERS: tuple[Filter, ...] = (
    ChoiceFilter(
        name="status",
        label="Status",
        options=[(state, _STATE_WORDS.get(state, state.capitalize())) for state in STATES],
        match=one_of(STATES),
    ),
    AmountFilter(name="amount", label="Amount", column=Charge.amount, currency=Charge.currency),
    ChoiceFilter(
        name="currency",
        label="Currency",
        options=[(code, code.upper()) for code in sorted(CURRENCIES)],
        match=equals(Charge.currency),
    ),
    DateFilter(name="created", label="Day (UTC)", column=Charge.created_at),
    ChoiceFilter(name="method", label="Method", options=list(words.METHODS.items()), match=equals(Charge.method_type)),
    ChoiceFilter(name="brand", label="Card brand", options=list(words.BRANDS.items()), match=equals(Charge.brand)),
    TextFilter(name="country", label="Country of the card", match=lambda text: Charge.country == text.upper()),
    TextFilter(name="decline", label="Decline code", match=_declined_as),
    TextFilter(name="customer", label="Customer id", match=equals(Charge.customer_id)),
    tag_filter(Charge),
)
