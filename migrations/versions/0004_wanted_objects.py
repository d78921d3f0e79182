"""A list of objects that we heard of and have not seen."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wanted_objects",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_wanted_objects_account_id")),
        sa.PrimaryKeyConstraint("account_id", "kind", "id", name=op.f("pk_wanted_objects")),
    )
    op.create_index(op.f("ix_wanted_objects_next_try_at"), "wanted_objects", ["next_try_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_wanted_objects_next_try_at"), table_name="wanted_objects")
    op.drop_table("wanted_objects")
