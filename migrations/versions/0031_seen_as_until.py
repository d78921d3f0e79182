"""Until when somebody looks through another role."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("staff_sessions", sa.Column("seen_as_until", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_staff_sessions_seen_as_until"),
        "staff_sessions",
        "(seen_as IS NULL) = (seen_as_until IS NULL)",
        postgresql_not_valid=True,
    )
    op.execute("ALTER TABLE staff_sessions VALIDATE CONSTRAINT ck_staff_sessions_seen_as_until")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_staff_sessions_seen_as_until"), "staff_sessions", type_="check")
    op.drop_column("staff_sessions", "seen_as_until")
