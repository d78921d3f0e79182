"""Objects that events mention but never bring: they are noted here, and the worker reads them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import orjson
from sqlalchemy import text

from app.database import db
from app.webhooks.envelope import Envelope

_NOTE_MANDATES = text("""
    INSERT INTO wanted_objects (account_id, kind, id, wanted_at, next_try_at)
    SELECT :account_id, 'mandate', named.id, :at, :at
      FROM json_array_elements_text(:ids) AS named (id)
     WHERE NOT EXISTS (SELECT FROM mandates WHERE mandates.id = named.id)
     ORDER BY named.id
    ON CONFLICT DO NOTHING
""")


def learn(envelopes: Sequence[Envelope], *, account_id: int, at: datetime) -> None:
    """Note the mandates these events name. Stripe announces no mandate when it is made, and lists none."""
    if ids := sorted({mandate for envelope in envelopes for mandate in _mandates(envelope)}):
        db.session.execute(_NOTE_MANDATES, {"account_id": account_id, "ids": orjson.dumps(ids).decode(), "at": at})


def _mandates(envelope: Envelope) -> Iterator[str]:
    if envelope.object_type == "charge":
        details = envelope.thing.get("payment_method_details")
        method = details.get(details.get("type")) if isinstance(details, dict) else None
        yield from _ids(method.get("mandate") if isinstance(method, dict) else None)
    elif envelope.object_type == "setup_intent":
        yield from _ids(envelope.thing.get("mandate"))
        yield from _ids(envelope.thing.get("single_use_mandate"))


def _ids(reference: object) -> Iterator[str]:
    """A plain id, or the id of an expanded object."""
    named = reference.get("id") if isinstance(reference, dict) else reference
    if isinstance(named, str) and named.isascii() and named.isprintable() and named:
        yield named
