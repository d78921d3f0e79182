"""An outbox: letters are promised in our transactions and sent by a job."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), server_default=sa.text("'en'"), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("about_type", sa.Text(), nullable=True),
        sa.Column("about_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("dedup_key", sa.Text(), nullable=True),
        sa.Column("again_of_id", sa.UUID(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("doubts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed', 'kept', 'canceled')", name=op.f("ck_mails_state")
        ),
        sa.CheckConstraint("state <> 'sending' OR asked_at IS NOT NULL", name=op.f("ck_mails_sending_since")),
        sa.CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name=op.f("ck_mails_sent_has_time")),
        sa.CheckConstraint(
            "recipient !~ '[[:cntrl:][:space:]]' AND position('@' in recipient) > 1", name=op.f("ck_mails_recipient")
        ),
        sa.CheckConstraint("subject !~ '[[:cntrl:]]'", name=op.f("ck_mails_subject")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_mails_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("uq_mails_promise", "mails", ["account_id", "dedup_key"], unique=True)
    op.create_index("ix_mails_due", "mails", ["not_before"], postgresql_where=sa.text("state IN ('queued', 'sending')"))
    op.create_index(op.f("ix_mails_account_id_queued_at_id"), "mails", ["account_id", "queued_at", "id"])
    op.create_index(op.f("ix_mails_account_id_about_id"), "mails", ["account_id", "about_id"])
    op.create_index(
        op.f("ix_mails_account_id_customer_id_queued_at"), "mails", ["account_id", "customer_id", "queued_at"]
    )
    op.create_index("ix_mails_recipient", "mails", ["account_id", sa.text("lower(recipient)")])
    op.create_table(
        "mail_attachments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("mail_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "name !~ '[[:cntrl:]]' AND length(name) BETWEEN 1 AND 200", name=op.f("ck_mail_attachments_name")
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mails.id"], name=op.f("fk_mail_attachments_mail_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_attachments")),
    )
    op.create_index(op.f("ix_mail_attachments_mail_id_id"), "mail_attachments", ["mail_id", "id"])


def downgrade() -> None:
    op.drop_table("mail_attachments")
    op.drop_table("mails")
