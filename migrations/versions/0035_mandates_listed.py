"""What the list of mandates sorts and finds by, why a bank ended one, and the payments made under one."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # First, and by itself: payments come in meanwhile, and what was stopped halfway is begun again.
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_charges_mandate ON charges (mandate_id, created_at) "
            "WHERE mandate_id IS NOT NULL"
        )
    op.add_column("mandates", sa.Column("revocation_reason", sa.Text(), nullable=True))
    op.create_index(op.f("ix_mandates_account_id_accepted_at_id"), "mandates", ["account_id", "accepted_at", "id"])
    op.create_index(op.f("ix_mandates_account_id_reference"), "mandates", ["account_id", "reference"])


def downgrade() -> None:
    op.drop_index("ix_charges_mandate", table_name="charges")
    op.drop_index(op.f("ix_mandates_account_id_reference"), table_name="mandates")
    op.drop_index(op.f("ix_mandates_account_id_accepted_at_id"), table_name="mandates")
    op.drop_column("mandates", "revocation_reason")
