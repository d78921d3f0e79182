"""Acts are found by what they are about and by who asked."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_acts_account_id_object_id"), "acts", ["account_id", "object_id"])
    op.create_index(
        op.f("ix_acts_account_id_requested_by_requested_at"), "acts", ["account_id", "requested_by", "requested_at"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_acts_account_id_requested_by_requested_at"), table_name="acts")
    op.drop_index(op.f("ix_acts_account_id_object_id"), table_name="acts")
