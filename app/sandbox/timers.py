"""What happens later by itself: tasks run in order when the world clock gets to them."""

from __future__ import annotations

import logging
import threading
import time

from psycopg2 import errors

from app.sandbox import codec, routes
from app.sandbox.errors import StripeError
from app.sandbox.params import Obj
from app.sandbox.world import LOST, World

log = logging.getLogger(__name__)

LOOK_AGAIN = 5.0
"""Seconds after which the table is read even when nobody rang: another process may have written timers."""


class Timers:
    """A background thread for the passing of time, and `advance` for jumping over it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bell = threading.Event()
        self._turn = threading.RLock()
        self._stopping = False
        world.on_timers = self._bell.set

    def start(self) -> None:
        threading.Thread(target=self._watch, name="timers", daemon=True).start()

    def stop(self) -> None:
        self._stopping = True
        self._bell.set()

    def advance(self, to: int) -> int:
        """Move the clock to that Unix second and run what falls due on the way; backwards runs nothing."""
        with self._turn:
            done = self.run_due(to)
            if self._world.settings.get("frozen_at") is not None:
                self._world.remember("frozen_at", to)
            else:
                self._world.remember("offset", to - int(time.time()))
            return done

    def run_due(self, now: int | None = None, clock: str | None = None) -> int:
        """Run everything up to `now` (None: the present), oldest first, each with `tx.now` at its own moment; tasks may
        add more. `clock` names a test clock: then its timers run, not the world's.
        """
        done = 0
        with self._turn:
            while self._run_next(now, clock):
                done += 1
        return done

    def _run_next(self, now: int | None, clock: str | None) -> bool:
        number, name, generation = 0, "", self._world.generation
        try:
            with self._world.transaction() as tx:
                # The present is read inside the transaction: one that began before a reset keeps nothing.
                until = tx.now if now is None else now
                tx.cursor.execute(
                    f"SELECT id, at, task, args FROM timers WHERE at <= %s AND clock {'IS NULL' if clock is None else '= %s'} "
                    "ORDER BY at, id LIMIT 1 FOR UPDATE",
                    (until,) if clock is None else (until, clock),
                )
                row = tx.cursor.fetchone()
                if row is None:
                    return False
                number, at, name, args = row
                if clock is None:
                    tx.now = at
                else:
                    tx.enter_clock(clock, at)
                tx.cursor.execute("DELETE FROM timers WHERE id = %s", (number,))
                task = routes.task(name)
                if task is None:
                    log.error("no task is called %s", name)
                else:
                    task(tx, **codec.loads(args))
        except StripeError as refusal:
            if generation != self._world.generation:
                return True  # the world was emptied meanwhile; whatever waits now belongs to the new one
            log.warning("timer %s: %s", name, refusal.message)
            self._drop(number)
        except errors.DeadlockDetected:
            return True  # it met a request on the same rows; nothing was kept, so it runs again
        except LOST:
            raise
        except Exception:  # a task that fails would fail for ever and hold up all others
            log.exception("timer %s", name)
            self._drop(number)
        return True

    def _drop(self, number: int) -> None:
        with self._world.transaction() as tx:
            tx.cursor.execute("DELETE FROM timers WHERE id = %s", (number,))

    def _watch(self) -> None:
        while not self._stopping:
            self._bell.clear()
            try:
                self.run_due()
                self.run_clocks()
                pause = self._until_next()
            except LOST:
                self._world.pool.forget_idle()
                pause = 1.0
            except StripeError:  # the world was emptied under its feet
                pause = 0.05
            except Exception:  # this thread must outlive whatever a task does
                log.exception("timers")
                pause = 1.0
            self._bell.wait(pause)

    def run_clocks(self) -> None:
        """Bring every test clock that is advancing to its target; one that was cut short goes on from where it was."""
        with self._turn:
            for clock in self._advancing():
                target = clock["status_details"]["advancing"]["target_frozen_time"]
                self.run_due(target, clock["id"])
                arrived = routes.task("test_clock_arrived")
                if arrived:
                    with self._world.transaction() as tx:
                        arrived(tx, clock=clock["id"])

    def _advancing(self) -> list[Obj]:
        with self._world.transaction() as tx:
            return tx.find("test_helpers.test_clock", status="advancing")

    def _until_next(self) -> float:
        with self._world.transaction() as tx:
            tx.cursor.execute("SELECT min(at) FROM timers WHERE clock IS NULL")
            row = tx.cursor.fetchone()
        if row is None or row[0] is None:
            return LOOK_AGAIN
        return float(min(max(row[0] - self._world.now, 0.05), LOOK_AGAIN))
