"""Notices before debits, and the rules that say how long before."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_SCHEMES = "scheme IN ('sepa_debit', 'bacs_debit')"


def upgrade() -> None:
    # First, and by itself: invoices come in meanwhile, and what was stopped halfway is begun again.
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_invoices_collected ON invoices (account_id, next_payment_attempt_at, id) "
            "WHERE next_payment_attempt_at IS NOT NULL AND status IN ('draft', 'open')"
        )
    op.create_table(
        "debit_notice_rules",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("blocks", sa.Boolean(), nullable=False),
        sa.Column("stripe_sends", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_SCHEMES, name=op.f("ck_debit_notice_rules_scheme")),
        sa.CheckConstraint("days BETWEEN 1 AND 30", name=op.f("ck_debit_notice_rules_days")),
        sa.CheckConstraint("source <> ''", name=op.f("ck_debit_notice_rules_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_notice_rules")),
    )
    op.create_index(
        op.f("ix_debit_notice_rules_scheme_valid_from_id"), "debit_notice_rules", ["scheme", "valid_from", "id"]
    )
    op.execute(
        "INSERT INTO debit_notice_rules (scheme, valid_from, days, blocks, stripe_sends, source, set_by, set_at) VALUES "
        "('sepa_debit', '2020-01-01', 2, true, true, 'Stripe''s SEPA mandate text: two days. The scheme''s own default is 14 "
        "calendar days, where nothing shorter was agreed (EPC SDD Core rulebook).', 'Counterfoil', now()), "
        "('bacs_debit', '2020-01-01', 2, true, true, 'docs.stripe.com/payments/bacs-debit/email-customization: two days before "
        "each payment.', 'Counterfoil', now())"
    )
    op.create_table(
        "debit_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("about_type", sa.Text(), nullable=False),
        sa.Column("about_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("payment_method_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("debit_on", sa.Date(), nullable=False),
        sa.Column("told_on", sa.Date(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("noted_by", sa.Text(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_SCHEMES, name=op.f("ck_debit_notices_scheme")),
        sa.CheckConstraint("how IN ('mail', 'elsewhere', 'stripe')", name=op.f("ck_debit_notices_how")),
        sa.CheckConstraint("about_type IN ('invoice', 'payment_intent')", name=op.f("ck_debit_notices_about_type")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_debit_notices_amount")),
        sa.CheckConstraint("told_on <= debit_on", name=op.f("ck_debit_notices_told_before")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_debit_notices_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_notices")),
    )
    op.create_index(
        "uq_debit_notices_debit",
        "debit_notices",
        ["account_id", "about_id", "debit_on", "amount", "how"],
        unique=True,
    )
    op.create_index(op.f("ix_debit_notices_account_id_noted_at_id"), "debit_notices", ["account_id", "noted_at", "id"])
    op.create_index(op.f("ix_debit_notices_customer_id"), "debit_notices", ["customer_id"])


def downgrade() -> None:
    op.drop_index("ix_invoices_collected", table_name="invoices")
    op.drop_table("debit_notices")
    op.drop_table("debit_notice_rules")
