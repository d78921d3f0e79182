"""Mandates: Stripe lists them nowhere and announces none when it is made, so whoever names one has it noted here."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import orjson
from sqlalchemy import text

from app.database import db
from app.mirror.fields import Obj, part, ref, typed

_NOTE = text("""
    INSERT INTO wanted_objects (account_id, kind, id, wanted_at, next_try_at)
    SELECT :account_id, 'mandate', named.id, :at, :at
      FROM json_array_elements_text(:ids) AS named (id)
     WHERE NOT EXISTS (SELECT FROM mandates WHERE mandates.id = named.id)
     ORDER BY named.id
    ON CONFLICT DO NOTHING
""")
# Those that were never read again are read first, and no night asks for more than a share of what Stripe lets us read in a day.
_NOTE_OLD = text("""
    INSERT INTO wanted_objects (account_id, kind, id, wanted_at, next_try_at)
    SELECT old.account_id, 'mandate', old.id, :at, :at
      FROM (SELECT account_id, id FROM mandates
             WHERE account_id = :account_id AND status IN ('active', 'pending') AND heard_at < :before AND deleted_at IS NULL
             ORDER BY heard_at, id LIMIT :most) AS old
     ORDER BY old.id
    ON CONFLICT DO NOTHING
    RETURNING 1
""")


def named_in(obj: Obj) -> Iterator[str]:
    """Ids of the mandates that a charge, a setup intent or a payment method names, by id or whole."""
    kind = obj.get("object")
    if kind == "charge":
        found = [typed(part(obj, "payment_method_details")).get("mandate")]
    elif kind == "setup_intent":
        found = [obj.get("mandate"), obj.get("single_use_mandate")]
    elif kind == "payment_method":
        found = [typed(obj).get("mandate")]
    else:
        return
    for reference in found:
        named = ref(reference)
        if named and named.isascii() and named.isprintable():
            yield named


def note(objects: Iterable[Obj], *, account_id: int, at: datetime) -> None:
    """Have the worker read the mandates that these objects name and that are not here, in the caller's transaction."""
    if ids := sorted({mandate for obj in objects for mandate in named_in(obj)}):
        db.session.execute(_NOTE, {"account_id": account_id, "at": at, "ids": orjson.dumps(ids).decode()})


def note_old(account_id: int, *, heard_before: datetime, at: datetime, most: int) -> int:
    """Have the worker read again what still allows debits and was not heard of since; how many were noted, `most` at most."""
    values = {"account_id": account_id, "before": heard_before, "at": at, "most": most}
    return len(db.session.execute(_NOTE_OLD, values).all())
