"""Objects that events mention but never bring, or change without bringing: they are noted here, and the worker reads them."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text

from app import clock
from app.database import db, transaction
from app.errors import DomainError, GatewayRefused
from app.mirror import payout_contents, pull, wanted_mandates
from app.mirror.fields import ref
from app.mirror.kinds import KINDS
from app.mirror.pull import Reads
from app.settings import API_VERSION
from app.webhooks import ledger
from app.webhooks.envelope import Envelope
from app.webhooks.waits import LONGEST_TRY, LONGEST_WAIT, wait_after

log = logging.getLogger("webhooks.wanted")

# A parent's own event usually comes within seconds; only one that is missing for longer is read.
PATIENCE = timedelta(minutes=1)
REACH = timedelta(minutes=30)
# What Stripe refuses to show for a day is not asked for any more: a key that may not read mandates would otherwise spend more
# calls on all that were ever named than are left for the rest. The next event that names it begins anew.
MOST_REFUSALS = 150
# From the first on Stripe says which lines went out; with the second nothing is missing any more.
_CONTENTS_ARE_KNOWN = frozenset({"payout.paid", "payout.reconciliation_completed"})
# Child's kind, table and key; the column that names the parent; the parent's kind and table.
_PARENTS = (
    ("payment_intent", "payment_intents", "id", "customer_id", "customer", "customers"),
    ("setup_intent", "setup_intents", "id", "customer_id", "customer", "customers"),
    ("charge", "charges", "id", "customer_id", "customer", "customers"),
    ("charge", "charges", "id", "payment_intent_id", "payment_intent", "payment_intents"),
    ("refund", "refunds", "stripe_id", "charge_id", "charge", "charges"),
    ("dispute", "disputes", "id", "charge_id", "charge", "charges"),
    ("subscription", "subscriptions", "id", "customer_id", "customer", "customers"),
    ("invoice", "invoices", "id", "customer_id", "customer", "customers"),
    ("invoice", "invoices", "id", "subscription_id", "subscription", "subscriptions"),
)

_NOTE_PARENTS = """
    INSERT INTO wanted_objects (account_id, kind, id, wanted_at, next_try_at)
    SELECT DISTINCT child.account_id, '{parent}', child.{column}, CAST(:now AS timestamptz), CAST(:now AS timestamptz)
      FROM webhook_events AS event
      JOIN {table} AS child ON child.{key} = event.object_id
     WHERE event.account_id = :account_id AND event.received_at BETWEEN :since AND :until AND event.object_type = '{kind}'
       AND child.{column} IS NOT NULL AND NOT EXISTS (SELECT FROM {parents} AS parent WHERE parent.id = child.{column})
    ON CONFLICT DO NOTHING
    RETURNING 1
"""
# Noted again while it is being read, it is read once more: that read may have begun before what we hear of now.
_NOTE_AGAIN = text("""
    INSERT INTO wanted_objects (account_id, kind, id, wanted_at, next_try_at)
    SELECT :account_id, named.kind, named.id, :at, :at FROM json_to_recordset(CAST(:named AS json)) AS named (kind text, id text)
     ORDER BY named.kind, named.id
    ON CONFLICT (account_id, kind, id) DO UPDATE SET wanted_at = excluded.wanted_at, next_try_at = excluded.next_try_at
""")
_DUE = text("""
    SELECT account_id, kind, id FROM wanted_objects
     WHERE next_try_at <= :now OR next_try_at > :unbelievable
     ORDER BY next_try_at, id LIMIT :limit
""")
_CLAIM = text("""
    UPDATE wanted_objects SET attempts = attempts + 1, next_try_at = :until
     WHERE account_id = :account_id AND kind = :kind AND id = :id AND (next_try_at <= :now OR next_try_at > :unbelievable)
    RETURNING attempts, wanted_at
