"""What became of each early fraud warning, for good, and the rule that suggests it."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

BY_PERSONS = "('refunded_in_part', 'ignored', 'customer_confirmed')"
CHECKS = {
    "resolution": "resolution IN ('refunded', 'refunded_in_part', 'ignored', 'disputed', 'customer_confirmed', 'not_actionable')",
    "resolved": "(resolution IS NULL) = (resolved_at IS NULL) AND (resolution IS NULL) = (resolved_by IS NULL)",
    "words": f"CASE WHEN coalesce(resolution, '') IN {BY_PERSONS} THEN length(trim(coalesce(resolved_words, ''))) > 0"
    " ELSE resolved_words IS NULL END",
}

# Its words are left out: they go with the person they are about, when that person is erased.
LOCKED = """
CREATE FUNCTION resolved_warnings_are_locked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'fraud warning % is resolved: it stays', OLD.id USING ERRCODE = 'check_violation';
    ELSIF (NEW.resolution, NEW.resolved_at, NEW.resolved_by) IS DISTINCT FROM (OLD.resolution, OLD.resolved_at, OLD.resolved_by) THEN
        RAISE EXCEPTION 'fraud warning % is resolved: %', OLD.id, OLD.resolution USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    for name in ("resolution", "resolved_by", "resolved_words"):
        op.add_column("early_fraud_warnings", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("early_fraud_warnings", sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True))
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_early_fraud_warnings_{name}"), "early_fraud_warnings", condition)
    op.create_index(
        "ix_early_fraud_warnings_unresolved",
        "early_fraud_warnings",
        ["account_id", "created_at", "id"],
        postgresql_where=sa.text("resolution IS NULL"),
    )
    op.execute(LOCKED)
    op.execute(
        "CREATE TRIGGER resolved_warnings_are_locked BEFORE UPDATE OR DELETE ON early_fraud_warnings FOR EACH ROW "
        "WHEN (OLD.resolution IS NOT NULL) EXECUTE FUNCTION resolved_warnings_are_locked()"
    )
    op.create_table(
        "fraud_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("from_risk", sa.Text(), nullable=False),
        sa.Column("counts_blocked", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("days BETWEEN 1 AND 540", name=op.f("ck_fraud_rules_days")),
        sa.CheckConstraint("from_risk IN ('normal', 'elevated', 'highest')", name=op.f("ck_fraud_rules_from_risk")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_fraud_rules_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fraud_rules")),
    )
    op.create_index(op.f("ix_fraud_rules_account_id_id"), "fraud_rules", ["account_id", "id"])


def downgrade() -> None:
    op.drop_table("fraud_rules")
    op.execute("DROP TRIGGER resolved_warnings_are_locked ON early_fraud_warnings")
    op.execute("DROP FUNCTION resolved_warnings_are_locked")
    op.drop_index("ix_early_fraud_warnings_unresolved", table_name="early_fraud_warnings")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_early_fraud_warnings_{name}"), "early_fraud_warnings")
    for name in ("resolved_at", "resolved_words", "resolved_by", "resolution"):
        op.drop_column("early_fraud_warnings", name)
