"""One due time of one job: enqueued once, whatever the number of clocks."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

STATES = ("queued", "running", "good", "failed")


class JobRun(Base):
    """A run of a job. state: queued, running, good, failed. `done` counts what it did, as the job returned it."""

    __tablename__ = "job_runs"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        UniqueConstraint("job", "due_at"),
        Index(None, "job", "id"),
        Index(None, "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job: Mapped[str]
    due_at: Mapped[datetime]
    state: Mapped[str]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    done: Mapped[int | None]
    error: Mapped[str | None]
