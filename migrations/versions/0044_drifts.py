"""Differences to Stripe are kept until somebody healed them, and so is how each day adds up."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drifts",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("local", sa.Text),
        sa.Column("remote", sa.Text),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("healed_at", sa.DateTime(timezone=True)),
        sa.Column("healed_by", sa.Text),
        sa.CheckConstraint("(healed_at IS NULL) = (healed_by IS NULL)", name="healed_by_somebody"),
    )
    still_open = sa.text("healed_at IS NULL")
    of_field = ["account_id", "kind", "object_id", "field"]
    op.create_index("uq_drifts_open", "drifts", of_field, unique=True, postgresql_where=still_open)
    op.create_index("ix_drifts_account_id_found_at_id", "drifts", ["account_id", "found_at", "id"])
    op.create_index("ix_drifts_object_id", "drifts", ["object_id"])
    op.create_table(
        "day_sums",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("account_id", sa.Integer, sa.ForeignKey("accounts.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("count_here", sa.BigInteger, nullable=False),
        sa.Column("count_there", sa.BigInteger, nullable=False),
        sa.Column("amount_here", sa.BigInteger, nullable=False),
        sa.Column("amount_there", sa.BigInteger, nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("account_id", "kind", "day", "currency", name="uq_day_sums_account_id_kind_day_currency"),
    )
    op.create_index("ix_day_sums_account_id_day_id", "day_sums", ["account_id", "day", "id"])


def downgrade() -> None:
    op.drop_table("day_sums")
    op.drop_table("drifts")
