"""Many refunds at once: the lists, and what the database lets pass by another person's word on a whole list."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# As since 0012; new is that a line of a batch may go by the word on the whole batch, which is done when its lines begin.
WITHIN_LIMIT = """
CREATE OR REPLACE FUNCTION refund_within_limit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    allowed record;
    given bigint;
BEGIN
    IF NEW.approval_id IS NOT NULL THEN
        PERFORM 1 FROM approvals WHERE id = NEW.approval_id AND state = 'approved' AND asked_by = NEW.requested_by;
        IF NOT FOUND THEN
            %s
            RAISE EXCEPTION 'nobody agreed to refund %%', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_limit';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO allowed FROM refund_limit_of(NEW.requested_by, NEW.currency);
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    IF NEW.amount >= allowed.approval_from THEN
        RAISE EXCEPTION 'refund of %% needs another person', NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_limit';
    END IF;
    IF allowed.per_day IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(NEW.requested_by || ' ' || NEW.currency, 7266303));
        SELECT coalesce(sum(amount), 0) INTO given FROM refunds
         WHERE requested_by = NEW.requested_by AND currency = NEW.currency AND approval_id IS NULL
           AND requested_at >= date_trunc('day', NEW.requested_at, 'UTC')
           AND status NOT IN ('refused', 'failed', 'canceled');
        IF given + NEW.amount > allowed.per_day THEN
            RAISE EXCEPTION 'refunds of the day would exceed %%', allowed.per_day
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_limit';
        END IF;
    END IF;
    RETURN NEW;
END
$$
"""
BY_BATCH = """
            PERFORM 1 FROM refund_batch_rows r
              JOIN refund_batches b ON b.id = r.batch_id
              JOIN approvals a ON a.id = b.approval_id
             WHERE r.id = NEW.id AND r.charge_id = NEW.charge_id AND r.amount = NEW.amount AND r.currency = NEW.currency
               AND a.id = NEW.approval_id AND a.act = 'refund_batch' AND a.object_id = b.id::text
               AND a.state = 'done' AND a.asked_by = NEW.requested_by;
            IF FOUND THEN
                RETURN NEW;
            END IF;
"""
# What others agreed to is what happens: no line is added once a batch has left its check, and none becomes another.
KEPT = """
CREATE FUNCTION refund_batch_row_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM 1 FROM refund_batches WHERE id = NEW.batch_id AND state = 'draft';
        IF FOUND THEN
            RETURN NEW;
        END IF;
    ELSIF (NEW.id, NEW.batch_id, NEW.number) = (OLD.id, OLD.batch_id, OLD.number)
        AND (NEW.charge_id, NEW.amount, NEW.currency) IS NOT DISTINCT FROM (OLD.charge_id, OLD.amount, OLD.currency)
        AND (OLD.state IN ('ready', 'begun') OR NEW.state = OLD.state) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a line of a batch stays what it was'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_batch_row_kept';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "refund_batches",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approval_id", postgresql.UUID(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'waiting', 'running', 'done', 'withdrawn')", name=op.f("ck_refund_batches_state")
        ),
        sa.CheckConstraint("length(trim(words)) > 0", name=op.f("ck_refund_batches_words")),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (state IN ('done', 'withdrawn'))", name=op.f("ck_refund_batches_ended")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_refund_batches_account_id")),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_refund_batches_approval_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_batches")),
    )
    op.create_index(op.f("ix_refund_batches_account_id_made_at_id"), "refund_batches", ["account_id", "made_at", "id"])
    op.create_index(
        "ix_refund_batches_running", "refund_batches", ["made_at"], postgresql_where=sa.text("state = 'running'")
    )
    op.create_table(
        "refund_batch_rows",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("batch_id", postgresql.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("given", sa.Text(), nullable=False),
        sa.Column("charge_id", sa.Text(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why_not", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "state IN ('bad', 'ready', 'begun', 'made', 'refused', 'withdrawn')",
            name=op.f("ck_refund_batch_rows_state"),
        ),
        sa.CheckConstraint(
            "(why_not IS NOT NULL) = (state IN ('bad', 'refused'))", name=op.f("ck_refund_batch_rows_why_not")
        ),
        sa.CheckConstraint(
            "state = 'bad' OR (charge_id IS NOT NULL AND amount > 0 AND currency IS NOT NULL"
            " AND reason IS NOT NULL AND length(trim(words)) > 0)",
            name=op.f("ck_refund_batch_rows_whole"),
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["refund_batches.id"], name=op.f("fk_refund_batch_rows_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_batch_rows")),
    )
    op.create_index("uq_refund_batch_rows_number", "refund_batch_rows", ["batch_id", "number"], unique=True)
    op.create_index(
        "uq_refund_batch_rows_charge",
        "refund_batch_rows",
        ["batch_id", "charge_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'bad'"),
    )
    op.create_index(
        "ix_refund_batch_rows_open",
        "refund_batch_rows",
        ["batch_id", "number"],
        postgresql_where=sa.text("state IN ('ready', 'begun')"),
    )
    op.execute(KEPT)
    op.execute(
        "CREATE TRIGGER refund_batch_row_kept BEFORE INSERT OR UPDATE ON refund_batch_rows "
        "FOR EACH ROW EXECUTE FUNCTION refund_batch_row_kept()"
    )
    op.execute(WITHIN_LIMIT % BY_BATCH)


def downgrade() -> None:
    op.execute(WITHIN_LIMIT % "")
    op.drop_table("refund_batch_rows")
    op.execute("DROP FUNCTION refund_batch_row_kept()")
    op.drop_table("refund_batches")
