"""What old letters said goes after a while; that they were written stays."""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # May be run again from any point: the index is built beside the traffic, outside of a transaction.
    op.execute("ALTER TABLE mails ADD COLUMN IF NOT EXISTS words_gone_at timestamptz")
    with op.get_context().autocommit_block():
        op.execute("""
            CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_mails_with_words ON mails (queued_at)
            WHERE words_gone_at IS NULL AND state NOT IN ('queued', 'sending')""")


def downgrade() -> None:
    op.drop_index("ix_mails_with_words", table_name="mails")
    op.drop_column("mails", "words_gone_at")
