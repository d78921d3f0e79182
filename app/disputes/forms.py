"""The evidence form as it comes in: what was typed, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.disputes.drafts import Written
from app.disputes.fields import FIELDS, MOST_IN_ONE, PRODUCT_TYPES, TEXTS
from app.errors import BadRequest
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft

APPEAL = "appeal"
_LARGEST = 2**31


@dataclass(frozen=True, slots=True)
class Typed:
    """written: what to keep. based_on: the number of the draft it was begun from. errors: by field."""

    written: Written
    based_on: int
    errors: Mapping[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], dispute: Dispute, draft: DisputeDraft | None) -> Typed:
    """What stands in the form. Fields it did not show keep what the draft says.

    Raises:
        BadRequest: the form is damaged.
    """
    texts = dict(draft.texts) if draft else {}
    for name in TEXTS:
        if name in form:
            texts[name] = cleaned(form[name])
    appeal = cleaned(form[APPEAL]) if APPEAL in form else (draft.appeal if draft else None)
    written = Written(
        product_type=_product_type(form, draft),
        texts={name: text for name, text in texts.items() if text},
        appeal=appeal or None,
        enhanced=_enhanced(draft),
    )
    return Typed(written, _number(form.get("number", "")), _errors(written, dispute))


def promise_of(form: Mapping[str, str]) -> UUID:
    """The number made with the form, so that sending it twice is one act.

    Raises:
        BadRequest: there is none.
    """
    try:
        return UUID(form.get("promise", ""))
    except ValueError as error:
        raise BadRequest("This form is damaged. Open the dispute again and start anew.") from error


def number_of(form: Mapping[str, str]) -> int:
    """The number of the draft that was looked at."""
    return _number(form.get("number", ""))


def cleaned(text: str) -> str:
    """As PostgreSQL can keep it and the bank prints it, with lines that end in one way."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}").strip()


def _errors(written: Written, dispute: Dispute) -> dict[str, str]:
    wrong = {
        name: f"{len(text):,} characters; {FIELDS[name].most:,} fit. Shorten it."
        for name, text in written.texts.items()
        if len(text) > FIELDS[name].most
    }
    if dispute.is_appeal and written.appeal and len(written.appeal) > MOST_IN_ONE:
        wrong[APPEAL] = f"{len(written.appeal):,} characters; {MOST_IN_ONE:,} fit. Shorten it."
    return wrong


def _product_type(form: Mapping[str, str], draft: DisputeDraft | None) -> str | None:
    if "product_type" not in form:
        return draft.product_type if draft else None
    chosen = form["product_type"]
    if chosen and chosen not in PRODUCT_TYPES:
        raise BadRequest("There is no such kind of product. Choose one of the list.")
    return chosen or None


def _enhanced(draft: DisputeDraft | None) -> Mapping[str, Any] | None:
    return draft.enhanced if draft else None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:11]) < _LARGEST):
        raise BadRequest("This form is damaged. Open the dispute again and start anew.")
    return int(text)
