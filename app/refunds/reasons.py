"""Why money is given back: the codes people choose from, and what Stripe calls each."""

from typing import NamedTuple

from app.errors import BadRequest, ReasonMissing
from app.logs import redact

# Stripe keeps a metadata value of 500 characters; ours stays here and may be longer.
LONGEST = 1_000


class Reason(NamedTuple):
    """`stripe` is Stripe's own code, None where it has no word for it."""

    code: str
    words: str
    stripe: str | None


class Given(NamedTuple):
    """The reason somebody gave: chosen from the list, and in their own words."""

    reason: Reason
    words: str


REASONS = (
    Reason("requested_by_customer", "The customer asked for it", "requested_by_customer"),
    Reason("duplicate", "Paid twice by mistake", "duplicate"),
    Reason("not_delivered", "Not delivered or not as described", "requested_by_customer"),
    Reason("goodwill", "Goodwill", "requested_by_customer"),
    # Stripe puts the card and the e-mail address on its block lists.
    Reason("fraudulent", "Fraud: the cardholder did not pay", "fraudulent"),
    Reason("other", "Something else", None),
)
_BY_CODE = {reason.code: reason for reason in REASONS}


def given(code: str, text: str) -> Given:
    """The reason of this code with what the person wrote.

    Raises:
        BadRequest: there is no such code, or the text is too long.
        ReasonMissing: nothing was written.
    """
    if code not in _BY_CODE:
        raise BadRequest("Choose one of the reasons.")
    return Given(_BY_CODE[code], in_words(text))


def in_words(text: str) -> str:
    """What a person wrote as the reason, cleaned at the ends, and without what looks like a card number or a key.

    Raises:
        ReasonMissing: nothing was written.
        BadRequest: it is longer than can be kept.
    """
    written = redact(text.replace("\0", " ").strip())
    if not written:
        raise ReasonMissing("Write a sentence on why this money is given back.")
    if len(written) > LONGEST:
        raise BadRequest(f"The reason has {len(written)} characters; at most {LONGEST} can be kept.")
    return written
