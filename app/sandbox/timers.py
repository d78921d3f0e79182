"""What happens later by itself: tasks run in order when the world clock gets to them."""

from __future__ import annotations

import logging
import threading
import time

from psycopg2 import errors

from app.sandbox import codec, routes
from app.sandbox.errors import StripeError
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

    def run_due(self, now: int) -> int:
        """Run everything up to `now`, oldest first, each with `tx.now` at its own moment; tasks may add more."""
        done = 0
        with self._turn:
            while self._run_next(now):
                done += 1
        return done

    def _run_next(self, now: int) -> bool:
        number, name = 0, ""
        try:
            with self._world.transaction() as tx:
                tx.cursor.execute(
                    "SELECT id, at, task, args FROM timers WHERE at <= %s ORDER BY at, id LIMIT 1 FOR UPDATE", (now,)
                )
                row = tx.cursor.fetchone()
                if row is None:
                    return False
                number, tx.now, name, args = row
                tx.cursor.execute("DELETE FROM timers WHERE id = %s", (number,))
                task = routes.task(name)
                if task is None:
                    log.error("no task is called %s", name)
                else:
                    task(tx, **codec.loads(args))
        except StripeError as refusal:
            log.info("timer %s: %s", name, refusal.message)
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
                self.run_due(self._world.now)
                pause = self._until_next()
            except LOST:
                self._world.pool.forget_idle()
                pause = 1.0
            except Exception:  # this thread must outlive whatever a task does
                log.exception("timers")
                pause = 1.0
            self._bell.wait(pause)

    def _until_next(self) -> float:
        with self._world.transaction() as tx:
            tx.cursor.execute("SELECT min(at) FROM timers")
            row = tx.cursor.fetchone()
        if row is None or row[0] is None:
            return LOOK_AGAIN
        return float(min(max(row[0] - self._world.now, 0.05), LOOK_AGAIN))
