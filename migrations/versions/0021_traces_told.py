"""Whether the customer was told the trace number of a refund. Those that are there by now count as told."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("refunds", sa.Column("trace_told_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE refunds SET trace_told_at = now() WHERE trace_reference IS NOT NULL AND requested_by IS NOT NULL"
    )
    op.create_index(
        "ix_refunds_trace_untold",
        "refunds",
        ["requested_at"],
        postgresql_where=sa.text("trace_reference IS NOT NULL AND trace_told_at IS NULL AND requested_by IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_refunds_trace_untold", table_name="refunds")
    op.drop_column("refunds", "trace_told_at")
