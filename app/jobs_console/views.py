"""What runs by itself: how it stands, what it did, and the handles for when it has to be helped."""

from collections.abc import Callable
from uuid import UUID, uuid4

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import clock
from app.audit import trail
from app.audit.sentences import sentence
from app.database import db
from app.errors import BadRequest, DomainError, Unknown
from app.jobs_console import operations
from app.models.job_run import STATES, JobRun, JobRunLine
from app.timetable import schedules
from app.timetable.lines import Line, timetable
from app.timetable.standing import Standing, standings
from app.web import columns
from app.web.admin import StaffView, expose, may
from app.web.filters import ChoiceFilter, DateFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_FEW = 20
# Hours, and how they are called. 0: until somebody ends it, or as long as it may be.
_PAUSES = ((0.25, "15 minutes"), (1.0, "1 hour"), (12.0, "12 hours"), (72.0, "3 days"), (0.0, "Until somebody ends it"))


def took(run: JobRun) -> str | None:
    """`0.4 s`, `3 min 5 s`."""
    if run.seconds is None:
        return None
    minutes, seconds = divmod(run.seconds, 60)
    if not minutes:
        return f"{seconds:.1f} s"
    return f"{int(minutes)} min {int(seconds)} s"


def asked_by(run: JobRun) -> str:
    return run.asked_by or "The clock"


class JobsView(StaffView):
    """/admin/jobs"""

    permission = Permission.JOB_READ
    endpoint = "jobs"
    title = "Jobs"
    group = "Machinery"
    icon = "clock-play"

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """All jobs, in two questions."""
        found = standings(timetable(), clock.now())
        return self.render(
            "jobs_console/list.html", found=found, troubled=[standing for standing in found if standing.is_trouble]
        )

    @expose("/<job>")
    def details(self, job: str) -> ResponseReturnValue:
        """One job."""
        return self._page(_line(job))

    @expose("/<job>/run", methods=("POST",))
    @needs(Permission.JOB_MANAGE)
    def run(self, job: str) -> ResponseReturnValue:
        """Have it run now. However often the button is pressed, one run begins."""
        line, typed = _line(job), request.form
        try:
            key = _key(typed.get("key", ""))
            told = _told(line)
            run_id, new = operations.run_now(line, told=told, dry="dry" in typed, key=key, actor=current_actor())
        except DomainError as refusal:
            return self._page(line, opened="run", error=str(refusal)), refusal.status
        flash("It begins as soon as a worker is free." if new else "This run was asked for already.", "success")
        return redirect(url_for("job_runs.details", key=run_id), 303)

    @expose("/<job>/pause", methods=("POST",))
    @needs(Permission.JOB_MANAGE)
    def pause(self, job: str) -> ResponseReturnValue:
        """Have no due time of it begin."""
        line, typed = _line(job), request.form
        hours = next((hours for hours, _ in pauses(line) if str(hours) == typed.get("hours")), None)

        def act() -> str:
            if hours is None:
                raise BadRequest("Choose how long.")
            until = operations.pause(line, hours=hours, remark=typed.get("remark", ""), actor=current_actor())
            return f"It stands still until {until:%-d %b %Y, %H:%M} UTC." if until else "It stands still."

        return self._act(line, "pause", act)

    @expose("/<job>/resume", methods=("POST",))
    @needs(Permission.JOB_MANAGE)
    def resume(self, job: str) -> ResponseReturnValue:
        """Let it go on."""
        line = _line(job)

        def act() -> str:
            operations.resume(line, remark=request.form.get("remark", ""), actor=current_actor())
            return "It goes on."

        return self._act(line, "resume", act)

    @expose("/<job>/parameters", methods=("POST",))
    @needs(Permission.JOB_MANAGE)
    def parameters(self, job: str) -> ResponseReturnValue:
        """What it is told from now on."""
        line = _line(job)

        def act() -> str:
            operations.tell(line, _told(line), actor=current_actor())
            return "It is kept, from the next run on."

        return self._act(line, "parameters", act)

    @expose("/<job>/reschedule")
    @needs(Permission.JOB_MANAGE)
    def choose_times(self, job: str) -> ResponseReturnValue:
        """What a schedule would mean, before it counts."""
        return self._times(_line(job), request.args.get("when", ""))

    @expose("/<job>/reschedule", methods=("POST",))
    @needs(Permission.JOB_MANAGE)
    def reschedule(self, job: str) -> ResponseReturnValue:
        """Have it due at other times."""
        line, words = _line(job), request.form.get("when", "")
        try:
            when = operations.reschedule(line, words, actor=current_actor())
        except DomainError as refusal:
            return self._times(line, words), refusal.status
        flash(f"From now on it is due {when}.", "success")
        return redirect(url_for(".details", job=line.name), 303)

    def _act(self, line: Line, which: str, act: Callable[[], str]) -> ResponseReturnValue:
        try:
            done = act()
        except DomainError as refusal:
            return self._page(line, opened=which, error=str(refusal)), refusal.status
        flash(done, "success")
        return redirect(url_for(".details", job=line.name), 303)

    def _page(self, line: Line, *, opened: str = "", error: str = "") -> str:
        now = clock.now()
        standing = standings({line.name: line}, now)[0]
        newest = select(JobRun).where(JobRun.job == line.name).order_by(JobRun.id.desc()).limit(_FEW)
        told = {parameter.name: parameter.default for parameter in line.parameters}
        return self.render(
            "jobs_console/job.html",
            line=line,
            standing=standing,
            runs=db.session.scalars(newest).all(),
            coming=schedules.coming(standing.when, now) if standing.state != "paused" else [],
            told=told | (standing.setting.parameters or {} if standing.setting else {}),
            acts=[(act, sentence(act)) for act in trail.of("job", line.name, limit=_FEW)],
            may_manage=may(Permission.JOB_MANAGE),
            pauses=pauses(line),
            asked_by=asked_by,
            key=uuid4(),
            typed=request.form,
            opened=opened,
            error=error,
        )

    def _times(self, line: Line, words: str) -> str:
        when, error = None, ""
        try:
            when = schedules.read(words) if words.strip() else None
        except BadRequest as refusal:
            error = str(refusal)
        standing: Standing = standings({line.name: line}, clock.now())[0]
        return self.render(
            "jobs_console/times.html",
            line=line,
            standing=standing,
            words=words[:200],
            when=when,
            coming=schedules.coming(when, clock.now()) if when else [],
            error=error,
        )


