"""Payments of guests are found by the address they name."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_charges_guest_receipt": 'account_id, lower(receipt_email) COLLATE "C"',
    "ix_charges_guest_billing": "account_id, lower(billing_details ->> 'email') COLLATE \"C\"",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.execute(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON charges ({columns}) WHERE customer_id IS NULL"
            )


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="charges")
