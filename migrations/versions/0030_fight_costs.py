"""What answering a dispute costs, as an account reckons it."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fight_costs",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("counter_fee", sa.BigInteger(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("minutes BETWEEN 0 AND 1000", name=op.f("ck_fight_costs_minutes")),
        sa.CheckConstraint("minute >= 0 AND counter_fee >= 0", name=op.f("ck_fight_costs_amounts")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_fight_costs_account_id")),
        sa.PrimaryKeyConstraint("account_id", "currency", name=op.f("pk_fight_costs")),
    )


def downgrade() -> None:
    op.drop_table("fight_costs")
