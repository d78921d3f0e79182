"""Indexes for what is rare among payments: a reason why the bank said no, a country."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_charges_declined",
        "charges",
        ["account_id", sa.text("coalesce(decline_code, failure_code)"), "created_at", "id"],
        postgresql_where=sa.text("coalesce(decline_code, failure_code) IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_charges_account_id_country_created_at_id"),
        "charges",
        ["account_id", "country", "created_at", "id"],
        postgresql_where=sa.text("country IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_charges_account_id_country_created_at_id"), table_name="charges")
    op.drop_index("ix_charges_declined", table_name="charges")
