"""The rows of webhook_events: writing them, many at once, and saying what became of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Row, text

from app import clock
from app.database import Prepared, db
from app.mirror import accounts, erased, raw
from app.mirror.stripped import stripped_event
from app.models.webhook_try import WebhookTry
from app.webhooks import handlers
from app.webhooks.envelope import Envelope
from app.webhooks.handlers import Verdict
from app.webhooks.waits import LONGEST_TRY

# Written as what they will almost always become; in the rare other case they are corrected before the commit.
_KEEP = Prepared(
    "keep_events",
    """
    INSERT INTO webhook_events (id, account_id, type, created_at, api_version, object_id, object_type, customer_id,
                                request_id, body, headers, source, received_at, deliveries, state, attempts, next_try_at,
                                processed_at)
    SELECT said.id, owner.id, said.type, said.created_at, said.api_version, said.object_id, said.object_type, said.customer_id,
           said.request_id, said.body, said.headers, said.source, said.received_at, said.deliveries, said.state,
           said.attempts, said.next_try_at, said.processed_at
      FROM json_to_recordset(:rows) AS said (
               id text, type text, created_at timestamptz, api_version text, object_id text, object_type text, customer_id text,
               request_id text, body bytea, headers jsonb, source text, received_at timestamptz, deliveries integer,
               state text, attempts integer, next_try_at timestamptz, processed_at timestamptz, about text[]),
           (SELECT id FROM accounts WHERE livemode = :livemode ORDER BY id LIMIT 1) AS owner
     WHERE said.about IS NULL OR NOT EXISTS (SELECT FROM erased_objects AS gone WHERE gone.id = ANY (said.about))
     ORDER BY said.id
    ON CONFLICT (id) DO UPDATE SET deliveries = webhook_events.deliveries + excluded.deliveries
    RETURNING id, account_id, deliveries, state, attempts
    """,
    rows="json",
    livemode="boolean",
)
_CONCLUDE = text("""
    UPDATE webhook_events AS event
       SET state = said.state, attempts = said.attempts, next_try_at = said.next_try_at, processed_at = said.processed_at,
           error = coalesce(said.error, event.error)
      FROM json_populate_recordset(NULL::webhook_events, :rows) AS said
     WHERE event.id = said.id
""")
# Only for the try that has it in hand: meanwhile a person may have let it be or put it back, or it came again and was understood.
_CONCLUDE_CLAIMED = text(_CONCLUDE.text + " AND event.state = 'waiting' AND event.attempts = said.attempts")
_CLAIM = text("""
    UPDATE webhook_events SET attempts = attempts + 1, next_try_at = :next_try_at
     WHERE id = (SELECT id FROM webhook_events WHERE id = :id AND state = 'waiting' FOR UPDATE SKIP LOCKED)
    RETURNING id, body, received_at, attempts, account_id
""")


@dataclass(frozen=True, slots=True)
class Open:
    """An event that is not concluded yet: new in this transaction, or waiting since an earlier one."""

    envelope: Envelope
    account_id: int
    state: str
    attempts: int


def keep(envelopes: Sequence[Envelope], source: str, heard_at: datetime) -> list[Open]:
    """Write events of one mode, each once, in the caller's transaction; answer those that are still to be understood."""
    times = Counter(envelope.id for envelope in envelopes)
    by_id = {envelope.id: envelope for envelope in envelopes}
    shared = {"source": source, "received_at": heard_at, "attempts": 1, "next_try_at": None, "processed_at": heard_at}
    rows = [_row(envelope) | shared | {"deliveries": times[envelope.id]} for envelope in by_id.values()]
    values = {"rows": orjson.dumps(rows).decode(), "livemode": envelopes[0].livemode}
    answers = _KEEP.execute(values).all()
    if len(answers) < len(rows):
        # The first event of all: nobody had asked yet whose it is. Or events of a person who was erased.
        accounts.current(envelopes[0].livemode)
        written = {answer.id for answer in answers}
        left = [_without_person(row, by_id[row["id"]]) for row in rows if row["id"] not in written]
        answers = [*answers, *_KEEP.execute(values | {"rows": orjson.dumps(left).decode()})]
    return [
        Open(by_id[answer.id], answer.account_id, answer.state, answer.attempts)
        for answer in answers
        # What came again is tried again as long as it was never understood.
        if answer.deliveries == times[answer.id] or answer.state in {"waiting", "dead"}
    ]


