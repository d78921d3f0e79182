"""Events on their way to webhook endpoints: claimed in batches, sent by many threads, tried again when refused."""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any

from psycopg2.extras import execute_values

from app.sandbox import codec, sending, signing, versions
from app.sandbox.params import Obj
from app.sandbox.tx import Tx
from app.sandbox.world import LOST, World

log = logging.getLogger(__name__)

SENDERS = 16
BATCH = 500
MOST_QUEUED = 2000
RETRY = {"base": 1.0, "factor": 2.0, "longest": 60.0, "attempts": 12, "timeout": 20.0}
"""Seconds to the second try, growth, the longest pause, tries in all, and how long an endpoint may take to answer."""


@dataclass(slots=True)
class Parcel:
    """One event for one endpoint."""

    id: int
    event: str
    type: str
    url: str
    secrets: list[str]
    payload: bytes
    attempts: int
    generation: int


class Deliverer:
    """One thread claims, `SENDERS` threads send, one thread writes down what came of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bell = threading.Event()
        self._queue: queue.SimpleQueue[list[Parcel]] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Parcel, int | None, str | None]] = queue.SimpleQueue()
        self._taking = threading.Lock()
        self.sending = 0
        self._counting = threading.Lock()
        world.on_deliveries = self._bell.set

    def start(self) -> None:
        with self._world.transaction() as tx:
            tx.cursor.execute("UPDATE deliveries SET state = 'waiting' WHERE state = 'sending'")
        threading.Thread(target=self._claim_for_ever, name="claim", daemon=True).start()
        threading.Thread(target=self._record_for_ever, name="record", daemon=True).start()
        for number in range(SENDERS):
            threading.Thread(target=self._send_for_ever, name=f"send-{number}", daemon=True).start()

    def ring(self) -> None:
        """Look for work now."""
        self._bell.set()

    @property
    def settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self._world.settings.get("delivery", {})
        return found

    def _claim_for_ever(self) -> None:
        while True:
            try:
                claimed = 0 if self.settings.get("hold") else self._claim()
            except LOST:
                self._world.pool.forget_idle()
                claimed = 0
                time.sleep(0.5)
            except Exception:  # this thread must outlive one bad batch
                log.exception("claiming deliveries")
                claimed = 0
                time.sleep(0.5)
            if not claimed:
                self._bell.wait(0.5)
                self._bell.clear()
                if self.settings.get("order") in ("reverse", "shuffle") and not self.settings.get("hold"):
                    time.sleep(self.settings.get("window", 0.3))

    def _claim(self) -> int:
        if self.sending >= MOST_QUEUED:
            time.sleep(0.01)
            return 1
        order = self.settings.get("order")
        generation = self._world.generation
        with self._world.transaction() as tx:
            tx.cursor.execute(
                "UPDATE deliveries d SET state = 'sending', attempts = attempts + 1 FROM (SELECT id FROM deliveries"
                " WHERE state = 'waiting' AND due_at <= %s ORDER BY due_at, id LIMIT %s FOR UPDATE SKIP LOCKED) due"
                " WHERE d.id = due.id RETURNING d.id, d.event, d.endpoint, d.attempts",
                (time.time(), 50_000 if order else BATCH),
            )
            rows = sorted(tx.cursor.fetchall())
            parcels, gone = _pack(tx, rows, generation) if rows else ([], [])
            if gone:
                tx.cursor.execute("UPDATE deliveries SET state = 'failed' WHERE id = ANY(%s)", (gone,))
            parcels = sending.planned(tx, self._world, parcels)
        if parcels:
            if self.settings.get("once"):  # an order asked for one release only
                kept = {name: value for name, value in self.settings.items() if name not in ("order", "seed", "once")}
                self._world.remember("delivery", kept)
            self._count(len(parcels))
            for unit in [parcels] if order else [[parcel] for parcel in parcels]:
                self._queue.put(unit)
        return len(rows)

    def _send_for_ever(self) -> None:
        post = sending.Sender()
        while True:
            with self._taking:  # where order matters nobody takes the next before this one was sent
                unit = self._queue.get()
                ordered = len(unit) > 1 or bool(self.settings.get("order"))
                for parcel in unit if ordered else ():
                    self._send(post, parcel)
            if not ordered:
                self._send(post, unit[0])

    def _send(self, post: sending.Sender, parcel: Parcel) -> None:
        if parcel.generation != self._world.generation:  # the world it belongs to is gone
            self._count(-1)
            return
        at = self._world.now if self.settings.get("sign_with") == "world" else int(time.time())
        timeout = float(self.settings.get("retry", {}).get("timeout", RETRY["timeout"]))
        signature = signing.header(parcel.payload, parcel.secrets, at=at)
        status, error = post(parcel.url, parcel.payload, signature, timeout=timeout)
        self._results.put((parcel, status, error))

    def _record_for_ever(self) -> None:
        while True:
            batch = [self._results.get()]
            time.sleep(0.02)
            while not self._results.empty() and len(batch) < 1000:
                batch.append(self._results.get())
            while not self._recorded(batch):
                time.sleep(0.5)
            self._count(-len(batch))

    def _recorded(self, batch: list[tuple[Parcel, int | None, str | None]]) -> bool:
        """False while the database is away."""
        try:
            self._record(batch)
        except LOST:
            self._world.pool.forget_idle()
            return False
        except Exception:  # this thread must outlive one bad batch
            log.exception("recording deliveries")
        return True

    def _record(self, batch: list[tuple[Parcel, int | None, str | None]]) -> None:
        rule = RETRY | self.settings.get("retry", {})
        now = time.time()
        rows: dict[int, tuple[Any, ...]] = {}
        for parcel, status, error in batch:
            fine = status is not None and 200 <= status < 300
            pause = min(rule["base"] * rule["factor"] ** (parcel.attempts - 1), rule["longest"])
            state = "done" if fine else "waiting" if parcel.attempts < rule["attempts"] else "failed"
            if parcel.generation == self._world.generation and rows.get(parcel.id, ("", ""))[1] != "done":
                rows[parcel.id] = (parcel.id, state, now + pause, status, error)
        with self._world.transaction() as tx:
            execute_values(
                tx.cursor,
                "UPDATE deliveries d SET state = v.state, due_at = v.due_at, last_status = v.status,"
                " last_error = v.error FROM (VALUES %s) v (id, state, due_at, status, error) WHERE d.id = v.id",
                list(rows.values()),
                template="(%s::bigint, %s, %s::double precision, %s::integer, %s)",
                page_size=1000,
            )

    def _count(self, change: int) -> None:
        with self._counting:
            self.sending += change


def _pack(tx: Tx, rows: list[tuple[int, str, str, int]], generation: int) -> tuple[list[Parcel], list[int]]:
    """Parcels to send, and the numbers of those whose endpoint or event is no more."""
    endpoints = {one["id"]: one for one in tx.find("webhook_endpoint") if one["status"] == "enabled"}
    secrets = signing.live_secrets(tx.cursor, now=int(time.time()))
    tx.cursor.execute(
        "SELECT id, type, body FROM objects WHERE kind = 'event' AND id = ANY(%s)", (list({row[1] for row in rows}),)
    )
    events = {event: (kind, body) for event, kind, body in tx.cursor.fetchall()}
    payloads: dict[tuple[str, str | None], bytes] = {}
    parcels, gone = [], []
    for number, event, endpoint_id, attempts in rows:
        endpoint, found = endpoints.get(endpoint_id), events.get(event)
        if endpoint is None or found is None:
            gone.append(number)
            continue
        version = endpoint.get("api_version")
        payload = payloads.get((event, version)) or _payload(found[1], version)
        payloads[event, version] = payload
        parcels.append(
            Parcel(
                number, event, found[0], endpoint["url"], secrets.get(endpoint_id, []), payload, attempts, generation
            )
        )
    return parcels, gone


def _payload(body: str, version: str | None) -> bytes:
    """The event in the shape of the endpoint's version, or of the version it was written with."""
    event: Obj = codec.loads(body)
    if version:
        event["api_version"] = version
    return codec.dumps(versions.render(event, event["api_version"])).encode()
