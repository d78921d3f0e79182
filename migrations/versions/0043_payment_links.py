"""Payment links, and who was led to Stripe's payment page by one. How many may pay is kept here, whoever writes."""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# Two who press at once: the second waits for the first, and finds the last use taken.
ROOM = """
CREATE FUNCTION checkout_visit_has_room() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    link payment_links%ROWTYPE;
    taken bigint;
BEGIN
    SELECT * INTO link FROM payment_links WHERE id = NEW.link_id FOR UPDATE;
    IF link.closed_at IS NOT NULL OR link.expires_at <= NEW.asked_at OR link.account_id <> NEW.account_id THEN
        RAISE EXCEPTION 'payment link % is over', NEW.link_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_link_is_open';
    END IF;
    IF link.max_uses IS NOT NULL THEN
        SELECT count(*) INTO taken FROM checkout_visits
         WHERE link_id = NEW.link_id AND state IN ('requested', 'open', 'processing', 'paid');
        IF taken >= link.max_uses THEN
            RAISE EXCEPTION 'payment link % has no use left', NEW.link_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_link_has_uses';
        END IF;
    END IF;
    RETURN NEW;
END
$$
"""

USES = """
CREATE FUNCTION payment_link_counts_uses() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    more integer := (NEW.state IN ('processing', 'paid'))::integer - (OLD.state IN ('processing', 'paid'))::integer;
BEGIN
    IF OLD.state IN ('paid', 'failed') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'visit % has ended', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'checkout_visit_has_ended';
    END IF;
    IF more <> 0 THEN
        UPDATE payment_links SET uses = uses + more WHERE id = NEW.link_id;
    END IF;
    RETURN NULL;
END
$$
"""

# What somebody was asked to pay does not change under them.
FIXED = """
CREATE FUNCTION payment_link_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.amount, NEW.currency, NEW.account_id, NEW.token) IS DISTINCT FROM (OLD.amount, OLD.currency, OLD.account_id, OLD.token) THEN
        RAISE EXCEPTION 'a payment link keeps its amount' USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_link_is_fixed';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "payment_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("max_uses", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uses", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_links_amount_is_positive")),
        sa.CheckConstraint("max_uses BETWEEN 1 AND 1000000", name=op.f("ck_payment_links_max_uses_is_a_number")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_payment_links_expires_later")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_payment_links_closed_by_somebody")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_payment_links_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_links")),
    )
    op.create_index("uq_payment_links_token", "payment_links", ["token"], unique=True)
    op.create_index(
        op.f("ix_payment_links_account_id_created_at_id"), "payment_links", ["account_id", "created_at", "id"]
    )
    op.create_index(op.f("ix_payment_links_customer_id_created_at"), "payment_links", ["customer_id", "created_at"])
    op.create_table(
        "checkout_visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="requested", nullable=False),
        sa.Column("session_id", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=True),
        sa.Column("payment_intent_id", sa.Text(), nullable=True),
        sa.Column("ip", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'open', 'processing', 'paid', 'failed', 'expired')",
            name=op.f("ck_checkout_visits_state_is_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('open', 'processing', 'paid') OR session_id IS NOT NULL",
            name=op.f("ck_checkout_visits_has_a_session"),
        ),
        sa.CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL)", name=op.f("ck_checkout_visits_paid_at_some_time")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_checkout_visits_account_id")),
        sa.ForeignKeyConstraint(["link_id"], ["payment_links.id"], name=op.f("fk_checkout_visits_link_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkout_visits")),
    )
    op.create_index("uq_checkout_visits_secret_hash", "checkout_visits", ["secret_hash"], unique=True)
    op.create_index("uq_checkout_visits_session_id", "checkout_visits", ["session_id"], unique=True)
    op.create_index(op.f("ix_checkout_visits_link_id_asked_at"), "checkout_visits", ["link_id", "asked_at"])
    op.create_index(
        op.f("ix_checkout_visits_account_id_ip_asked_at"), "checkout_visits", ["account_id", "ip", "asked_at"]
    )
    op.create_index(op.f("ix_checkout_visits_customer_id"), "checkout_visits", ["customer_id"])
    op.create_index(
        "ix_checkout_visits_unsettled",
        "checkout_visits",
        ["asked_at"],
        postgresql_where=sa.text("state IN ('requested', 'open', 'processing')"),
    )
    for function in (ROOM, USES, FIXED):
        op.execute(function)
    op.execute(
        "CREATE TRIGGER checkout_visit_has_room BEFORE INSERT ON checkout_visits FOR EACH ROW "
        "EXECUTE FUNCTION checkout_visit_has_room()"
    )
    op.execute(
        "CREATE TRIGGER payment_link_counts_uses AFTER UPDATE OF state ON checkout_visits FOR EACH ROW "
        "EXECUTE FUNCTION payment_link_counts_uses()"
    )
    op.execute(
        "CREATE TRIGGER payment_link_is_fixed BEFORE UPDATE ON payment_links FOR EACH ROW "
        "EXECUTE FUNCTION payment_link_is_fixed()"
    )


def downgrade() -> None:
    op.drop_table("checkout_visits")
    op.drop_table("payment_links")
    for name in ("checkout_visit_has_room", "payment_link_counts_uses", "payment_link_is_fixed"):
        op.execute(f"DROP FUNCTION {name}")