def conclude(opened: Sequence[Open], verdicts: Iterable[Verdict]) -> None:
    """Correct the rows that became something else than what was written."""
    known = {event.envelope.id: event for event in opened}
    changed = [(known[v.event_id], v) for v in verdicts if v.state != known[v.event_id].state or v.error is not None]
    if changed:
        rows = [_conclusion(verdict, event.attempts) for event, verdict in changed]
        db.session.execute(_CONCLUDE, {"rows": orjson.dumps(rows).decode()})
        # What was older news, as it is now and then, needs no second row to say so.
        failed = [(event, verdict) for event, verdict in changed if verdict.state in {"waiting", "dead"}]
        db.session.add_all(_try(verdict, event.account_id, event.attempts, None) for event, verdict in failed)


def conclude_one(claimed: Row[Any], verdict: Verdict, *, changed: list[str] | None = None) -> None:
    """Say what became of an event that was tried again; `changed`: the columns of our copy that differ since.

    The try is kept in any case. The event's state stays as it is when it was ignored, replayed or understood since it was claimed.
    """
    db.session.execute(_CONCLUDE_CLAIMED, {"rows": orjson.dumps([_conclusion(verdict, claimed.attempts)]).decode()})
    db.session.add(_try(verdict, claimed.account_id, claimed.attempts, changed))


def claim(event_id: str) -> Row[Any] | None:
    """A waiting event, put off for as long as a try may take: whoever dies with it in hand leaves it to the next.

    None when it does not wait, or another process is at it.
    """
    return db.session.execute(_CLAIM, {"id": event_id, "next_try_at": clock.now() + LONGEST_TRY}).one_or_none()


def _row(envelope: Envelope) -> dict[str, Any]:
    return {
        "id": envelope.id,
        "type": envelope.type,
        "created_at": envelope.created_at,
        "api_version": envelope.api_version,
        "object_id": envelope.object_id,
        "object_type": envelope.object_type,
        "customer_id": envelope.customer_id,
        "request_id": envelope.request_id,
        "body": "\\x" + raw.pack(envelope.body).hex(),
        "headers": envelope.headers,
        # Left away, nobody asks whether it is an erased person's.
        "about": envelope.about,
        "state": "ignored" if handlers.kind_of(envelope.type) is handlers.IGNORED else "processed",
    }


def _without_person(row: dict[str, Any], envelope: Envelope) -> dict[str, Any]:
    """The same event, stripped where it is an erased person's; then so is the object in it, even if it says so no more."""
    plain = {name: value for name, value in row.items() if name != "about"}
    if not (known := erased.among(envelope.about)):
        return plain
    if envelope.object_id is not None:
        account_id = accounts.current(envelope.livemode).id
        erased.add([envelope.object_id], next(iter(known.values())), account_id)
    return plain | {"body": "\\x" + raw.pack(orjson.dumps(stripped_event(orjson.loads(envelope.body)))).hex()}


def _try(verdict: Verdict, account_id: int, number: int, changed: list[str] | None) -> WebhookTry:
    return WebhookTry(
        account_id=account_id,
        event_id=verdict.event_id,
        at=clock.now(),
        number=number,
        state=verdict.state,
        error=verdict.error,
        changed=changed,
    )


def _conclusion(verdict: Verdict, attempts: int) -> dict[str, Any]:
    now = clock.now()
    waits = verdict.state == "waiting"
    return {
        "id": verdict.event_id,
        "state": verdict.state,
        "attempts": attempts,
        "next_try_at": now + verdict.wait if waits else None,
        "processed_at": None if waits else now,
        "error": verdict.error,
    }
