"""Ways to look at a list that somebody kept, and what a list opens with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("shared_with", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "char_length(name) BETWEEN 1 AND 80 AND name = btrim(name)", name=op.f("ck_saved_views_name")
        ),
        sa.CheckConstraint(
            "shared_with <@ ARRAY['admin', 'finance', 'support_lead', 'support', 'dispute_analyst', 'developer', "
            "'auditor', 'view_only']",
            name=op.f("ck_saved_views_shared_with"),
        ),
        sa.CheckConstraint(
            "jsonb_typeof(asked) = 'object' AND octet_length(asked::text) <= 20000", name=op.f("ck_saved_views_asked")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_saved_views_account_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["staff.id"], name=op.f("fk_saved_views_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    op.create_index(
        "uq_saved_views_name",
        "saved_views",
        ["account_id", "list_name", "owner_id", sa.text("lower(name)")],
        unique=True,
    )
    op.create_index(op.f("ix_saved_views_account_id_created_at_id"), "saved_views", ["account_id", "created_at", "id"])
    op.create_table(
        "saved_view_defaults",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("list_name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("view_id", sa.UUID(), nullable=False),
        sa.CheckConstraint(
            "holder ~ '^(role:[a-z_]+|staff:[0-9a-f-]{36})$'", name=op.f("ck_saved_view_defaults_holder")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_saved_view_defaults_account_id")),
        sa.ForeignKeyConstraint(
            ["view_id"], ["saved_views.id"], name=op.f("fk_saved_view_defaults_view_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "list_name", "holder", name=op.f("pk_saved_view_defaults")),
    )
    op.create_index(op.f("ix_saved_view_defaults_view_id"), "saved_view_defaults", ["view_id"])


def downgrade() -> None:
    op.drop_table("saved_view_defaults")
    op.drop_table("saved_views")
