"""What people type, made fit to be kept: said in one sentence where that cannot be."""

import re

from app.errors import BadRequest, DomainError
from app.logs import redact
from app.mirror.raw import clean_text
from app.models.customer import Customer
from app.models.remark import LONGEST_NOTE, LONGEST_VALUE

MOST_TAGS_AT_ONCE = 10
_TAG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SHORTEST_NAME = 3


class NamesSomebody(DomainError):
    """A tag is a word of the shop, and not of a person: it stays in the audit trail for ever."""


def note(typed: str) -> str:
    """A note as it is kept: without NUL, halves of characters, keys and card numbers.

    Raises:
        BadRequest: nothing, or more than 10,000 characters.
    """
    return _fitting(typed, LONGEST_NOTE, "A note")


def value(typed: str) -> str:
    """The value of a field; an empty one takes the field away.

    Raises:
        BadRequest: more than 500 characters.
    """
    return _fitting(typed, LONGEST_VALUE, "A value", may_be_empty=True)


def tags(typed: str, about: Customer | None) -> list[str]:
    """The tags in what was typed, separated by commas: `VIP, Chased twice` is `vip` and `chased-twice`.

    Raises:
        BadRequest: none, too many, or one that is no tag.
        NamesSomebody: one of them says who the customer is.
    """
    found = [slug(part, "A tag") for part in typed.split(",") if part.strip()]
    if not found:
        raise BadRequest("Write a tag, like vip or chased-twice.")
    if len(found) > MOST_TAGS_AT_ONCE:
        raise BadRequest(f"At most {MOST_TAGS_AT_ONCE} tags at once.")
    for tag in found:
        if about is not None and _names(tag, about):
            raise NamesSomebody(
                f"“{tag}” is part of the customer's own data. A tag stays in the audit trail for ever: use a note for that."
            )
    return list(dict.fromkeys(found))


def slug(typed: str, what: str) -> str:
    """Small letters, digits and dashes.

    Raises:
        BadRequest: other signs, or longer than 40 of them.
    """
    found = re.sub(r"[\s_]+", "-", typed.strip().lower())
    if not _TAG.fullmatch(found):
        raise BadRequest(f"{what} has letters from a to z, digits and dashes, 40 at most, like chased-twice.")
    if re.sub(r"\D", "", found) and redact(found.replace("-", " ")) != found.replace("-", " "):
        raise BadRequest(f"{what} must not hold a card number.")
    return found


def _fitting(typed: str, longest: int, what: str, *, may_be_empty: bool = False) -> str:
    kept = redact(clean_text(typed.replace("\r\n", "\n")).strip())
    if not kept and not may_be_empty:
        raise BadRequest(f"{what} needs words.")
    if len(kept) > longest:
        raise BadRequest(f"{what} has at most {longest:,} characters; this one has {len(kept):,}.")
    return kept


def _names(tag: str, about: Customer) -> bool:
    """Whether a part of the tag is a part of the person's name, address or number."""
    own = " ".join(filter(None, (about.name, about.email, about.phone))).lower()
    parts = {part for part in re.split(r"[^a-z0-9]+", own) if len(part) >= _SHORTEST_NAME}
    hosts = set(re.split(r"[^a-z0-9]+", (about.email or "").lower().rpartition("@")[2]))
    named = {part for part in tag.split("-") if len(part) >= _SHORTEST_NAME}
    return bool(named & (parts - hosts))
