"""One due time of one job, or one wish of a person: queued once, whatever the number of clocks and clicks."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

STATES = ("queued", "running", "good", "failed", "stopped")


class JobRun(Base):
    """A run of a job. state: queued, running, good, failed, stopped (its process was ended in order; it is taken up again).

    `done`, `skipped`, `failed` count what it did, by its own words; reasons: why, each with how many.
    tries: how often somebody began it; what a process writes counts only for the try it began. beat_at: its last sign of life.
    asked_by: who wanted it, None for the clock; asked_key: which form they sent. dry: it only says what it would do.
    """

    __tablename__ = "job_runs"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        UniqueConstraint("job", "due_at"),
        UniqueConstraint("asked_key"),
        Index(None, "job", "id"),
        Index(None, "state", "due_at"),
        # By it the newest run of each job is found, which everybody may ask for.
        Index("ix_job_runs_begun", "job", "id", postgresql_where=sql("started_at IS NOT NULL AND NOT dry")),
        # However often somebody clicks, and whoever: one wish for a job at a time.
        Index(
            "uq_job_runs_asked",
            "job",
            unique=True,
            postgresql_where=sql("asked_by IS NOT NULL AND state IN ('queued', 'running', 'stopped')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job: Mapped[str]
    due_at: Mapped[datetime]
    state: Mapped[str]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    done: Mapped[int | None]
    error: Mapped[str | None]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    beat_at: Mapped[datetime | None]
    skipped: Mapped[int | None]
    failed: Mapped[int | None]
    reasons: Mapped[dict[str, Any] | None]
    parameters: Mapped[dict[str, Any] | None]
    dry: Mapped[bool] = mapped_column(default=False, server_default=sql("false"))
    asked_by: Mapped[str | None]
    asked_key: Mapped[UUID | None]

    @property
    def seconds(self) -> float | None:
        """How long it took; None before its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())


class JobRunLine(Base):
    """One line of what a run logged."""

    __tablename__ = "job_run_lines"
    __table_args__ = (Index(None, "run_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("job_runs.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    level: Mapped[str]
    text: Mapped[str]


class JobSetting(Base):
    """What staff changed about a job. schedule: as `schedules.read` takes it; due times up to rescheduled_at are nobody's.

    paused_until: a pause ends by itself then. parameters: values other than the usual.
    """

    __tablename__ = "job_settings"
    __table_args__ = (
        CheckConstraint("paused_at IS NULL OR (paused_by IS NOT NULL AND remark IS NOT NULL)", name="pause_is_signed"),
    )

    job: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]
    paused_by: Mapped[str | None]
    remark: Mapped[str | None]
    resumed_at: Mapped[datetime | None]
    schedule: Mapped[str | None]
    rescheduled_at: Mapped[datetime | None]
    parameters: Mapped[dict[str, Any] | None]

    def is_paused(self, now: datetime) -> bool:
        return self.paused_at is not None and (self.paused_until is None or self.paused_until > now)
