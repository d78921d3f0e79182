"""A draft that nobody sent is submitted by itself, where an account wishes it."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "last_chances",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("fields_needed", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fields_needed BETWEEN 1 AND 20", name=op.f("ck_last_chances_fields_needed")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_last_chances_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_last_chances")),
    )
    op.create_table(
        "disputes_left_alone",
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("left_by", sa.Text(), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_disputes_left_alone_account_id")),
        sa.PrimaryKeyConstraint("dispute_id", name=op.f("pk_disputes_left_alone")),
    )


def downgrade() -> None:
    op.drop_table("disputes_left_alone")
    op.drop_table("last_chances")
