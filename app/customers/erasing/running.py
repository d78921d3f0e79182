"""Carrying an erasure through: table by table, a batch at a time. Stopped anywhere, it goes on where it was.

1. Wait for every transaction that was open when the ids were committed: it may be writing what it could not recognise yet.
2. Complete the ids, and learn what the person is called, before anything is gone.
3. Strip the mirror and the events, clear what is about the person's things, look through free text, take words out of the trail.
4. Forget what the person was called.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import erasing
from app.audit import trail as audit
from app.customers.belongings import ids_of
from app.customers.erasing import rows, trail
from app.customers.erasing import words as telling
from app.customers.erasing.tables import ABOUT, MIRRORED, SWEPT
from app.database import db, transaction
from app.mirror import erased
from app.mirror.erased import Mark
from app.models.erasure import DONE, RUNNING, Erasure, ErasureStep

log = logging.getLogger("customers.erasing")

JOB = Actor.job("erase_persons")
# Longer than any request or webhook lives; a backup may take longer, and is waited for by the next run.
PATIENCE_SECONDS = 20.0
_LATE_AT_ONCE = 500

_OPEN = text("""
    SELECT pid, xact_start FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND xact_start IS NOT NULL
""")
_IDS = text("SELECT id FROM erased_objects WHERE erasure_id = :id AND swept_at IS NOT NULL ORDER BY id")
_SWEEPING = text("UPDATE erased_objects SET swept_at = clock_timestamp() WHERE erasure_id = :id AND id = ANY(:ids)")
_STEP = text("""
    INSERT INTO erasure_steps (erasure_id, name, after_key, rows, done_at)
    VALUES (:id, :name, CAST(:after AS jsonb), :rows, CASE WHEN :is_done THEN clock_timestamp() END)
    ON CONFLICT (erasure_id, name) DO UPDATE SET after_key = excluded.after_key, done_at = excluded.done_at,
        rows = erasure_steps.rows + excluded.rows
""")
_LATE = text("""
    SELECT o.erasure_id, o.account_id, array_agg(o.id ORDER BY o.id) AS ids
      FROM (SELECT * FROM erased_objects WHERE swept_at IS NULL ORDER BY erased_at LIMIT :limit) AS o
      JOIN erasures AS e ON e.id = o.erasure_id AND e.state = 'done'
     GROUP BY o.erasure_id, o.account_id
""")

Stop = Callable[[], bool]


class Stopped(Exception):
    """The process is to end: what is committed stays, the rest is the next run's."""


def run(*, stop: Stop = lambda: False, patience: float = PATIENCE_SECONDS) -> int:
    """Go on with every erasure, then with what came in late of persons erased before. How many came to an end."""
    ended = 0
    try:
        for erasure_id in _running():
            ended += _erase(erasure_id, stop, patience)
        _sweep_late(stop, patience)
    except Stopped:
        pass
    return ended


def _erase(erasure_id: UUID, stop: Stop, patience: float) -> bool:
    if not _others_ended(patience, stop):
        return _wait_for(erasure_id, "Transactions that were open before it began, a backup for example.")
    erasure = _prepared(erasure_id)
    ids = _ids(erasure_id)
    own: list[str] = (erasure.words or {}).get("own", [])
    try:
        for name, batch in _steps(erasure, ids, own):
            _carry(erasure_id, name, batch, stop)
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) != "audit_erase":
            raise
        return _wait_for(erasure_id, "An entry of the audit trail is not what was written. Run flask audit verify.")
    _finish(erasure_id)
    return True


# A batch: what it goes on after, to how many rows changed and what the next goes on after; None ends the step.
Batch = Callable[[Any], tuple[int, Any]]