class JobRunsView(ListView[JobRun, JobRun]):
    """/admin/jobs/runs"""

    model = JobRun
    permission = Permission.JOB_READ
    endpoint = "job_runs"
    section_url = "/admin/jobs/runs"
    title = "Runs of jobs"
    lead = "What ran, when, and what came of it."
    in_menu = False
    of_account = False
    noun = ("run", "runs")
    order = "run"
    empty_title = "Nothing has run yet"
    empty_text = "Start `flask jobs start` beside the web server."
    columns = (
        columns.text("job", "Job", lambda run: _title(run.job), priority=1),
        columns.status("state", "State", "job_run", lambda run: run.state),
        columns.instant("due", "Due", lambda run: run.due_at, priority=1),
        columns.number("done", "Done", lambda run: run.done),
        columns.text("took", "Took", took, align="end"),
        columns.text("error", "Remark", lambda run: run.error, priority=3),
        columns.text("by", "Asked by", asked_by, priority=3),
        columns.number("run", "Run", lambda run: run.id, sort=JobRun.id, priority=3),
    )
    filters = (
        ChoiceFilter(
            name="job",
            label="Job",
            options=lambda: [(name, line.title) for name, line in timetable().items()],
            match=equals(JobRun.job),
        ),
        ChoiceFilter(
            name="state",
            label="State",
            options=tuple((state, state.capitalize()) for state in STATES),
            match=equals(JobRun.state),
        ),
        DateFilter(name="due", label="Due", column=JobRun.due_at),
    )

    def line_url(self, line: JobRun) -> str | None:
        return url_for("job_runs.details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One run: how far it is, what it said, and why it left something out."""
        run = find(JobRun, key, what="run", of_account=False)
        said = select(JobRunLine).where(JobRunLine.run_id == run.id).order_by(JobRunLine.id)
        return self.render(
            "jobs_console/run.html",
            run=run,
            line=timetable().get(run.job),
            title=_title(run.job),
            lines=db.session.scalars(said).all(),
            took=took(run),
            asked_by=asked_by(run),
            may_resume=may(Permission.JOB_MANAGE) and run.state in {"failed", "stopped"} and run.job in timetable(),
        )

    @expose("/<key>/resume", methods=("POST",))
    @needs(Permission.JOB_MANAGE)
    def resume(self, key: str) -> ResponseReturnValue:
        """Go on with it."""
        run = find(JobRun, key, what="run", of_account=False)
        try:
            operations.take_up(run.id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("It goes on as soon as a worker is free.", "success")
        return redirect(url_for(".details", key=run.id), 303)


def pauses(line: Line) -> list[tuple[float, str]]:
    """How long this job may be paused; for one that must not stand still, nothing is longer than it may."""
    longest = line.longest_pause.total_seconds() / 3_600 if line.longest_pause else None
    return [(hours, words) for hours, words in _PAUSES if longest is None or 0 < hours <= longest]


def _line(name: str) -> Line:
    found = timetable().get(name)
    if found is None:
        raise Unknown("There is no job of this name.")
    return found


def _title(job: str) -> str:
    line = timetable().get(job)
    return line.title if line else job.replace("_", " ").capitalize()


def _told(line: Line) -> dict[str, int]:
    return {parameter.name: parameter.read(request.form.get(parameter.name, "")) for parameter in line.parameters}


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest("This form is damaged. Open the page again.") from error
