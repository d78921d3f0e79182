"""The console of jobs: what it shows, and what its handles do, once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.jobs_console import operations
from app.models.job_run import JobRun, JobRunLine, JobSetting
from app.timetable.lines import timetable
from jobs.keep_house import PARAMETERS
from tests.desk import Page, staff

KEPT = {parameter.name: parameter.default for parameter in PARAMETERS}
HOUSE = "/admin/jobs/keep_house"
DEVELOPER = Actor("staff", "ana@shop.example")


def run_of(job: str, state: str = "good", *, ago: timedelta = timedelta(), **more: object) -> int:
    at = clock.now() - ago
    with transaction():
        run = JobRun(job=job, due_at=at, state=state, started_at=at, finished_at=at, beat_at=at, **more)
        db.session.add(run)
        db.session.flush()
        return run.id


def acts(job: str = "keep_house") -> list[str]:
    return [entry.action for entry in trail.of("job", job)]


def key_of(page: Page) -> str:
    return next(form["key"] for form in page.forms if "key" in form)


def states(page: Page) -> dict[str, str]:
    """Title → state, as the table of all jobs shows them."""
    rows = re.findall(r'row-link" href="/admin/jobs/(\w+)".*?class="badge[^>]*>.*?</svg>([^<]+)<', page.html, re.DOTALL)
    return {name: state.strip() for name, state in rows}


def test_every_job_is_shown_with_how_it_stands(app: Flask) -> None:
    run_of("keep_house")
    run_of("settle_acts", ago=timedelta(hours=1))
    run_of("send_mails", "failed", error="The server of mails is away.")
    run_of("erase_persons", "running")
    with transaction():
        values = {"paused_at": clock.now(), "paused_by": "ana@shop.example", "remark": "Looking"}
        db.session.add(JobSetting(job="look_for_alerts", **values))

    page = staff(app, "developer").get("/admin/jobs/")

    found = states(page)
    assert list(found) == list(timetable())
    expected = {"keep_house": "Good", "settle_acts": "Late", "send_mails": "Failed", "erase_persons": "Running"}
    expected |= {"look_for_alerts": "Paused", "read_old_mandates": "Not run yet"}
    assert {name: found[name] for name in expected} == expected
    assert "The server of mails is away." in page.words


def test_two_clicks_on_run_now_are_one_run(app: Flask) -> None:
    ana = staff(app, "developer")
    form = {"key": key_of(ana.get(HOUSE)), **KEPT}

    first, second = ana.post(f"{HOUSE}/run", form), ana.post(f"{HOUSE}/run", form)

    assert first.location == second.location
    [run] = db.session.scalars(select(JobRun)).all()
    assert (run.state, run.asked_by, run.parameters, run.dry) == ("queued", ana.email, KEPT, False)
    assert acts() == ["job.run_asked"]
    waiting = db.session.execute(text("SELECT (args->>'run_id')::int FROM procrastinate_jobs")).scalars().all()
    assert waiting == [run.id]
    with transaction():
        run.state = "good"
    assert ana.post(f"{HOUSE}/run", form).location == first.location


def test_many_who_ask_at_once_start_one_run(committed: Flask) -> None:
    def ask(_: int) -> tuple[int, bool]:
        with committed.app_context():
            return operations.run_now(timetable()["keep_house"], told={}, dry=False, key=uuid4(), actor=DEVELOPER)

    with ThreadPoolExecutor(4) as people:
        answers = list(people.map(ask, range(8)))

    assert sorted(new for _, new in answers) == [False] * 7 + [True]
    assert len({run_id for run_id, _ in answers}) == 1
    assert db.session.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar() == 1


def test_a_trial_is_asked_for_where_the_job_can(app: Flask) -> None:
    ana = staff(app, "developer")
    ana.post(f"{HOUSE}/run", {"key": uuid4(), "dry": "on", **KEPT})

    assert [run.dry for run in db.session.scalars(select(JobRun))] == [True]
    page = ana.post("/admin/jobs/send_mails/run", {"key": uuid4(), "dry": "on"}, expect=400)
    assert "cannot say what it would do" in page.words
    assert len(db.session.scalars(select(JobRun)).all()) == 1


@pytest.mark.parametrize("typed", ["", "0", "-1", "1.5", "soon", "9999999999", "1\0"])
def test_what_a_job_is_told_is_a_number_in_its_bounds(app: Flask, typed: str) -> None:
    ana = staff(app, "developer")

    for act in ("run", "parameters"):
        page = ana.post(f"{HOUSE}/{act}", {"key": uuid4(), **KEPT, "run_days": typed}, expect=400)
        assert "Runs of jobs stay for days: write a whole number from 1 to 3,650." in page.words

    assert db.session.scalars(select(JobRun)).all() == []
    assert acts() == []


def test_what_it_is_told_from_now_on_is_kept_where_it_is_not_the_usual(app: Flask) -> None:
    ana = staff(app, "developer")
    ana.post(f"{HOUSE}/parameters", KEPT | {"run_days": "90"})
    ana.post(f"{HOUSE}/parameters", KEPT | {"run_days": "90"})

    assert db.session.get_one(JobSetting, "keep_house").parameters == {"run_days": 90}
    [entry] = trail.of("job", "keep_house")
    assert (entry.before, entry.after) == (KEPT, KEPT | {"run_days": 90})
    assert 'value="90"' in ana.get(HOUSE).html


def test_a_pause_needs_a_word_and_ends_by_itself_where_it_must(app: Flask) -> None:
    ana = staff(app, "developer")
    settle = "/admin/jobs/settle_refunds"
    page = ana.get(settle)
    assert "It should not stand still for long." in page.words
    assert "Until somebody ends it" not in page.words

    assert "Write a sentence on why." in ana.post(f"{settle}/pause", {"hours": "0.25"}, expect=400).words
    assert "Choose how long." in ana.post(f"{settle}/pause", {"hours": "0.0", "remark": "x"}, expect=400).words
    ana.post(f"{settle}/pause", {"hours": "0.25", "remark": "Stripe is away"})
    assert "paused already" in ana.post(f"{settle}/pause", {"hours": "0.25", "remark": "x"}, expect=409).words

    setting = db.session.get_one(JobSetting, "settle_refunds")
    assert setting.paused_at is not None
    assert setting.paused_until == setting.paused_at + timedelta(minutes=15)
    ana.post(f"{settle}/resume", {"remark": "It is back"})
    assert "It is not paused." in ana.post(f"{settle}/resume", expect=409).words
    assert [(entry.action, entry.reason) for entry in trail.of("job", "settle_refunds")] == [
        ("job.resumed", "It is back"),
        ("job.paused", "Stripe is away"),
    ]


def test_other_times_are_shown_before_they_count(app: Flask) -> None:
    ana = staff(app, "developer")
    page = ana.get(f"{HOUSE}/reschedule?when=daily+at+04:00+Europe/Berlin")
    assert "It would be due daily at 04:00 Europe/Berlin" in page.words
    assert len(re.findall("0[23]:00:00</td>", page.html)) == 5
    assert db.session.scalars(select(JobSetting)).all() == []

    assert "a number from 0 to 59" in ana.get(f"{HOUSE}/reschedule?when=99+*+*+*+*").words
    assert "Write “every 5 minutes”" in ana.post(f"{HOUSE}/reschedule", {"when": "soon"}, expect=400).words
    ana.post(f"{HOUSE}/reschedule", {"when": "daily at 4:00 Europe/Berlin"})
    assert "Daily at 04:00 Europe/Berlin" in ana.get("/admin/jobs/").words
    ana.post(f"{HOUSE}/reschedule", {"when": ""})

    assert db.session.get_one(JobSetting, "keep_house").schedule is None
    assert [entry.after for entry in trail.of("job", "keep_house")] == [
        {"when": "daily at 03:15 UTC"},
        {"when": "daily at 04:00 Europe/Berlin"},
    ]


def test_a_run_shows_what_it_did_and_said_and_goes_on_when_it_failed(app: Flask) -> None:
    run_id = run_of("keep_house", "failed", error="Away", done=7, skipped=2, reasons={"is young": 2}, tries=3)
    with transaction():
        db.session.add(JobRunLine(run_id=run_id, at=clock.now(), level="warning", text="house.slow seconds=9"))
    ana = staff(app, "developer")

    page = ana.get(f"/admin/jobs/runs/{run_id}")
    for words in ("It failed. Away", "Done 7", "Left out 2", "is young 2", "house.slow seconds=9"):
        assert words in page.words
    ana.post(f"/admin/jobs/runs/{run_id}/resume")
    ana.post(f"/admin/jobs/runs/{run_id}/resume")

    run = db.session.get_one(JobRun, run_id, populate_existing=True)
    assert (run.state, run.done, run.asked_by) == ("queued", 7, ana.email)
    assert acts() == ["job.run_resumed"]


def test_who_may_see_jobs_may_not_move_them(app: Flask) -> None:
    support = staff(app, "support")
    support.get("/admin/jobs/", expect=403)
    for act in ("run", "pause", "resume", "parameters", "reschedule"):
        support.post(
            f"{HOUSE}/{act}", {"key": uuid4(), **KEPT, "remark": "x", "hours": "1.0", "when": "every hour"}, expect=403
        )

    assert db.session.scalars(select(JobSetting)).all() == []
    staff(app, "developer").get("/admin/jobs/no_such_job", expect=404)
