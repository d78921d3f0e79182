"""What payments can be filtered by."""

from app.charges import queries, words
from app.currencies import CURRENCIES
from app.models.charge import Charge
from app.models.charge_facets import BRAND, COUNTRY, CURRENCY, DECLINE, METHOD, STATE
from app.models.charge_states import STATES
from app.remarks.queries import tag_filter
from app.web.filters import AmountFilter, ChoiceFilter, DateFilter, Filter, TextFilter, equals

_STATE_WORDS = {"partially_refunded": "Partly refunded"}


FILTERS: tuple[Filter, ...] = (
    ChoiceFilter(
        name="status",
        label="Status",
        options=[(state, _STATE_WORDS.get(state, state.capitalize())) for state in STATES],
        match=STATE.condition,
        facet=STATE.word,
        sieve=True,
    ),
    AmountFilter(name="amount", label="Amount", column=Charge.amount, currency=Charge.currency, sieve=True),
    ChoiceFilter(
        name="currency",
        label="Currency",
        options=[(code, code.upper()) for code in sorted(CURRENCIES)],
        match=CURRENCY.condition,
        facet=CURRENCY.word,
        sieve=True,
    ),
    DateFilter(name="created", label="Day (UTC)", column=Charge.created_at),
    ChoiceFilter(
        name="method",
        label="Method",
        options=list(words.METHODS.items()),
        match=METHOD.condition,
        facet=METHOD.word,
        sieve=True,
    ),
    ChoiceFilter(
        name="brand",
        label="Card brand",
        options=list(words.BRANDS.items()),
        match=BRAND.condition,
        facet=BRAND.word,
        sieve=True,
    ),
    TextFilter(name="country", label="Country of the card", match=COUNTRY.condition, facet=COUNTRY.word, sieve=True),
    TextFilter(name="decline", label="Decline code", match=DECLINE.condition, facet=DECLINE.word, sieve=True),
    TextFilter(name="customer", label="Customer id", match=equals(Charge.customer_id)),
    TextFilter(name="person", label="Customer id, with linked ones", match=queries.of_person),
    tag_filter(Charge),
)
