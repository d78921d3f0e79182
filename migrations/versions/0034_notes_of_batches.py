"""Batches of refunds may write credit notes, as single refunds do; and notes are found by number."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A constant default: the table is not rewritten.
    op.create_index(op.f("ix_credit_notes_account_id_number"), "credit_notes", ["account_id", "number"])
    op.add_column(
        "refund_batches", sa.Column("credit_notes", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("refund_batches", "credit_notes")
    op.drop_index(op.f("ix_credit_notes_account_id_number"), table_name="credit_notes")
