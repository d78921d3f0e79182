"""Whose data a key opens, who answers for it, how fast it may ask, and from where it was last used.

Nothing made keys before, so the table is empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("account_id", sa.Integer(), nullable=False))
    op.add_column("api_keys", sa.Column("owner_id", sa.UUID(), nullable=False))
    op.add_column("api_keys", sa.Column("per_minute", sa.Integer(), server_default=sa.text("600"), nullable=False))
    op.add_column("api_keys", sa.Column("last_used_ip", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_api_keys_account_id"), "api_keys", "accounts", ["account_id"], ["id"])
    op.create_foreign_key(op.f("fk_api_keys_owner_id"), "api_keys", "staff", ["owner_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_api_keys_replaced_ends"), "api_keys", "replaced_by_id IS NULL OR expires_at IS NOT NULL"
    )
    op.create_check_constraint(op.f("ck_api_keys_per_minute"), "api_keys", "per_minute BETWEEN 1 AND 6000")
    op.create_index(op.f("ix_api_keys_owner_id"), "api_keys", ["owner_id"])
    op.create_index(op.f("ix_api_keys_account_id_created_at_id"), "api_keys", ["account_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_api_keys_account_id_created_at_id"), table_name="api_keys")
    op.drop_index(op.f("ix_api_keys_owner_id"), table_name="api_keys")
    for check in ("per_minute", "replaced_ends"):
        op.drop_constraint(op.f(f"ck_api_keys_{check}"), "api_keys", type_="check")
    for column in ("last_used_ip", "per_minute", "owner_id", "account_id"):
        op.drop_column("api_keys", column)
