"""What payments are told apart by: each facet as a condition, and as the word by which one index knows all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, and_, func
from sqlalchemy.dialects.postgresql import ARRAY

from app.models.charge import FACETS_ARE_MADE_OF, Charge
from app.models.charge_states import STATES

# Stripe's code for every refusal of a bank, whatever its reason.
_ANY_REFUSAL = "card_declined"


@dataclass(frozen=True, slots=True)
class Facet:
    """`condition`: true of the payments with this value. `letter`: what the words of this facet begin with in the index."""

    letter: str
    condition: Callable[[str], ColumnElement[bool]]
    written: Callable[[str], str] = str.lower

    def word(self, value: str) -> str:
        """The value as the index knows it; empty when the index does not know it."""
        return self.letter + self.written(value)


def declined_as(text: str) -> ColumnElement[bool]:
    """The bank's reason for a refusal, or Stripe's code where the bank gave none: what lists show."""
    code = text.lower()
    if code == _ANY_REFUSAL:
        return and_(Charge.status == "failed", Charge.failure_code == code)
    return func.coalesce(Charge.decline_code, Charge.failure_code) == code


class _Decline(Facet):
    __slots__ = ()

    def word(self, value: str) -> str:
        # Most rows with this code are known by the bank's reason instead.
        return "" if value.lower() == _ANY_REFUSAL else Facet.word(self, value)


# As charge_facets() of the migration "facets" puts them together; a test holds the two together.
STATE = Facet("s", lambda value: STATES[value])
CURRENCY = Facet("c", lambda value: Charge.currency == value.lower())
METHOD = Facet("m", lambda value: Charge.method_type == value.lower())
BRAND = Facet("b", lambda value: Charge.brand == value.lower())
COUNTRY = Facet("l", lambda value: Charge.country == value.upper(), str.upper)
DECLINE = _Decline("d", declined_as)


def having(words: Sequence[str], *, account_id: int) -> ColumnElement[bool]:
    """Payments of this account with all of these words: one stretch of the index each, of which only the shortest is walked."""
    if any(word.startswith(DECLINE.letter) for word in words):
        # Who was declined has failed: asked for both, the planner would expect a ninth of the rows there are.
        words = [word for word in words if word != STATE.word("failed")]
    facets = func.charge_facets(*(getattr(Charge, name) for name in FACETS_ARE_MADE_OF), type_=ARRAY(Text))
    return facets.contains([f"{account_id}{word}" for word in words])
