"""What the shop's block lists at Stripe hold."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "block_list_items",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Text(), nullable=False),
        sa.Column("item_type", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_block_list_items_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_list_items")),
    )
    op.create_index(
        op.f("ix_block_list_items_account_id_created_at_id"),
        "block_list_items",
        ["account_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_block_list_items_account_id_value"), "block_list_items", ["account_id", "value"], unique=False
    )


def downgrade() -> None:
    op.drop_table("block_list_items")
