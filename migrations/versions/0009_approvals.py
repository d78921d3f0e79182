"""Acts that another person has to agree to: the requests, the votes, the rules for which acts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Votes of one request queue up at its row: the one that makes the number full is the last that is let in.
VOTE_COUNTS = """
CREATE FUNCTION approval_vote_counts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    request approvals%ROWTYPE;
BEGIN
    SELECT * INTO request FROM approvals WHERE id = NEW.approval_id FOR UPDATE;
    IF request.asked_by_id = NEW.staff_id THEN
        RAISE EXCEPTION 'nobody decides about what they asked for themselves'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_vote_of_another';
    END IF;
    IF request.state <> 'waiting' OR request.expires_at <= NEW.at THEN
        RAISE EXCEPTION 'request % does not wait for a decision', NEW.approval_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_vote_in_time';
    END IF;
    RETURN NEW;
END
$$
"""

VOTE_DECIDES = """
CREATE FUNCTION approval_vote_decides() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.verdict = 'decline' THEN
        UPDATE approvals SET state = 'declined', decided_at = NEW.at WHERE id = NEW.approval_id;
    ELSE
        UPDATE approvals SET state = 'approved', decided_at = NEW.at WHERE id = NEW.approval_id
            AND needed <= (SELECT count(*) FROM approval_votes WHERE approval_id = NEW.approval_id AND verdict = 'approve');
    END IF;
    RETURN NULL;
END
$$
"""

# Whoever writes: what was asked for stays what was asked for, and no state is reached but by its own way.
REQUEST_HOLDS = """
CREATE FUNCTION approval_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.account_id, NEW.act, NEW.object_type, NEW.object_id, NEW.payload, NEW.asked_by_id, NEW.asked_at, NEW.needed)
        IS DISTINCT FROM
       (OLD.id, OLD.account_id, OLD.act, OLD.object_type, OLD.object_id, OLD.payload, OLD.asked_by_id, OLD.asked_at, OLD.needed)
    THEN
        RAISE EXCEPTION 'request % cannot become another one', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_holds';
    END IF;
    IF NEW.state <> OLD.state AND NOT (
        (OLD.state = 'waiting' AND NEW.state IN ('declined', 'expired', 'withdrawn'))
        OR (OLD.state = 'approved' AND NEW.state IN ('done', 'failed'))
        OR (OLD.state = 'waiting' AND NEW.state = 'approved' AND NEW.needed <= (
            SELECT count(*) FROM approval_votes WHERE approval_id = OLD.id AND verdict = 'approve'))
    ) THEN
        RAISE EXCEPTION 'request % cannot go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_holds';
    END IF;
    RETURN NEW;
END
$$
"""

# A request begins without anybody's word.
REQUEST_BEGINS = """
CREATE FUNCTION approval_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'waiting' THEN
        RAISE EXCEPTION 'a request begins waiting' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_holds';
    END IF;
    RETURN NEW;
END
$$
"""

KEPT = """
CREATE FUNCTION approvals_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""

# (table, trigger and its function, when, for each what)
TRIGGERS = (
    ("approval_votes", "approval_vote_counts", "BEFORE INSERT", "ROW"),
    ("approval_votes", "approval_vote_decides", "AFTER INSERT", "ROW"),
    ("approvals", "approval_holds", "BEFORE UPDATE", "ROW"),
    ("approvals", "approval_begins", "BEFORE INSERT", "ROW"),
    ("approvals", "approvals_only_grow", "BEFORE DELETE OR TRUNCATE", "STATEMENT"),
    ("approval_votes", "approvals_only_grow", "BEFORE UPDATE OR DELETE OR TRUNCATE", "STATEMENT"),
    ("approval_policies", "approvals_only_grow", "BEFORE UPDATE OR DELETE OR TRUNCATE", "STATEMENT"),
)


def upgrade() -> None:
    op.create_table(
        "approval_policies",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("thresholds", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("ask_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("approve_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.CheckConstraint("needed BETWEEN 1 AND 5", name=op.f("ck_approval_policies_needed")),
        sa.CheckConstraint("expires_after_days BETWEEN 1 AND 90", name=op.f("ck_approval_policies_expires_after_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_policies")),
    )
    op.create_index(op.f("ix_approval_policies_act_id"), "approval_policies", ["act", "id"])
    op.create_table(
        "approvals",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("asked_by_id", postgresql.UUID(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("needed", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'declined', 'expired', 'withdrawn', 'done', 'failed')",
            name=op.f("ck_approvals_state"),
        ),
        sa.CheckConstraint("needed BETWEEN 1 AND 5", name=op.f("ck_approvals_needed")),
        sa.CheckConstraint("length(trim(reason)) > 0", name=op.f("ck_approvals_reason")),
        sa.CheckConstraint("expires_at > asked_at", name=op.f("ck_approvals_expires_later")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_approvals_account_id")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["staff.id"], name=op.f("fk_approvals_asked_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    still_open = sa.text("state IN ('waiting', 'approved')")
    op.create_index(
        "uq_approvals_open", "approvals", ["act", "object_type", "object_id"], unique=True, postgresql_where=still_open
    )
    op.create_index(op.f("ix_approvals_asked_at_id"), "approvals", ["asked_at", "id"])
    op.create_index("ix_approvals_waiting", "approvals", ["expires_at"], postgresql_where=still_open)
    op.create_index(op.f("ix_approvals_object_type_object_id"), "approvals", ["object_type", "object_id"])
    op.create_index(op.f("ix_approvals_asked_by_id_asked_at"), "approvals", ["asked_by_id", "asked_at"])
    op.create_table(
        "approval_votes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("approval_id", postgresql.UUID(), nullable=False),
        sa.Column("staff_id", postgresql.UUID(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint("verdict IN ('approve', 'decline')", name=op.f("ck_approval_votes_verdict")),
        sa.CheckConstraint(
            "verdict = 'approve' OR length(trim(words)) > 0", name=op.f("ck_approval_votes_decline_has_words")
        ),
        sa.ForeignKeyConstraint(["approval_id"], ["approvals.id"], name=op.f("fk_approval_votes_approval_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_approval_votes_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_votes")),
    )
    op.create_index("uq_approval_votes_person", "approval_votes", ["approval_id", "staff_id"], unique=True)
    for function in (VOTE_COUNTS, VOTE_DECIDES, REQUEST_HOLDS, REQUEST_BEGINS, KEPT):
        op.execute(function)
    for table, name, when, each in TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    op.drop_table("approval_votes")
    op.drop_table("approvals")
    op.drop_table("approval_policies")
    for function in (
        "approval_vote_counts",
        "approval_vote_decides",
        "approval_holds",
        "approval_begins",
        "approvals_only_grow",
    ):
        op.execute(f"DROP FUNCTION {function}()")
