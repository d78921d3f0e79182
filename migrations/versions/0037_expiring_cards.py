"""Cards that end soon: when, who was asked for a new one, and who does not want to be asked."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# Two clicks at once, a batch and a click: one letter. A card is the same card where it was saved twice.
PAUSE = """
CREATE FUNCTION card_is_asked_about_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('card_update_links ' || NEW.customer_id, 7266304));
    IF EXISTS (
        SELECT FROM card_update_links
         WHERE account_id = NEW.account_id AND customer_id = NEW.customer_id AND asked_at > NEW.asked_at - interval '14 days'
           AND (payment_method_id = NEW.payment_method_id OR fingerprint = NEW.fingerprint)
    ) THEN
        RAISE EXCEPTION 'card % was asked about less than 14 days ago', NEW.payment_method_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'card_is_asked_about_once';
    END IF;
    RETURN NEW;
END
$$
"""

BATCH = 1_000
LAST_OF_BATCH = sa.text(
    "SELECT max(id) FROM (SELECT id FROM payment_methods WHERE id > :after ORDER BY id LIMIT :batch) batch"
)
# The start of the next month; the years of both are in UTC whatever the session's zone is.
ENDS = sa.text("""
UPDATE payment_methods
   SET expires_at = (make_timestamp(exp_year, exp_month, 1, 0, 0, 0) + interval '1 month') AT TIME ZONE 'UTC'
 WHERE id > :after AND id <= :last AND expires_at IS NULL AND exp_month BETWEEN 1 AND 12 AND exp_year BETWEEN 1970 AND 9000
""")


def upgrade() -> None:
    # First, and each by itself: cards are saved meanwhile, and what was stopped halfway is begun again.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE payment_methods ADD COLUMN IF NOT EXISTS expires_at timestamptz")
        _write_ends()
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_payment_methods_ending ON payment_methods (account_id, expires_at, id) "
            "WHERE expires_at IS NOT NULL AND customer_id IS NOT NULL"
        )
    op.create_table(
        "card_update_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("payment_method_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("card_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_card_update_links_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_update_links")),
    )
    op.create_index("uq_card_update_links_token_hash", "card_update_links", ["token_hash"], unique=True)
    op.create_index(
        op.f("ix_card_update_links_account_id_asked_at_id"), "card_update_links", ["account_id", "asked_at", "id"]
    )
    op.create_index(
        op.f("ix_card_update_links_payment_method_id_asked_at"), "card_update_links", ["payment_method_id", "asked_at"]
    )
    op.create_index(op.f("ix_card_update_links_customer_id_asked_at"), "card_update_links", ["customer_id", "asked_at"])
    op.create_table(
        "mail_opt_outs",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_mail_opt_outs_account_id")),
        sa.PrimaryKeyConstraint("account_id", "customer_id", "kind", name=op.f("pk_mail_opt_outs")),
    )
    op.execute(PAUSE)
    op.execute(
        "CREATE TRIGGER card_is_asked_about_once BEFORE INSERT ON card_update_links FOR EACH ROW "
        "EXECUTE FUNCTION card_is_asked_about_once()"
    )


def _write_ends() -> None:
    """When the cards end that are here, batch by batch, so that nobody waits long for one."""
    after = ""
    while last := op.get_bind().execute(LAST_OF_BATCH, {"after": after, "batch": BATCH}).scalar():
        op.get_bind().execute(ENDS, {"after": after, "last": last})
        after = last


def downgrade() -> None:
    op.drop_table("mail_opt_outs")
    op.drop_table("card_update_links")
    op.execute("DROP FUNCTION card_is_asked_about_once")
    op.drop_index("ix_payment_methods_ending", table_name="payment_methods")
    op.drop_column("payment_methods", "expires_at")
