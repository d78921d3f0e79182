"""The clock: at each due time it queues the job, and never does anything else.

Any number of clocks may run: the database lets only one of them queue a due time.
"""

import logging
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app import clock
from app.database import db
from app.models.job_run import JobSetting
from app.timetable import queue
from app.timetable.lines import Line
from app.timetable.schedules import Schedule
from jobs import rescue, stopping
from jobs.timetable import TIMETABLE

log = logging.getLogger("jobs")

# A step back of the system's clock that is larger than this is noticed; smaller ones come from its being corrected all day.
_NOTICED = timedelta(seconds=2)
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 0.5
# How soon a schedule that staff changed counts, and how often is looked for runs that nobody is at.
_LOOKS_PER_ROUND = 5
# A due time further ahead than this was made by a clock that was plainly wrong; it says nothing about the present.
_BELIEVABLE = timedelta(hours=2)


class Steady:
    """The present, which never goes back: when the system's clock is set back, time goes on by the second from where it was."""

    def __init__(self, at_least: datetime | None = None) -> None:
        self._instant = max(clock.now(), at_least or clock.now())
        self._counter = time.monotonic()

    def now(self) -> datetime:
        counter = time.monotonic()
        self._instant = max(clock.now(), self._instant + timedelta(seconds=counter - self._counter))
        self._counter = counter
        return self._instant


class Due(BaseTrigger):  # type: ignore[misc] # the library has no types
    """A line of the timetable, as the scheduler asks for it; `when` follows what staff set."""

    def __init__(self, when: Schedule) -> None:
        self.when = when

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        return self.when.next(max(now, previous_fire_time or now).astimezone(UTC))


class Clock:
    """Rings for every line of the timetable, from threads of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.steady = Steady(_latest_due(app))
        self._dues = {line.name: Due(line.when) for line in TIMETABLE}
        # Alone with a database that is away, each line keeps its thread until it could ring.
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(len(TIMETABLE))})
        self._watcher = threading.Thread(target=self._watch, name="clock-watch", daemon=True)

    def start(self) -> None:
        """Queue what became due while no clock ran, once each, and go on from there."""
        for line in TIMETABLE:
            # Whatever was late is late, not lost; and of several times that were missed one is enough.
            options = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1, "next_run_time": clock.now()}
            self._scheduler.add_job(self._ring, self._dues[line.name], args=[line], id=line.name, **options)
        self._scheduler.start()
        self._watcher.start()
        log.info("clock.started", extra={"jobs": [line.name for line in TIMETABLE]})

    def stop(self) -> None:
        self._scheduler.shutdown(wait=True)
        self._watcher.join()
        log.info("clock.stopped")

    def _ring(self, line: Line) -> None:
        """Queue what is due; while the database is away, whatever is due when it is back."""
        with self.app.app_context():
            while not stopping.requested.is_set():
                try:
                    queue.ring(line, self.steady.now())
                except SQLAlchemyError as error:
                    log.warning(
                        "clock.waits",
                        extra={"job": line.name, "reason": str(error.orig if isinstance(error, DBAPIError) else error)},
                    )
                    db.session.remove()
                    stopping.requested.wait(_PAUSE_SECONDS)
                else:
                    return

    def _watch(self) -> None:
        """The scheduler sleeps until an hour on the wall; when that clock is set back it would oversleep by as much."""
        wall, counter, looks = clock.now(), time.monotonic(), 0
        while not stopping.requested.wait(_LOOK_SECONDS):
            passed = timedelta(seconds=time.monotonic() - counter)
            if clock.now() < wall + passed - _NOTICED:
                log.warning("clock.set_back", extra={"seconds": (wall + passed - clock.now()).total_seconds()})
                self._reschedule()
            wall, counter, looks = clock.now(), time.monotonic(), looks + 1
            if looks % _LOOKS_PER_ROUND == 0:
                self._make_the_round()

    def _make_the_round(self) -> None:
        """Follow the schedules that staff set, and take up runs that nobody is at."""
        with self.app.app_context():
            try:
                self._follow_staff()
                rescue.rescue({line.name: line for line in TIMETABLE})
            except SQLAlchemyError as error:
                # Each line's own thread waits for the database, and says so.
                log.debug("clock.round_missed", extra={"reason": type(error).__name__})
            finally:
                db.session.remove()

    def _follow_staff(self) -> None:
        settings = {setting.job: setting for setting in db.session.scalars(select(JobSetting))}
        wanted = {line.name: queue.schedule_of(line, settings.get(line.name)) for line in TIMETABLE}
        db.session.rollback()
        changed = [name for name, when in wanted.items() if self._dues[name].when != when]
        for name in changed:
            self._dues[name].when = wanted[name]
            log.info("clock.rescheduled", extra={"job": name, "when": str(wanted[name])})
        self._reschedule(changed)

    def _reschedule(self, names: Collection[str] | None = None) -> None:
        for job in self._scheduler.get_jobs():
            if names is None or job.id in names:
                job.reschedule(job.trigger)


def keep_time(app: Flask) -> None:
    """Run the clock until somebody wishes to stop."""
    ringing = Clock(app)
    ringing.start()
    stopping.requested.wait()
    ringing.stop()


def _latest_due(app: Flask) -> datetime | None:
    """Where an earlier clock had got to; ours may have been set back since."""
    with app.app_context():
        try:
            query = text("SELECT max(due_at) FROM job_runs WHERE due_at < :limit")
            found: datetime | None = db.session.execute(query, {"limit": clock.now() + _BELIEVABLE}).scalar()
        except SQLAlchemyError:
            return None
        finally:
            db.session.remove()
    return found
