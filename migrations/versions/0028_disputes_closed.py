"""What a dispute's fee was, how it was paid, and when it was closed."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Stripe names no day on which a dispute ended. The event does; else it is the second in which it was first seen ended.
CLOSED_AT = """
CREATE FUNCTION disputes_closed_at() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ends CONSTANT text[] := ARRAY['won', 'lost', 'prevented', 'warning_closed'];
BEGIN
    IF NOT NEW.status = ANY (ends) THEN
        NEW.closed_at := NULL;
    ELSIF TG_OP = 'UPDATE' AND OLD.status = NEW.status AND OLD.closed_at IS NOT NULL THEN
        NEW.closed_at := OLD.closed_at;
    ELSE
        NEW.closed_at := CASE
            WHEN NEW.status = 'won' AND NEW.reinstated_at IS NOT NULL THEN NEW.reinstated_at
            WHEN NEW.status = 'prevented' OR (NEW.status = 'lost' AND NEW.due_at IS NULL) THEN NEW.created_at
            ELSE (
                SELECT max(event.created_at) FROM webhook_events AS event
                 WHERE event.object_id = NEW.id AND event.type = 'charge.dispute.closed'
            )
        END;
        IF NEW.closed_at IS NULL AND TG_OP = 'UPDATE' AND NOT OLD.status = ANY (ends) THEN
            NEW.closed_at := NEW.seen_at;
        END IF;
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.add_column("disputes", sa.Column("method_type", sa.Text(), nullable=True))
    op.add_column("disputes", sa.Column("fee", sa.BigInteger(), nullable=True))
    op.add_column("disputes", sa.Column("reinstated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("disputes", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE disputes SET method_type = charges.method_type FROM charges WHERE charges.id = disputes.charge_id"
    )
    op.execute(
        "UPDATE disputes SET fee = booked.fee FROM (SELECT source_id, sum(fee) AS fee FROM balance_transactions "
        "WHERE reporting_category = 'dispute' GROUP BY source_id) AS booked WHERE booked.source_id = disputes.id"
    )
    op.execute(CLOSED_AT)
    op.execute(
        "CREATE TRIGGER disputes_closed_at BEFORE INSERT OR UPDATE ON disputes FOR EACH ROW "
        "EXECUTE FUNCTION disputes_closed_at()"
    )
    # Each row passes the trigger once.
    op.execute(
        "UPDATE disputes SET reinstated_at = (SELECT max(line.created_at) FROM balance_transactions AS line "
        "WHERE line.source_id = disputes.id AND line.reporting_category = 'dispute_reversal')"
    )
    op.create_index(op.f("ix_disputes_account_id_closed_at"), "disputes", ["account_id", "closed_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_disputes_account_id_closed_at"), table_name="disputes")
    op.execute("DROP TRIGGER disputes_closed_at ON disputes")
    op.execute("DROP FUNCTION disputes_closed_at()")
    op.drop_column("disputes", "closed_at")
    op.drop_column("disputes", "reinstated_at")
    op.drop_column("disputes", "fee")
    op.drop_column("disputes", "method_type")
