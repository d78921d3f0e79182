"""Why money is given back: the codes people choose from, and what Stripe calls each. An admin keeps the list."""

import re
from typing import NamedTuple

from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.logs import redact
from app.models.refund_rules import STRIPE_REASONS, RefundReason

# Stripe keeps 500 characters in each value of metadata; this many fit into two of them.
LONGEST = 1_000
LONGEST_AT_STRIPE = 500
LONGEST_NAME = 80
_CODE = re.compile(r"[^a-z0-9]+")


class Given(NamedTuple):
    """The reason somebody gave: chosen from the list, and in their own words."""

    reason: RefundReason
    words: str


def choices() -> list[RefundReason]:
    """What can be chosen now, in the order of the list."""
    offered = select(RefundReason).where(RefundReason.retired_at.is_(None))
    return list(db.session.scalars(offered.order_by(RefundReason.position, RefundReason.code)))


def every() -> list[RefundReason]:
    """The retired ones as well, last."""
    found = select(RefundReason).order_by(RefundReason.retired_at.is_not(None), RefundReason.position)
    return list(db.session.scalars(found))


def given(code: str, text: str, *, agreed: bool = False) -> Given:
    """The reason of this code with what the person wrote. agreed: others agreed to it, so it may have been retired since.

    Raises:
        BadRequest: there is no such code any more, or the text is too long.
        ReasonMissing: nothing was written.
    """
    words = in_words(text)
    reason = db.session.get(RefundReason, code) if "\0" not in code else None
    if reason is None or (reason.retired_at and not agreed):
        raise BadRequest("Choose one of the reasons.")
    return Given(reason, words)


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


def as_metadata(words: str | None) -> dict[str, str]:
    """The note as Stripe can keep it: in two pieces where it is long."""
    pieces = {
        "counterfoil_note": (words or "")[:LONGEST_AT_STRIPE],
        "counterfoil_note_2": (words or "")[LONGEST_AT_STRIPE:],
    }
    return {name: piece for name, piece in pieces.items() if piece}


def add(words: str, *, stripe: str | None, actor: Actor) -> RefundReason:
    """Offer another reason, last in the list. Its code is made of its words.

    Raises:
        BadRequest: no words, too many, or not one of Stripe's codes. Conflict: there is one with this code.
    """
    words = _name(words)
    code = _CODE.sub("_", words.lower()).strip("_")[:40]
    if stripe is not None and stripe not in STRIPE_REASONS:
        raise BadRequest("Choose one of Stripe's three reasons, or none.")
    if not code:
        raise BadRequest("Write the reason in letters.")
    with transaction():
        if db.session.get(RefundReason, code, with_for_update=True):
            raise Conflict("There is such a reason already; look among the retired ones, too.")
        last = db.session.scalar(select(func.max(RefundReason.position))) or 0
        reason = RefundReason(
            code=code, words=words, stripe=stripe, position=last + 1, set_at=clock.now(), set_by=actor.name
        )
        db.session.add(reason)
        db.session.flush()
        trail.record(
            actor, "refund.reason_added", "refund_reason", code, after={"words": words, "told to Stripe": stripe}
        )
    return reason


def retire(code: str, *, actor: Actor) -> None:
    """Not offered any more; refunds that were given this reason keep it.

    Raises:
        Conflict: it is the last one that is offered.
    """
    with transaction():
        reason = _locked(code)
        if reason.retired_at is None:
            if len(choices()) == 1:
                raise Conflict("One reason has to stay. Add another one first.")
            reason.retired_at = clock.now()
            _set(reason, actor, "refund.reason_retired")


def restore(code: str, *, actor: Actor) -> None:
    """Offered again."""
    with transaction():
        reason = _locked(code)
        if reason.retired_at is not None:
            reason.retired_at = None
            _set(reason, actor, "refund.reason_restored")


def _set(reason: RefundReason, actor: Actor, action: str) -> None:
    reason.set_at, reason.set_by = clock.now(), actor.name
    db.session.flush()
    trail.record(actor, action, "refund_reason", reason.code, after={"words": reason.words})


def _locked(code: str) -> RefundReason:
    # All of them, so that two admins do not each retire the last but one.
    rows = select(RefundReason).order_by(RefundReason.code).with_for_update().execution_options(populate_existing=True)
    for reason in db.session.scalars(rows):
        if reason.code == code:
            return reason
    raise Unknown("There is no such reason.")


def _name(words: str) -> str:
    written = " ".join(redact(words.replace("\0", " ")).split())
    if not written or len(written) > LONGEST_NAME:
        raise BadRequest(f"Write the reason in at most {LONGEST_NAME} characters.")
    return written
