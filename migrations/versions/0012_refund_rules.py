"""How much somebody may give back alone, the reasons to choose from, and the words that close a failed refund."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

REASONS = (
    ("requested_by_customer", "The customer asked for it", "requested_by_customer"),
    ("duplicate", "Paid twice by mistake", "duplicate"),
    ("not_delivered", "Not delivered or not as described", "requested_by_customer"),
    ("goodwill", "Goodwill", "requested_by_customer"),
    ("fraudulent", "Fraud: the cardholder did not pay", "fraudulent"),
    ("other", "Something else", None),
)
# Counted like a currency with two decimals, for every currency.
LIMITS = (
    ("support", 100_000, 250_000),
    ("support_lead", 500_000, 2_000_000),
    ("finance", 2_000_000, 10_000_000),
    ("admin", None, None),
)

# The nearest rule: the person's before the role's, the currency's own before the one for every other. No row: who is asked about is
# no person. No rule: everything needs another person.
LIMIT_OF = """
CREATE FUNCTION refund_limit_of(who text, coin text) RETURNS TABLE (approval_from bigint, per_day bigint, rule text)
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN found.id IS NULL THEN 0 ELSE found.approval_from * worth.factor END,
           CASE WHEN found.id IS NULL THEN 0 ELSE found.per_day * worth.factor END,
           coalesce(found.scope || ' ' || found.name, 'no rule')
      FROM staff
      LEFT JOIN LATERAL (
        SELECT * FROM refund_limits l
         WHERE ((l.scope = 'person' AND l.name = staff.email) OR (l.scope = 'role' AND l.name = staff.role))
           AND l.currency IN (coin, '*')
         ORDER BY l.scope = 'person' DESC, l.currency = coin DESC LIMIT 1) found ON true
      CROSS JOIN LATERAL (
        SELECT CASE WHEN found.currency <> '*' THEN 1
                    WHEN coin IN ('isk', 'ugx') THEN 100
                    WHEN coin IN ('bhd', 'jod', 'kwd', 'omr', 'tnd') THEN 3
                    ELSE 1 END AS factor) worth
     WHERE staff.email = who
$$
"""

# Whoever asks, at whatever speed: refunds of one person in one currency queue up here, so that a day's sum is never exceeded.
WITHIN_LIMIT = """
CREATE FUNCTION refund_within_limit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed record;
    given bigint;
BEGIN
    IF NEW.approval_id IS NOT NULL THEN
        PERFORM 1 FROM approvals WHERE id = NEW.approval_id AND state = 'approved' AND asked_by = NEW.requested_by;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'nobody agreed to refund %', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_limit';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO allowed FROM refund_limit_of(NEW.requested_by, NEW.currency);
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    IF NEW.amount >= allowed.approval_from THEN
        RAISE EXCEPTION 'refund of % needs another person', NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_limit';
    END IF;
    IF allowed.per_day IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(NEW.requested_by || ' ' || NEW.currency, 7266303));
        SELECT coalesce(sum(amount), 0) INTO given FROM refunds
         WHERE requested_by = NEW.requested_by AND currency = NEW.currency AND approval_id IS NULL
           AND requested_at >= date_trunc('day', NEW.requested_at, 'UTC')
           AND status NOT IN ('refused', 'failed', 'canceled');
        IF given + NEW.amount > allowed.per_day THEN
            RAISE EXCEPTION 'refunds of the day would exceed %', allowed.per_day
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_limit';
        END IF;
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    limits = op.create_table(
        "refund_limits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("approval_from", sa.BigInteger(), nullable=True),
        sa.Column("per_day", sa.BigInteger(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.CheckConstraint("scope IN ('role', 'person')", name=op.f("ck_refund_limits_scope")),
        sa.CheckConstraint("approval_from >= 0 AND per_day >= 0", name=op.f("ck_refund_limits_amounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_limits")),
    )
    op.create_index("uq_refund_limits_of", "refund_limits", ["scope", "name", "currency"], unique=True)
    reasons = op.create_table(
        "refund_reasons",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("stripe", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "stripe IN ('duplicate', 'fraudulent', 'requested_by_customer')", name=op.f("ck_refund_reasons_stripe")
        ),
        sa.CheckConstraint("length(trim(words)) > 0", name=op.f("ck_refund_reasons_words")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_refund_reasons")),
    )
    seeded = {"set_at": sa.func.now(), "set_by": "as installed"}
    op.execute(
        limits.insert().values(
            [
                {"scope": "role", "name": role, "currency": "*", "approval_from": each, "per_day": day, **seeded}
                for role, each, day in LIMITS
            ]
        )
    )
    op.execute(
        reasons.insert().values(
            [
                {"code": code, "words": words, "stripe": stripe, "position": position, **seeded}
                for position, (code, words, stripe) in enumerate(REASONS, start=1)
            ]
        )
    )
    op.add_column("refunds", sa.Column("approval_id", postgresql.UUID(), nullable=True))
    op.add_column("refunds", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refunds", sa.Column("closed_by", sa.Text(), nullable=True))
    op.add_column("refunds", sa.Column("closed_words", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("fk_refunds_approval_id"), "refunds", "approvals", ["approval_id"], ["id"])
    op.create_index(
        "ix_refunds_requested_by",
        "refunds",
        ["requested_by", "requested_at"],
        postgresql_where=sa.text("requested_by IS NOT NULL"),
    )
    op.create_index(
        "ix_refunds_unclosed",
        "refunds",
        ["account_id", "created_at", "id"],
        postgresql_where=sa.text(
            "closed_at IS NULL AND status IN ('failed', 'requested', 'pending', 'requires_action')"
        ),
    )
    op.execute(LIMIT_OF)
    op.execute(WITHIN_LIMIT)
    op.execute(
        "CREATE TRIGGER refund_within_limit BEFORE INSERT ON refunds FOR EACH ROW "
        "WHEN (NEW.status = 'requested') EXECUTE FUNCTION refund_within_limit()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER refund_within_limit ON refunds")
    op.execute("DROP FUNCTION refund_within_limit()")
    op.execute("DROP FUNCTION refund_limit_of(text, text)")
    op.drop_index("ix_refunds_unclosed", table_name="refunds")
    op.drop_index("ix_refunds_requested_by", table_name="refunds")
    op.drop_constraint(op.f("fk_refunds_approval_id"), "refunds", type_="foreignkey")
    for column in ("closed_words", "closed_by", "closed_at", "approval_id"):
        op.drop_column("refunds", column)
    op.drop_table("refund_reasons")
    op.drop_table("refund_limits")
