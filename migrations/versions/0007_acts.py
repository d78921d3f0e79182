"""What we ask Stripe to change beside refunds, promised before it is asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lock", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("form", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result_id", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('requested', 'done', 'refused', 'withdrawn')", name=op.f("ck_acts_status")),
        sa.CheckConstraint("method IN ('POST', 'DELETE')", name=op.f("ck_acts_method")),
        sa.CheckConstraint("status = 'requested' OR asked_at IS NULL", name=op.f("ck_acts_asked_while_requested")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_acts_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
    )
    waiting = sa.text("status = 'requested'")
    op.create_index("uq_acts_one_in_flight", "acts", ["account_id", "lock"], unique=True, postgresql_where=waiting)
    op.create_index("ix_acts_waiting", "acts", ["requested_at"], postgresql_where=waiting)
    op.create_index(
        op.f("ix_acts_object_type_object_id_requested_at"), "acts", ["object_type", "object_id", "requested_at"]
    )
    op.create_index(op.f("ix_acts_account_id_requested_at_id"), "acts", ["account_id", "requested_at", "id"])


def downgrade() -> None:
    op.drop_table("acts")
