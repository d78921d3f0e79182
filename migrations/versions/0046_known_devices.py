"""From which browsers and networks people came in before; and who asked for a link, until a job looks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

BEFORE = "kind IN ('second_factor', 'passkey', 'new_passkey', 'sso')"
NOW = "kind IN ('second_factor', 'passkey', 'new_passkey', 'sso', 'forgot')"


def upgrade() -> None:
    _kinds(NOW)
    op.create_table(
        "known_devices",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("network", postgresql.CIDR(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_known_devices_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_known_devices")),
    )
    op.create_index(
        "uq_known_devices_place",
        "known_devices",
        ["staff_id", "token_hash", "network"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_index(op.f("ix_known_devices_last_used_at"), "known_devices", ["last_used_at"])


def downgrade() -> None:
    op.drop_table("known_devices")
    op.execute("DELETE FROM sign_in_steps WHERE kind = 'forgot'")
    _kinds(BEFORE)


def _kinds(allowed: str) -> None:
    op.drop_constraint(op.f("ck_sign_in_steps_kind"), "sign_in_steps", type_="check")
    op.create_check_constraint(op.f("ck_sign_in_steps_kind"), "sign_in_steps", allowed)
