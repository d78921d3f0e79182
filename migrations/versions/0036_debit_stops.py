"""Why nothing is debited from somebody, written by whatever tells of it, in its own transaction."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# Whether a subscription that goes on names this way to pay, itself or by its customer's default.
IS_CHARGED = """
CREATE FUNCTION is_charged_by_subscription(account integer, customer text, method text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM subscriptions s LEFT JOIN customers c ON c.id = s.customer_id
         WHERE s.customer_id = customer AND s.account_id = account
           AND s.status NOT IN ('canceled', 'incomplete_expired') AND s.deleted_at IS NULL
           AND s.collection_method IS DISTINCT FROM 'send_invoice'
           AND method IN (s.default_payment_method_id, s.default_source_id, c.default_payment_method_id, c.default_source_id))
$$
"""

# A mandate that allows any number of debits and ended. One for a single payment ends by being used: that is no news.
# Whatever order the news comes in, what is open afterwards is said by the mandate's last state alone.
MANDATE_STOPS = """
CREATE FUNCTION mandate_stops_debits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    why text := CASE
        WHEN NEW.deleted_at IS NOT NULL THEN 'mandate_unknown'
        WHEN NEW.network_status = 'refused' THEN 'mandate_refused'
        WHEN NEW.network_status = 'revoked' THEN 'mandate_revoked'
        WHEN NEW.status = 'inactive' THEN 'mandate_inactive'
    END;
    owner text;
    past boolean;
BEGIN
    IF NEW.type = 'single_use' THEN
        RETURN NULL;
    END IF;
    IF why IS NULL THEN
        UPDATE debit_stops SET lifted_at = now(), lifted_by = 'Stripe'
         WHERE account_id = NEW.account_id AND subject_type = 'mandate' AND subject_id = NEW.id AND lifted_at IS NULL;
    ELSE
        owner := coalesce(NEW.customer_id, (SELECT customer_id FROM payment_methods WHERE id = NEW.payment_method_id));
        -- What had ended before it was first seen here is nobody's task, unless a subscription still counts on it.
        past := TG_OP = 'INSERT' AND NOT is_charged_by_subscription(NEW.account_id, owner, NEW.payment_method_id);
        INSERT INTO debit_stops (account_id, subject_type, subject_id, customer_id, payment_method_id, reason, detail, since, set_at,
                                 set_by, worked_at, worked_by, worked_words)
        VALUES (NEW.account_id, 'mandate', NEW.id, owner, NEW.payment_method_id, why, NEW.revocation_reason,
                coalesce(NEW.deleted_at, NEW.seen_at), now(), 'Stripe',
                CASE WHEN past THEN now() END, CASE WHEN past THEN 'Stripe' END,
                CASE WHEN past THEN 'It had ended before it was first seen here, and no subscription counts on it.' END)
        ON CONFLICT (account_id, subject_type, subject_id) WHERE lifted_at IS NULL DO UPDATE
           SET reason = excluded.reason, detail = excluded.detail
         WHERE (debit_stops.reason, debit_stops.detail) IS DISTINCT FROM (excluded.reason, excluded.detail);
    END IF;
    RETURN NULL;
END
$$
"""

# A way to pay that was taken off its customer while a subscription was still charged to it.
METHOD_STOPS = """
CREATE FUNCTION method_stops_debits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.customer_id IS NOT NULL AND NEW.deleted_at IS NULL THEN
        UPDATE debit_stops SET lifted_at = now(), lifted_by = 'Stripe'
         WHERE account_id = NEW.account_id AND subject_type = 'payment_method' AND subject_id = NEW.id AND lifted_at IS NULL;
    ELSIF OLD.customer_id IS NOT NULL AND OLD.deleted_at IS NULL AND is_charged_by_subscription(NEW.account_id, OLD.customer_id, NEW.id) THEN
        INSERT INTO debit_stops (account_id, subject_type, subject_id, customer_id, payment_method_id, reason, since, set_at, set_by)
        VALUES (NEW.account_id, 'payment_method', NEW.id, OLD.customer_id, NEW.id, 'method_detached', NEW.seen_at, now(), 'Stripe')
        ON CONFLICT (account_id, subject_type, subject_id) WHERE lifted_at IS NULL DO NOTHING;
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("default_source_id", sa.Text(), nullable=True))
    op.create_table(
        "debit_stops",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("payment_method_id", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("worked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worked_by", sa.Text(), nullable=True),
        sa.Column("worked_words", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "subject_type IN ('mandate', 'payment_method', 'customer')", name=op.f("ck_debit_stops_subject_type")
        ),
        sa.CheckConstraint(
            "reason IN ('mandate_inactive', 'mandate_refused', 'mandate_revoked', 'mandate_unknown', 'method_detached', 'by_hand')",
            name=op.f("ck_debit_stops_reason"),
        ),
        sa.CheckConstraint(
            "(reason = 'by_hand') = (subject_type = 'customer') AND (reason <> 'by_hand' OR words IS NOT NULL)",
            name=op.f("ck_debit_stops_by_hand"),
        ),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_debit_stops_lifted")),
        sa.CheckConstraint(
            "(worked_at IS NULL) = (worked_by IS NULL) AND (worked_at IS NULL) = (worked_words IS NULL)",
            name=op.f("ck_debit_stops_worked"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_debit_stops_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_debit_stops")),
    )
    op.create_index(
        "uq_debit_stops_standing",
        "debit_stops",
        ["account_id", "subject_type", "subject_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_index(op.f("ix_debit_stops_account_id_since_id"), "debit_stops", ["account_id", "since", "id"])
    op.create_index(
        "ix_debit_stops_to_work",
        "debit_stops",
        ["account_id", "since", "id"],
        postgresql_where=sa.text("lifted_at IS NULL AND worked_at IS NULL"),
    )
    op.create_index(op.f("ix_debit_stops_customer_id"), "debit_stops", ["customer_id"])
    op.execute(IS_CHARGED)
    op.execute(MANDATE_STOPS)
    op.execute(METHOD_STOPS)
    op.execute(
        "CREATE TRIGGER mandate_stops_debits AFTER INSERT OR UPDATE OF status, network_status, revocation_reason, type, deleted_at "
        "ON mandates FOR EACH ROW EXECUTE FUNCTION mandate_stops_debits()"
    )
    op.execute(
        "CREATE TRIGGER method_stops_debits AFTER UPDATE OF customer_id, deleted_at ON payment_methods FOR EACH ROW "
        "WHEN (OLD.customer_id IS DISTINCT FROM NEW.customer_id OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at) "
        "EXECUTE FUNCTION method_stops_debits()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER method_stops_debits ON payment_methods")
    op.execute("DROP TRIGGER mandate_stops_debits ON mandates")
    op.execute("DROP FUNCTION method_stops_debits")
    op.execute("DROP FUNCTION mandate_stops_debits")
    op.execute("DROP FUNCTION is_charged_by_subscription")
    op.drop_table("debit_stops")
    op.drop_column("subscriptions", "default_source_id")
