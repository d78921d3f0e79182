"""A transaction that makes years of a shop's life in minutes: its clock is set by hand, and its objects stay in memory
until enough have gathered to be copied into the store.

The resources work with it as with any other transaction. What was copied is read back when somebody asks for it.
"""

from __future__ import annotations

import contextlib
import copy
import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from app.sandbox import codec, events, store
from app.sandbox.params import Obj, Params
from app.sandbox.resources.currencies import SETTLED
from app.sandbox.seed.copying import Copier
from app.sandbox.seed.movements import Movements
from app.sandbox.tx import About, Tx
from app.sandbox.world import NEWEST_VERSION, World

DAY = 86_400
ENOUGH = 30_000
"""Objects in memory before the next copying."""

STAY = frozenset(
    (
        *("customer", "mandate", "refund", "dispute", "radar.early_fraud_warning"),
        *("product", "price", "subscription", "subscription_item"),
        *("sandbox.totals", "sandbox.schedule", "sandbox.upcoming"),
    )
)
"""Kinds that are needed again and again, or found by something else than their id: they stay until the end."""

FOUND_BY = {
    "mandate": "payment_method",
    "refund": "charge",
    "dispute": "charge",
    "radar.early_fraud_warning": "charge",
    "payment_method": "customer",
    "subscription": "customer",
    "invoice": "subscription",
    "invoiceitem": "customer",
    "invoice_payment": "invoice",
    "credit_note": "invoice",
    "radar.value_list_item": "value_list",
}

SLOWER = {"bank_answers": (2.0, 5.0), "refund_arrives": (2.0, 6.0), "refund_bounces": (4.0, 14.0)}
"""Days that take seconds in a running sandbox, so that nobody has to wait for them."""

_ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LETTERS = bytes(_ALPHABET[byte % len(_ALPHABET)] for byte in range(256))


class QuietWorld(World):
    """What resources ask of the world: here nobody listens to events, and the ids come from the seed."""

    def __init__(self, ids: random.Random, default_version: str) -> None:  # no database of its own
        self.settings = {"default_version": default_version}
        self._source = ids

    def new_id(self, prefix: str, length: int = 24) -> str:
        return prefix + self._source.randbytes(length).translate(_LETTERS).decode()

    def endpoints(self, tx: Tx) -> list[dict[str, Any]]:  # noqa: ARG002
        return []


@dataclass(slots=True)
class Kept:
    """One object in memory: its JSON text, when it was first seen, whether the store has (an older state of) it."""

    body: str
    seen: int
    stored: bool = False
    changed: bool = True


