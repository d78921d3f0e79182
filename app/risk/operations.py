"""Decisions about risk, each with its reason in the trail."""

from hashlib import sha256
from uuid import UUID

from app.actor import Actor
from app.acts.kinds import Promise
from app.acts.operations import Asks, perform
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.logs import redact
from app.mirror.pull import Reads
from app.models.act import Act
from app.models.block_list_item import BlockListItem
from app.models.review import Review
from app.risk import block_lists
from app.risk.acts import APPROVE, BLOCK, UNBLOCK

LONGEST = 1_000
LONGEST_VALUE = 300


def approve_review(review_id: str, *, promise_id: UUID, words: str, actor: Actor, gateway: Asks) -> Act:
    """Say that this payment is good: Stripe closes its review.

    Raises:
        Conflict: the review is closed already, or somebody is approving it. ReasonMissing: nobody said why.
    """

    def prepare() -> Promise:
        review = db.session.get(Review, review_id, with_for_update=True)
        if review is None or review.deleted_at:
            raise Unknown("There is no such review.")
        if not review.open:
            raise Conflict(f"This review is closed already: {review.state.replace('_', ' ')}.")
        return Promise(
            account_id=review.account_id,
            object_type="review",
            object_id=review.id,
            path=f"/v1/reviews/{review.id}/approve",
            form={},
            lock=f"review:{review.id}",
            before={"status": "open"},
            after={"charge": review.charge_id},
        )

    reason = in_words(words)
    return perform(APPROVE, prepare, promise_id=promise_id, actor=actor, reason=reason, gateway=gateway)


def block(  # noqa: PLR0913 - what, why and who: all of it belongs to one act
    item_type: str, value: str, *, account_id: int, promise_id: UUID, words: str, actor: Actor, gateway: Asks
) -> Act:
    """Put a card, an address or a customer on Stripe's block list: whoever pays with it is declined from now on.

    Raises:
        BadRequest: no such type, or no value. Conflict: it is on the list. ReasonMissing: nobody said why.
    """
    wanted = _value(item_type, value)
    reason = in_words(words)
    list_id = block_lists.find_list(item_type, gateway)

    def prepare() -> Promise:
        known = db.session.query(BlockListItem).filter_by(account_id=account_id, list_id=list_id, value=wanted)
        if known.filter(BlockListItem.removed_at.is_(None)).first():
            raise Conflict("This is on the block list already.")
        return Promise(
            account_id=account_id,
            object_type="block_list",
            object_id=item_type,
            path=block_lists.ITEMS,
            form={"value_list": list_id, "value": wanted},
            lock=f"block_list:{list_id}:{_digest(wanted)}",
            after={"what": shown(item_type, wanted)},
        )

    return perform(BLOCK, prepare, promise_id=promise_id, actor=actor, reason=reason, gateway=gateway)


def unblock(item_id: str, *, promise_id: UUID, words: str, actor: Actor, gateway: Asks) -> Act:
    """Take it off the list again.

    Raises:
        Unknown, Conflict: it is not on the list (any more). ReasonMissing: nobody said why.
    """

    def prepare() -> Promise:
        item = db.session.get(BlockListItem, item_id, with_for_update=True)
        if item is None:
            raise Unknown("There is no such entry.")
        if item.removed_at:
            raise Conflict("This is on the block list no more.")
        return Promise(
            account_id=item.account_id,
            object_type="block_list",
            object_id=item.item_type,
            path=f"{block_lists.ITEMS}/{item.id}",
            form={},
            method="DELETE",
            lock=f"block_list:{item.list_id}:{_digest(item.value)}",
            before={"what": shown(item.item_type, item.value)},
            after={"what": shown(item.item_type, item.value)},
        )

    reason = in_words(words)
    return perform(UNBLOCK, prepare, promise_id=promise_id, actor=actor, reason=reason, gateway=gateway)


def read_lists(account_id: int, *, actor: Actor, gateway: Reads) -> int:
    """Read the block lists from Stripe; how many entries there are."""
    number = block_lists.read_all(gateway, account_id)
    with transaction():
        trail.record(
            actor, "object.synced", "block_list", "the block lists", account_id=account_id, after={"entries": number}
        )
    return number


def in_words(text: str) -> str:
    """Why, as a person wrote it, without what looks like a card number or a key.

    Raises:
        ReasonMissing: nothing was written. BadRequest: it is longer than can be kept.
    """
    written = redact(text.replace("\0", " ").strip())
    if not written:
        raise ReasonMissing("Write a sentence on why.")
    if len(written) > LONGEST:
        raise BadRequest(f"The reason has {len(written)} characters; at most {LONGEST} can be kept.")
    return written


def shown(item_type: str, value: str) -> str:
    """For the trail, which is for ever: an address is not written into it, only what tells it from others."""
    return f"e-mail address {_digest(value)[:8]}" if item_type == "email" else value


def _value(item_type: str, value: str) -> str:
    wanted = value.strip()
    if item_type not in block_lists.ITEM_TYPES:
        raise BadRequest("Choose what to block.")
    if not wanted or len(wanted) > LONGEST_VALUE or not wanted.isprintable() or not wanted.isascii():
        raise BadRequest("Enter what to block, as Stripe shows it.")
    if item_type == "customer_id" and not wanted.startswith("cus_"):
        raise BadRequest("A customer's id begins with cus_.")
    if item_type == "email" and "@" not in wanted:
        raise BadRequest("This is no e-mail address.")
    return wanted.lower() if item_type == "email" else wanted


def _digest(value: str) -> str:
    return sha256(value.encode()).hexdigest()[:24]
