"""Rules that PostgreSQL keeps whoever writes: the audit chain only grows, and a promise never exceeds its charge."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# jsonb_build_array writes every field unambiguously, nulls and quotes included; instants as whole microseconds know no time zone.
AUDIT_HASH = """
CREATE FUNCTION audit_hash(entry audit_logs) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(entry.previous_hash || convert_to(jsonb_build_array(
        entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor_kind, entry.actor, entry.action,
        entry.object_type, entry.object_id, entry.account_id, entry.reason, entry.before, entry.after, entry.ip,
        entry.request_id)::text, 'UTF8'))
$$
"""

# The id is given under the lock and not by a sequence: it has no gaps, so a row that is missing is seen.
AUDIT_CHAIN = """
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_id bigint;
    last_hash bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(7266302);
    SELECT id, hash INTO last_id, last_hash FROM audit_logs ORDER BY id DESC LIMIT 1;
    NEW.id := coalesce(last_id, 0) + 1;
    NEW.previous_hash := coalesce(last_hash, sha256(''::bytea));
    NEW.hash := audit_hash(NEW);
    RETURN NEW;
END
$$
"""

AUDIT_GROWS = """
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_logs only grows: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""

# Beside the check in Python: two promises at once, or one from a door that forgot to ask, still fit into the charge.
REFUND_FITS = """
CREATE FUNCTION refund_fits_charge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    total bigint;
    taken bigint;
    given bigint;
    coin text;
    counted bigint;
BEGIN
    SELECT amount, amount_captured, amount_refunded, currency INTO total, taken, given, coin
        FROM charges WHERE id = NEW.charge_id FOR UPDATE;
    IF NOT FOUND OR coin <> NEW.currency THEN
        RAISE EXCEPTION 'refund % names no charge in its currency', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_fits_charge';
    END IF;
    SELECT coalesce(sum(amount), 0) INTO counted
        FROM refunds WHERE charge_id = NEW.charge_id AND status NOT IN ('refused', 'failed', 'canceled');
    -- What a partial capture let go stands in `given` and `counted` as well, so they are taken from the whole amount.
    IF NEW.amount > least(taken, total - greatest(given, counted)) THEN
        RAISE EXCEPTION 'refund of % exceeds what is left of charge %', NEW.amount, NEW.charge_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_fits_charge';
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    op.execute(AUDIT_HASH)
    op.execute(AUDIT_CHAIN)
    op.execute(AUDIT_GROWS)
    op.execute("CREATE TRIGGER audit_chain BEFORE INSERT ON audit_logs FOR EACH ROW EXECUTE FUNCTION audit_chain()")
    op.execute(
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
    )
    # ALWAYS: not even a session that plays replica slips past.
    op.execute("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_chain")
    op.execute("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_only_grows")
    op.execute(REFUND_FITS)
    op.execute(
        "CREATE TRIGGER refund_fits_charge BEFORE INSERT ON refunds FOR EACH ROW "
        "WHEN (NEW.status = 'requested') EXECUTE FUNCTION refund_fits_charge()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER refund_fits_charge ON refunds")
    op.execute("DROP FUNCTION refund_fits_charge()")
    op.execute("DROP TRIGGER audit_only_grows ON audit_logs")
    op.execute("DROP TRIGGER audit_chain ON audit_logs")
    op.execute("DROP FUNCTION audit_only_grows()")
    op.execute("DROP FUNCTION audit_chain()")
    op.execute("DROP FUNCTION audit_hash(audit_logs)")
