"""Notes, tags and fields of the shop's own; customers who are one person; whose event it is."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Gmail alone is known to ignore dots and what follows a plus.
EMAIL_KEY = r"""
CREATE FUNCTION email_key(address text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN lower(btrim(address)) ~ '^[^@]+@(gmail|googlemail)\.com$'
        THEN replace(split_part(split_part(lower(btrim(address)), '@', 1), '+', 1), '.', '') || '@gmail.com'
        ELSE lower(btrim(address)) END
$$
"""


def upgrade() -> None:
    op.execute(EMAIL_KEY)
    op.create_table(
        "notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("note_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(words) BETWEEN 1 AND 10000", name=op.f("ck_notes_words_fit")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notes_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
        sa.UniqueConstraint("note_id", "version", name=op.f("uq_notes_note_id_version")),
    )
    op.create_index(
        "uq_notes_current", "notes", ["note_id"], unique=True, postgresql_where=sa.text("replaced_at IS NULL")
    )
    op.create_index(
        op.f("ix_notes_account_id_subject_type_subject_id_written_at"),
        "notes",
        ["account_id", "subject_type", "subject_id", "written_at"],
    )
    op.create_table(
        "tags",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("tag ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name=op.f("ck_tags_tag")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_tags_account_id")),
        sa.PrimaryKeyConstraint("account_id", "subject_type", "subject_id", "tag", name=op.f("pk_tags")),
    )
    op.create_index(
        op.f("ix_tags_account_id_subject_type_tag_subject_id"),
        "tags",
        ["account_id", "subject_type", "tag", "subject_id"],
    )
    op.create_table(
        "custom_values",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name=op.f("ck_custom_values_name")),
        sa.CheckConstraint("length(value) BETWEEN 1 AND 500", name=op.f("ck_custom_values_value_fits")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_custom_values_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_values")),
    )
    op.create_index(
        "uq_custom_values_current",
        "custom_values",
        ["account_id", "subject_type", "subject_id", "name"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )
    op.create_index(
        op.f("ix_custom_values_account_id_subject_type_subject_id_set_at"),
        "custom_values",
        ["account_id", "subject_type", "subject_id", "set_at"],
    )
    op.create_table(
        "customer_links",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("one", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint('one COLLATE "C" < other COLLATE "C"', name=op.f("ck_customer_links_in_order")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_customer_links_account_id")),
        sa.PrimaryKeyConstraint("account_id", "one", "other", name=op.f("pk_customer_links")),
    )
    op.create_index(op.f("ix_customer_links_account_id_other"), "customer_links", ["account_id", "other"])
    # The indexes of tables that are written all day: "beside the traffic", further on.
    op.add_column("webhook_events", sa.Column("customer_id", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhook_events", "customer_id")
    for table in ("customer_links", "custom_values", "tags", "notes"):
        op.drop_table(table)
    op.execute("DROP FUNCTION email_key(text)")
