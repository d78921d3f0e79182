"""Evidence against disputes: what people wrote, their files, and what went to the bank."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dispute_drafts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_aside", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_autosaved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("product_type", sa.Text(), nullable=True),
        sa.Column("texts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("enhanced", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("appeal", sa.Text(), nullable=True),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act_id", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_dispute_drafts_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_drafts")),
    )
    op.create_index(
        "uq_dispute_drafts_number",
        "dispute_drafts",
        ["dispute_id", "number"],
        unique=True,
        postgresql_where=sa.text("NOT is_aside"),
    )
    op.create_index(op.f("ix_dispute_drafts_dispute_id_id"), "dispute_drafts", ["dispute_id", "id"])
    op.create_table(
        "dispute_files",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("stripe_id", sa.Text(), nullable=True),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_dispute_files_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_files")),
    )
    op.create_index(
        "uq_dispute_files_field",
        "dispute_files",
        ["dispute_id", "field"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "dispute_submissions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("dispute_id", sa.Text(), nullable=False),
        sa.Column("round", sa.Text(), nullable=False),
        sa.Column("act_id", sa.UUID(), nullable=False),
        sa.Column("draft_number", sa.Integer(), nullable=False),
        sa.Column("submitted_by", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_dispute_submissions_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_submissions")),
        sa.UniqueConstraint("dispute_id", "round", name=op.f("uq_dispute_submissions_dispute_id_round")),
    )
    op.create_table(
        "evidence_policies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('refund', 'cancellation', 'product')", name=op.f("ck_evidence_policies_kind")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_evidence_policies_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_policies")),
        sa.UniqueConstraint("account_id", "kind", name=op.f("uq_evidence_policies_account_id_kind")),
    )
    op.create_index(op.f("ix_disputes_account_id_due_at_id"), "disputes", ["account_id", "due_at", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_disputes_account_id_due_at_id"), "disputes")
    op.drop_table("evidence_policies")
    op.drop_table("dispute_submissions")
    op.drop_table("dispute_files")
    op.drop_table("dispute_drafts")
