"""Runs of jobs say how they go and who wanted them; staff can pause, move and tell jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

NEW = ("queued", "running", "good", "failed", "stopped")
OLD = NEW[:-1]


def upgrade() -> None:
    for column in (
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("beat_at", sa.DateTime(timezone=True)),
        sa.Column("skipped", sa.Integer),
        sa.Column("failed", sa.Integer),
        sa.Column("reasons", JSONB),
        sa.Column("parameters", JSONB),
        sa.Column("dry", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("asked_by", sa.Text),
        sa.Column("asked_key", sa.Uuid),
    ):
        op.add_column("job_runs", column)
    _states(NEW)
    op.create_unique_constraint("uq_job_runs_asked_key", "job_runs", ["asked_key"])
    waiting = sa.text("asked_by IS NOT NULL AND state IN ('queued', 'running', 'stopped')")
    op.create_index("uq_job_runs_asked", "job_runs", ["job"], unique=True, postgresql_where=waiting)
    op.create_table(
        "job_run_lines",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("run_id", sa.BigInteger, sa.ForeignKey("job_runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("ix_job_run_lines_run_id_id", "job_run_lines", ["run_id", "id"])
    op.create_table(
        "job_settings",
        sa.Column("job", sa.Text, primary_key=True),
        sa.Column("paused_at", sa.DateTime(timezone=True)),
        sa.Column("paused_until", sa.DateTime(timezone=True)),
        sa.Column("paused_by", sa.Text),
        sa.Column("remark", sa.Text),
        sa.Column("resumed_at", sa.DateTime(timezone=True)),
        sa.Column("schedule", sa.Text),
        sa.Column("rescheduled_at", sa.DateTime(timezone=True)),
        sa.Column("parameters", JSONB),
        sa.CheckConstraint(
            "paused_at IS NULL OR (paused_by IS NOT NULL AND remark IS NOT NULL)", name="pause_is_signed"
        ),
    )
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_job_runs_begun ON job_runs (job, id) "
            "WHERE started_at IS NOT NULL AND NOT dry"
        )


def downgrade() -> None:
    op.drop_index("ix_job_runs_begun", "job_runs")
    op.drop_table("job_settings")
    op.drop_table("job_run_lines")
    op.drop_index("uq_job_runs_asked", "job_runs")
    op.drop_constraint("uq_job_runs_asked_key", "job_runs")
    op.execute("UPDATE job_runs SET state = 'failed' WHERE state = 'stopped'")
    _states(OLD)
    for name in ("asked_key", "asked_by", "dry", "parameters", "reasons", "failed", "skipped", "beat_at", "tries"):
        op.drop_column("job_runs", name)


def _states(names: tuple[str, ...]) -> None:
    """The rows keep the narrower rule, so they need not be looked at again."""
    op.drop_constraint(op.f("ck_job_runs_state"), "job_runs")
    op.execute(f"ALTER TABLE job_runs ADD CONSTRAINT ck_job_runs_state CHECK (state IN {names}) NOT VALID")
    op.execute("ALTER TABLE job_runs VALIDATE CONSTRAINT ck_job_runs_state")
