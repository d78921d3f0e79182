"""How far a backfill has come, so that a kill costs at most one page."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class SyncWindow(Base):
    """One stretch of one kind within one backfill: objects created in [`from_at`, `until_at`), read newest first.

    `after_id` is the last id kept; the next page starts after it. `finished_at` is set in the transaction of the last page.
    A row per (run, kind, window): a run that was killed goes on where it stopped.
    """

    __tablename__ = "sync_windows"
    __table_args__ = (UniqueConstraint("run_id", "kind", "from_at", "until_at"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("sync_runs.id"))
    kind: Mapped[str]
    from_at: Mapped[datetime | None]
    until_at: Mapped[datetime | None]
    after_id: Mapped[str | None]
    objects: Mapped[int] = mapped_column(BigInteger, server_default="0")
    finished_at: Mapped[datetime | None]


class SyncRun(Base):
    """One backfill of one account, from its start to its end. `error` says why it stopped early; such a run is not a success.

    `started_at` is an instant of Stripe's clock, `began_at` the same moment of ours.
    """

    __tablename__ = "sync_runs"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    started_at: Mapped[datetime]
    began_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    since_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None]