""")
_THIS = "account_id = :account_id AND kind = :kind AND id = :id"


def learn(envelopes: Sequence[Envelope], *, account_id: int, at: datetime) -> None:
    """Note what these events name and do not bring, and what they bring in another shape than ours.

    Mandates: Stripe announces none when it is made, and lists none. Charges: a refund that fails lowers `amount_refunded`, and a
    new dispute sets `disputed`, with no event about the charge. Payouts: which lines of the ledger went out with one. Shapes:
    Stripe's list of events, the command line's `stripe listen` and foreign endpoints speak the account's version,
    in which a status may have another name.
    """
    values: dict[str, Any] = {"account_id": account_id, "at": at}
    wanted_mandates.note((_object_of(envelope) for envelope in envelopes), account_id=account_id, at=at)
    if pairs := {pair for envelope in envelopes for pair in _to_read_again(envelope)}:
        named = [{"kind": kind, "id": object_id} for kind, object_id in sorted(pairs)]
        db.session.execute(_NOTE_AGAIN, values | {"named": orjson.dumps(named).decode()})


def note_missing_parents(account_id: int, *, now: datetime) -> int:
    """Note what recent news refers to and what never came itself; how much that is."""
    noted = 0
    values = {"account_id": account_id, "now": now, "since": now - REACH, "until": now - PATIENCE}
    for kind, table, key, column, parent, parents in _PARENTS:
        query = _NOTE_PARENTS.format(kind=kind, table=table, key=key, column=column, parent=parent, parents=parents)
        with transaction():
            noted += len(db.session.execute(text(query), values).all())
    return noted


def fetch(gateway: Reads, *, limit: int, stop: Callable[[], bool]) -> int:
    """Read what is noted and due; how many of them Stripe answered for. Safe to stop anywhere."""
    now = clock.now()
    values = {"now": now, "unbelievable": now + LONGEST_WAIT * 2, "limit": limit}
    due = db.session.execute(_DUE, values).all()
    db.session.rollback()
    lines = [(account_id, object_id) for account_id, kind, object_id in due if kind == ledger.KIND]
    done = ledger.read_newest(lines, gateway) if not stop() else 0
    for account_id, kind, object_id in due:
        if stop():
            break
        done += _fetch_one(account_id, kind, object_id, gateway)
    return done


def _fetch_one(account_id: int, kind: str, object_id: str, gateway: Reads) -> bool:
    this = {"account_id": account_id, "kind": kind, "id": object_id}
    now = clock.now()
    with transaction():
        times = {"now": now, "until": now + LONGEST_TRY, "unbelievable": now + LONGEST_WAIT * 2}
        claimed = db.session.execute(_CLAIM, this | times).first()
    if claimed is None:
        return False
    try:
        _read(kind, object_id, gateway, account_id)
    except DomainError as error:
        log.warning("webhooks.wanted_not_read", extra=this | {"reason": type(error).__name__})
        if isinstance(error, GatewayRefused) and claimed.attempts >= MOST_REFUSALS:
            _forget(this, claimed.wanted_at)
            return False
        with transaction():
            later = {"error": str(error), "at": clock.now() + wait_after(claimed.attempts)}
            db.session.execute(
                text(f"UPDATE wanted_objects SET error = :error, next_try_at = :at WHERE {_THIS}"), this | later
            )
        return False
    # Read, or unknown to Stripe as well: either way there is nothing more to be had.
    _forget(this, claimed.wanted_at)
    return True


def _read(kind: str, object_id: str, gateway: Reads, account_id: int) -> None:
    if kind == payout_contents.KIND:
        payout_contents.read(object_id, gateway, account_id)
    else:
        pull.read_again(kind, object_id, gateway, account_id)


def _forget(this: dict[str, Any], wanted_at: datetime) -> None:
    """Take it off the list, unless it was noted again meanwhile."""
    with transaction():
        finished = this | {"wanted_at": wanted_at}
        db.session.execute(text(f"DELETE FROM wanted_objects WHERE {_THIS} AND wanted_at = :wanted_at"), finished)


def _to_read_again(envelope: Envelope) -> Iterator[tuple[str, str]]:
    """(kind, id): the charge of a failed refund or of a new dispute; what a payout is made of; an object in a foreign shape."""
    ended = envelope.object_type == "refund" and envelope.thing.get("status") in {"failed", "canceled"}
    if ended or envelope.type == "charge.dispute.created":
        yield from (("charge", charge) for charge in _ids(envelope.thing.get("charge")))
    if envelope.type in _CONTENTS_ARE_KNOWN and envelope.thing.get("automatic") is True and envelope.object_id:
        yield payout_contents.KIND, envelope.object_id
    if envelope.api_version != API_VERSION and envelope.object_id and envelope.object_type in KINDS:
        yield envelope.object_type, envelope.object_id


def _object_of(envelope: Envelope) -> dict[str, Any]:
    return {**envelope.thing, "object": envelope.object_type}


def _ids(reference: object) -> Iterator[str]:
    """A plain id, or the id of an expanded object."""
    named = ref(reference)
    if named and named.isascii() and named.isprintable():
        yield named
