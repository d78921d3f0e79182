"""What payments can be filtered by."""

from app.charges import words
from app.currencies import CURRENCIES
from app.models.charge import Charge
from app.models.charge_states import STATES, declined_as
from app.remarks.queries import tag_filter
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals, one_of

_STATE_WORDS = {"partially_refunded": "Partly refunded"}


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
    TextFilter(name="decline", label="Decline code", match=declined_as),
    TextFilter(name="customer", label="Customer id", match=equals(Charge.customer_id)),
    tag_filter(Charge),
)
