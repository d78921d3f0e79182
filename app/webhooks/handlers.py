"""Which event carries news of which kind, and what is done with it. Read the table top to bottom: the first line that fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from app.mirror import kinds
from app.mirror.news import News
from app.webhooks import wanted
from app.webhooks.envelope import Envelope

IGNORED = None

# Prefix of the event's type → kind of the object in it, by Stripe's object name.
TABLE: tuple[tuple[str, str | None], ...] = (
    ("charge.dispute.", "dispute"),
    ("charge.refund.updated", "refund"),
    ("charge.", "charge"),
    ("refund.", "refund"),
    ("payment_intent.", "payment_intent"),
    ("setup_intent.", "setup_intent"),
    ("payment_method.", "payment_method"),
    ("mandate.", "mandate"),
    ("customer.subscription.", "subscription"),
    ("customer.created", "customer"),
    ("customer.updated", "customer"),
    ("customer.deleted", "customer"),
    ("customer.", IGNORED),  # sources, discounts, tax ids: no table of ours
    ("invoice.upcoming", IGNORED),  # a preview: it has no id and never will
    ("invoice.", "invoice"),
    ("invoice_payment.", "invoice_payment"),
    ("credit_note.", "credit_note"),
    ("checkout.session.", "checkout.session"),
    ("payout.", "payout"),
    ("review.", "review"),
    ("radar.early_fraud_warning.", "radar.early_fraud_warning"),
    ("product.", "product"),
    ("price.", "price"),
)

# An event that ends in .deleted says so by its name alone. (A deleted subscription is a cancelled one, and stays.)
DELETIONS = frozenset({"customer.deleted", "invoice.deleted", "product.deleted", "price.deleted"})


class NotUnderstood(ValueError):
    """The event's type promises one kind of object, and it carries another."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one event. state: processed, superseded, ignored, dead; or waiting, for `wait` at least."""

    event_id: str
    state: str
    error: str | None = None
    wait: timedelta = timedelta()


@lru_cache(maxsize=1_000)
def kind_of(event_type: str) -> str | None:
    """The kind of the mirror this event is about, or None when it is none of ours."""
    return next((kind for prefix, kind in TABLE if event_type.startswith(prefix)), IGNORED)


def apply(envelopes: Sequence[Envelope], *, account_id: int, heard_at: datetime) -> list[Verdict]:
    """Bring the mirror up to these events, in the caller's transaction, with one statement for each kind.

    Raises:
        NotUnderstood: an object is not what its event's type says.
    """
    by_kind: dict[str | None, list[Envelope]] = {kind: [] for kind in _ORDER}
    for envelope in envelopes:
        by_kind[kind_of(envelope.type)].append(envelope)
    verdicts = [Verdict(envelope.id, "ignored") for envelope in by_kind.pop(IGNORED)]
    for kind, group in by_kind.items():
        if kind is not None and group:
            verdicts += _apply_kind(kind, group, account_id, heard_at)
    wanted.learn(envelopes, account_id=account_id, at=heard_at)
    return verdicts


def _apply_kind(kind: str, group: Sequence[Envelope], account_id: int, heard_at: datetime) -> list[Verdict]:
    news = [News(account_id, e.created_at, heard_at, by_read=False, api_version=e.api_version) for e in group]
    saved = kinds.save_all(kind, [_object(envelope, kind) for envelope in group], news)
    older, doubtful = frozenset(saved.older), frozenset(saved.doubtful)
    newest: dict[str | None, datetime] = {}
    for envelope in group:
        newest[envelope.object_id] = max(envelope.created_at, newest.get(envelope.object_id, envelope.created_at))
    return [
        _verdict(e, e.object_id in older or e.created_at < newest[e.object_id], e.object_id in doubtful) for e in group
    ]


def _verdict(envelope: Envelope, is_older: bool, is_doubtful: bool) -> Verdict:
    if is_doubtful:
        return Verdict(
            envelope.id, "waiting", "Only a fresh look at Stripe can tell what is newest: the object is read again."
        )
    return Verdict(envelope.id, "superseded" if is_older else "processed")


def _object(envelope: Envelope, kind: str) -> dict[str, Any]:
    if envelope.object_type != kind or envelope.object_id is None:
        raise NotUnderstood(f"{envelope.type} carries {envelope.object_type or 'something nameless'}, not a {kind}.")
    return {**envelope.thing, "deleted": True} if envelope.type in DELETIONS else envelope.thing


# Everybody takes the kinds in the same order, so that two batches do not wait for each other in a circle.
_ORDER = tuple(dict.fromkeys(kind for _, kind in TABLE))
