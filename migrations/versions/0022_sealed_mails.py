"""Letters that only their receiver may read: their words wait encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Neither rewrites the table: one default is a constant, the other is nothing.
    op.add_column("mails", sa.Column("secret", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("mails", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f("ck_mails_sealed_until_the_end"),
        "mails",
        "sealed IS NULL OR (secret AND state IN ('queued', 'sending'))",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_mails_sealed_until_the_end"), "mails", type_="check")
    op.drop_column("mails", "sealed")
    op.drop_column("mails", "secret")
