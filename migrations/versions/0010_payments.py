"""Reviews and early fraud warnings; when a hold on a card ends; the payments that were blocked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("charges", sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True))
    # Its values, and the indexes of tables that are written all day: "beside the traffic", further on.
    op.create_table(
        "reviews",
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("opened_reason", sa.Text(), nullable=True),
        sa.Column("closed_reason", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        *_mirrored("reviews"),
    )
    _listed("reviews")
    op.create_index(
        "ix_reviews_open",
        "reviews",
        ["account_id", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("open"),
    )
    op.create_index(op.f("ix_reviews_charge_id"), "reviews", ["charge_id"], unique=False)
    op.create_table(
        "early_fraud_warnings",
        sa.Column("actionable", sa.Boolean(), nullable=False),
        sa.Column("fraud_type", sa.Text(), nullable=True),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        *_mirrored("early_fraud_warnings"),
    )
    _listed("early_fraud_warnings")
    op.create_index(op.f("ix_early_fraud_warnings_charge_id"), "early_fraud_warnings", ["charge_id"], unique=False)
    op.create_index(
        op.f("ix_early_fraud_warnings_account_id_actionable_created_at"),
        "early_fraud_warnings",
        ["account_id", "actionable", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("early_fraud_warnings")
    op.drop_table("reviews")
    op.drop_column("charges", "capture_before")


def _mirrored(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("metadata", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=f"fk_{table}_account_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    ]


def _listed(table: str) -> None:
    op.create_index(f"ix_{table}_account_id_created_at_id", table, ["account_id", "created_at", "id"], unique=False)