def _steps(erasure: Erasure, ids: list[str], own: list[str]) -> list[tuple[str, Batch]]:
    """Everything that is to be done, by the name under which the page counts it."""
    mails = [word.lower() for word in own if "@" in word]
    values = {
        "ids": ids,
        "mails": mails,
        "keys": [f"refund:{key}" for key in ids] + [f"act:{key}" for key in trail.also_about(ids)],
        "erasure_id": str(erasure.id),
        "patterns": telling.patterns(own),
    }
    about = sorted({*ids, *trail.also_about(ids)})
    db.session.rollback()
    mark = Mark(erasure.id, erasure.customer_id)
    steps: list[tuple[str, Batch]] = [(name, _stripping(name, ids)) for name in MIRRORED]
    steps.append(("webhook_events", lambda after: rows.strip_events(ids, after or "")))
    steps.append(("block_lists", lambda _after: (_kept_out(mails, mark, erasure.account_id), None)))
    steps += [
        (f"{part.table}:{number}", _again_until_none(partial(rows.clear, part, values)))
        for number, part in enumerate(ABOUT)
    ]
    steps += [(f"{name}:words", _again_until_none(partial(rows.sweep, name, own))) for name in SWEPT]

    steps.append(("audit_logs", _of_trail(erasure, about, own)))
    return steps


def _of_trail(erasure: Erasure, about: list[str], own: list[str]) -> Batch:
    def batch(after: Any) -> tuple[int, Any]:
        return trail.take_out(about, own, after or 0, erasure_id=erasure.id, account_id=erasure.account_id, actor=JOB)

    return batch


def _stripping(name: str, ids: list[str]) -> Batch:
    def batch(after: Any) -> tuple[int, Any]:
        begin = int(after or 0)
        changed = rows.strip(MIRRORED[name], ids[begin : begin + rows.BATCH])
        return changed, begin + rows.BATCH if begin + rows.BATCH < len(ids) else None

    return batch


def _again_until_none(act: Callable[[], int]) -> Batch:
    def batch(_after: Any) -> tuple[int, Any]:
        changed = act()
        return changed, "again" if changed else None

    return batch


def _kept_out(mails: list[str], mark: Mark, account_id: int) -> int:
    ids = rows.keep_out_of_lists(mails, mark, account_id)
    # Nothing else names an item of a list.
    db.session.execute(_SWEEPING, {"id": mark.erasure_id, "ids": ids})
    return 0


def _carry(erasure_id: UUID, name: str, batch: Batch, stop: Stop) -> None:
    """One step to its end: each batch is committed with how far it came."""
    step = db.session.get(ErasureStep, (erasure_id, name), populate_existing=True)
    done, after = (step.done_at is not None, (step.after_key or {}).get("key")) if step else (False, None)
    db.session.rollback()
    while not done:
        if stop():
            raise Stopped
        with transaction():
            erasing.begin(erasure_id)
            changed, after = batch(after)
            done = after is None
            _note(erasure_id, name, rows_changed=changed, after=after, is_done=done)


def _note(erasure_id: UUID, name: str, *, rows_changed: int, after: Any, is_done: bool) -> None:
    key = None if after is None else f'{{"key": {after if isinstance(after, int) else chr(34) + str(after) + chr(34)}}}'
    values = {"id": erasure_id, "name": name, "after": key, "rows": rows_changed, "is_done": is_done}
    db.session.execute(_STEP, values)


def _prepared(erasure_id: UUID) -> Erasure:
    """The erasure with all ids, and with what the person is called; both are learnt once, while everything is still there."""
    with transaction():
        erasure = _locked(erasure_id)
        erasure.waits_for = None
        if erasure.words is None:
            _complete(erasure)
    return erasure


def _complete(erasure: Erasure) -> None:
    mark = Mark(erasure.id, erasure.customer_id)
    begun = {*ids_of(erasure.customer_id, erasure.account_id), *db.session.execute(_IDS, {"id": erasure.id}).scalars()}
    ids = sorted(rows.closure(sorted(begun), erasure.account_id))
    erased.add(ids, mark, erasure.account_id)
    db.session.execute(_SWEEPING, {"id": erasure.id, "ids": ids})
    own = telling.own(telling.called(rows.objects(ids)), erasure.customer_id, erasure.account_id)
    erasure.words = {"own": own}