class Stage(Tx):
    """`now` moves as the shop's story goes on; timers gather in `timers` as (at, number, task, arguments)."""

    def __init__(self, world: QuietWorld, conn: Connection, *, now: int, events_from: int, rng: random.Random) -> None:
        super().__init__(world, conn, About(now=now, api_version=NEWEST_VERSION))
        self.movements = Movements()
        self.timers: list[tuple[int, int, str | Callable[..., None], Any]] = []
        self.pinned: set[str] = set()
        self.made: dict[str, int] = defaultdict(int)
        self._events_from = events_from
        self._rng = rng
        self._numbers = itertools.count()
        self._kept: dict[tuple[str, str], Kept] = {}
        self._passing = 0
        self._copier = Copier(self.cursor)
        self._leaving: dict[tuple[str, str], str] = {}
        self._undo: dict[tuple[str, str], Kept | None] | None = None
        self._found_by: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)

    def call(self, handler: Callable[..., Any], params: Params, **path: str) -> Obj:
        """One API request: the route's own handler with these parameters."""
        self.request_id = self.new_id("req_", 14)
        self.params = params
        answer: Obj = handler(self, **path)
        return answer

    def at(self, when: int, what: str | Callable[..., None], arguments: Any) -> None:
        heapq.heappush(self.timers, (when, next(self._numbers), what, arguments))

    # What resources call

    def get(self, kind: str, id: str, *, lock: bool = False) -> Obj | None:  # noqa: A002, ARG002
        kept = self._kept.get((kind, id)) or self._from_store(kind, id)
        return None if kept is None else dict(codec.loads(kept.body))

    def put(self, obj: Obj) -> None:
        kind, object_id = obj["object"], obj["id"]
        kept = self._kept.get((kind, object_id))
        if self._undo is not None and (kind, object_id) not in self._undo:
            self._undo[kind, object_id] = copy.copy(kept)
        if kept is not None:
            kept.body = codec.dumps(obj)
            kept.changed = True
            return
        self._kept[kind, object_id] = Kept(codec.dumps(obj), self.now)
        self.made[kind] += 1
        self._passing += kind not in STAY
        if kind == "balance_transaction":
            self.movements.note(obj)
        elif kind in FOUND_BY and (value := store.with_found(obj).get(FOUND_BY[kind])):
            self._found_by[kind, value][object_id] = None

    def find(self, kind: str, *, limit: int = 1000, **where: str | int | bool) -> list[Obj]:
        if kind == "sandbox.totals":
            found = [self.get(kind, currency) for currency in SETTLED]
            return [obj for obj in found if obj]
        holder = str(where[FOUND_BY[kind]])
        found = [self.get(kind, object_id) for object_id in reversed(self._found_by.get((kind, holder), {}))]
        return [obj for obj in found if obj and _has(obj, where)][:limit]

    def emit(self, type: str, obj: Obj, previous: Obj | None = None) -> Obj:  # noqa: A002
        """Stripe keeps events for thirty days: older ones are not written at all. Nothing is delivered."""
        if not self.are_kept:
            return {}
        event, _ = events.make(self, type, obj, previous)
        self.put(event)
        return event

    @property
    def are_kept(self) -> bool:
        """Do events of this moment still exist at the end?"""
        return self.now >= self._events_from

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[None]:
        now, timers, made, passing = self.now, self.timers[:], dict(self.made), self._passing
        self._undo = {}
        try:
            yield
        finally:
            for key, kept in self._undo.items():
                if kept is None:
                    self._forget(*key)
                else:
                    self._kept[key] = kept
            self._undo = None
            self.now, self.timers, self._passing = now, timers, passing
            self.made = defaultdict(int, made)

    def later(self, at: int, task: str, **args: Any) -> None:
        if task in SLOWER:
            at = self.now + int(self._rng.uniform(*SLOWER[task]) * DAY)
        self.at(at, task, args)

    def remove(self, kind: str, id: str) -> None:  # noqa: A002
        raise NotImplementedError("nothing vanishes without a trace in a shop's story")

    def hold(self, what: str, which: str) -> None:
        """Nobody else is here."""

    def flush(self) -> None:
        """What is found here is found in memory; `release` writes."""

    # Between memory and store

    def release(self, *, everything: bool = False) -> None:
        """Once enough has gathered, copy what is probably not needed again into the store and forget it here."""
        if self._passing < ENOUGH and not everything:
            return
        going = [(key, kept) for key, kept in self._kept.items() if everything or not self._stays(*key)]
        changed = [self._row(*key, kept) for key, kept in going if kept.stored and kept.changed]
        self.settle()
        if changed:
            store.write(self.cursor, changed, dated=True)
        self._copier.insert(self._row(*key, kept) for key, kept in going if not kept.stored)
        self._leaving = {key: kept.body for key, kept in going if not kept.stored}
        for key, _ in going:
            del self._kept[key]
        self._passing = 0
        if everything:
            self.settle()

    def settle(self) -> None:
        """Wait until the store has everything that was released; only then may others use the connection."""
        self._copier.settle()
        self._leaving = {}

    def keys(self, kind: str) -> list[str]:
        """Ids of this kind that are in memory."""
        return [object_id for found, object_id in self._kept if found == kind]

    def take(self, kind: str, id: str) -> Obj | None:  # noqa: A002
        """Take an object out of memory for good: the caller writes it by itself."""
        kept = self._kept.pop((kind, id), None)
        return None if kept is None else dict(codec.loads(kept.body))

    def _forget(self, kind: str, object_id: str) -> None:
        """As if it had never been put."""
        obj = self.take(kind, object_id)
        if obj and kind in FOUND_BY:
            self._found_by[kind, str(store.with_found(obj).get(FOUND_BY[kind]))].pop(object_id, None)

    def _stays(self, kind: str, object_id: str) -> bool:
        if kind == "balance_transaction":
            return object_id not in self.movements.payout_of
        return kind in STAY or object_id in self.pinned

    def _row(self, kind: str, object_id: str, kept: Kept) -> store.Row:
        obj = codec.loads(kept.body)
        if (
            kind == "balance_transaction"
        ):  # the link to the payout is no field of Stripe's, lists filter by it all the same
            obj["payout"] = self.movements.payout_of.get(object_id)
        return store.row_of(obj, kept.body, now=kept.seen)

    def _from_store(self, kind: str, object_id: str) -> Kept | None:
        """What this shop copied before. What stays in memory is not looked for; and what the sandbox keeps for itself
        belongs to the running world."""
        if kind in STAY or kind.startswith("sandbox."):
            return None
        body = self._leaving.get((kind, object_id))
        if body is None:
            self.settle()
            body = store.read(self.cursor, kind, object_id)
        if body is None:
            return None
        kept = self._kept[kind, object_id] = Kept(body, self.now, stored=True, changed=False)
        self._passing += 1
        return kept


def _has(obj: Obj, where: Mapping[str, str | int | bool]) -> bool:
    seen = store.with_found(obj)
    return all(seen.get(name) == value for name, value in where.items())