def _locked(erasure_id: UUID) -> Erasure:
    """Webhooks write ids that refer to this row meanwhile: only a lock that lets them may be taken, or each waits for the other."""
    return db.session.get_one(Erasure, erasure_id, with_for_update={"key_share": True}, populate_existing=True)


def _ids(erasure_id: UUID) -> list[str]:
    found = list(db.session.execute(_IDS, {"id": erasure_id}).scalars())
    db.session.rollback()
    return found


def _finish(erasure_id: UUID) -> None:
    with transaction():
        erasure = _locked(erasure_id)
        if not erasure.is_running:
            return
        erasure.state, erasure.done_at, erasure.words, erasure.waits_for = DONE, clock.now(), None, None
        db.session.flush()
        audit.record(
            JOB,
            "customer.erased",
            "customer",
            erasure.customer_id,
            account_id=erasure.account_id,
            after={"erasure": erasure.id, "rows": counts(erasure_id)},
        )
    log.info("customer.erased", extra={"erasure": str(erasure_id)})


def counts(erasure_id: UUID) -> dict[str, int]:
    """How many rows of which table were changed so far."""
    steps = select(ErasureStep.name, ErasureStep.rows).where(ErasureStep.erasure_id == erasure_id, ErasureStep.rows > 0)
    found: dict[str, int] = {}
    for name, number in db.session.execute(steps.order_by(ErasureStep.name)):
        table = name.partition(":")[0]
        found[table] = found.get(table, 0) + number
    return found


def _sweep_late(stop: Stop, patience: float) -> None:
    """What came in with an erased person's object after the erasure may have had company that nobody recognised yet."""
    late = db.session.execute(_LATE, {"limit": _LATE_AT_ONCE}).all()
    db.session.rollback()
    if not late or not _others_ended(patience, stop):
        return
    for erasure_id, account_id, fresh in late:
        # Committed before any row is touched: a webhook may hold one of the rows, and wait for one of these ids.
        with transaction():
            customer_id = db.session.get_one(Erasure, erasure_id).customer_id
            ids = sorted(rows.closure(fresh, account_id))
            erased.add(ids, Mark(erasure_id, customer_id), account_id)
        for name in MIRRORED:
            _through(_stripping(name, ids), stop)
        _through(lambda after, ids=ids: rows.strip_events(ids, after or ""), stop)  # type: ignore[misc]
        with transaction():
            db.session.execute(_SWEEPING, {"id": erasure_id, "ids": ids})


def _through(batch: Batch, stop: Stop) -> None:
    """All batches of a step whose end need not be written down: it is short, and begun anew after a stop."""
    after: Any = None
    while True:
        if stop():
            raise Stopped
        with transaction():
            _, after = batch(after)
        if after is None:
            return


def _others_ended(patience: float, stop: Stop) -> bool:
    """Whether every transaction that is open now came to an end, within this many seconds."""
    before = _open_transactions()
    until = time.monotonic() + patience
    while before := before & _open_transactions():
        if stop():
            raise Stopped
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _open_transactions() -> set[tuple[int, object]]:
    found = {(row.pid, row.xact_start) for row in db.session.execute(_OPEN)}
    db.session.rollback()
    return found


def _wait_for(erasure_id: UUID, what: str) -> bool:
    with transaction():
        _locked(erasure_id).waits_for = what
    log.warning("customer.erasure_waits", extra={"erasure": str(erasure_id), "why": what})
    return False


def _running() -> list[UUID]:
    found = list(db.session.scalars(select(Erasure.id).where(Erasure.state == RUNNING).order_by(Erasure.begun_at)))
    db.session.rollback()
    return found
