"""Persons who were erased, and a trail whose words can go while its chain stays whole."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# An erasure that is under way and was committed before this transaction: nobody begins one to rewrite the trail in passing.
ERASING = """
CREATE FUNCTION erasing() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT id FROM erasures WHERE id = nullif(current_setting('counterfoil.erasure', true), '')::uuid
        AND state = 'running' AND xmin IS DISTINCT FROM pg_current_xact_id_if_assigned()::xid
$$
"""

# Everything in an entry that may be about a person, piece by piece; `before` and `after` by their fields.
WORDS = """
CREATE FUNCTION audit_words(entry audit_logs) RETURNS TABLE (field text, words text) LANGUAGE sql IMMUTABLE AS $$
    SELECT plain.field, plain.words FROM (VALUES ('actor', entry.actor), ('object_id', entry.object_id),
            ('reason', entry.reason), ('ip', entry.ip)) AS plain (field, words) WHERE plain.words IS NOT NULL
    UNION ALL SELECT 'before.' || key, value::text FROM jsonb_each(entry.before)
    UNION ALL SELECT 'after.' || key, value::text FROM jsonb_each(entry.after)
$$
"""

# The salt of one piece is made of the entry's own, so that it can be kept when that one has to go with another piece.
SALT = """
CREATE FUNCTION audit_salt(salt uuid, field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT encode(sha256(convert_to(salt::text || ':' || field, 'UTF8')), 'hex')
$$
"""

# What stands for the words in the chain: without the salt, nobody can find out by trying what they were.
DIGESTS = """
CREATE FUNCTION audit_digests(entry audit_logs) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(jsonb_object_agg(piece.field, piece.digest), '{}') FROM (
        SELECT said.field, encode(sha256(convert_to(
            coalesce(entry.salts ->> said.field, audit_salt(entry.salt, said.field)) || ':' || said.words, 'UTF8')), 'hex') AS digest
        FROM audit_words(entry) AS said WHERE NOT coalesce(entry.digests ? said.field, false)
        UNION ALL SELECT key, value FROM jsonb_each_text(entry.digests)) AS piece
$$
"""

REST = """
CREATE FUNCTION audit_rest(entry audit_logs) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT convert_to(jsonb_build_array(
        entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor_kind, entry.action, entry.object_type,
        entry.account_id, entry.request_id, entry.before IS NULL, entry.after IS NULL, audit_digests(entry))::text, 'UTF8')
$$
"""

# Entries of version 1 hash their words as they are.
HASH = """
CREATE OR REPLACE FUNCTION audit_hash(entry audit_logs) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN entry.version = 1 THEN sha256(entry.previous_hash || convert_to(jsonb_build_array(
        entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor_kind, entry.actor, entry.action,
        entry.object_type, entry.object_id, entry.account_id, entry.reason, entry.before, entry.after, entry.ip,
        entry.request_id)::text, 'UTF8'))
    ELSE sha256(entry.previous_hash || audit_rest(entry)) END
$$
"""
HASH_BEFORE = """
CREATE OR REPLACE FUNCTION audit_hash(entry audit_logs) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(entry.previous_hash || convert_to(jsonb_build_array(
        entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor_kind, entry.actor, entry.action,
        entry.object_type, entry.object_id, entry.account_id, entry.reason, entry.before, entry.after, entry.ip,
        entry.request_id)::text, 'UTF8'))
$$
"""

# The id is given under the lock and not by a sequence: it has no gaps, so a row that is missing is seen.
_CHAIN = """
CREATE OR REPLACE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_id bigint;
    last_hash bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(7266302);
    SELECT id, hash INTO last_id, last_hash FROM audit_logs ORDER BY id DESC LIMIT 1;
    NEW.id := coalesce(last_id, 0) + 1;
    NEW.previous_hash := coalesce(last_hash, sha256(''::bytea));
    {more}
    NEW.hash := audit_hash(NEW);
    RETURN NEW;
END
$$
"""
SEALED = """NEW.version := 2;
    NEW.salt := gen_random_uuid();
    NEW.salts := NULL;
    NEW.digests := NULL;
    NEW.erasure_id := NULL;"""
CHAIN, CHAIN_BEFORE = _CHAIN.replace("{more}", SEALED), _CHAIN.replace("    {more}\n", "")

# The one way in which words go. It returns what later stands in the chain for an entry of version 1, whose own hash nobody can
# check any more; an entry that is not what it was is left as it is found.
ERASE = """
CREATE FUNCTION audit_erase(number bigint, gone text[]) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    entry audit_logs%ROWTYPE;
    fields text[];
BEGIN
    SELECT * INTO entry FROM audit_logs WHERE id = number FOR UPDATE;
    IF entry.erasure_id IS NULL AND entry.hash <> audit_hash(entry) THEN
        RAISE EXCEPTION 'entry % is not what was written: its words stay until somebody has looked', number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_erase';
    END IF;
    IF entry.salt IS NULL AND entry.salts IS NULL THEN
        entry.salt := gen_random_uuid();
    END IF;
    SELECT array_agg(said.field) INTO fields FROM audit_words(entry) said
        WHERE said.field = ANY(gone) AND NOT coalesce(entry.digests ? said.field, false);
    IF fields IS NULL THEN
        RETURN CASE entry.version WHEN 1 THEN sha256(entry.hash || audit_rest(entry)) END;
    END IF;
    entry.digests := coalesce(entry.digests, '{}') || (
        SELECT jsonb_object_agg(key, value) FROM jsonb_each(audit_digests(entry)) WHERE key = ANY(fields));
    entry.salts := (SELECT coalesce(jsonb_object_agg(said.field,
            coalesce(entry.salts ->> said.field, audit_salt(entry.salt, said.field))), '{}')
        FROM audit_words(entry) said WHERE NOT entry.digests ? said.field);
    entry.salt := NULL;
    UPDATE audit_logs SET salt = NULL, salts = entry.salts, digests = entry.digests, erasure_id = erasing(),
        actor = CASE WHEN 'actor' = ANY(fields) THEN 'erased' ELSE actor END,
        object_id = CASE WHEN 'object_id' = ANY(fields) THEN 'erased' ELSE object_id END,
        reason = CASE WHEN 'reason' = ANY(fields) THEN NULL ELSE reason END,
        ip = CASE WHEN 'ip' = ANY(fields) THEN NULL ELSE ip END,
        before = CASE WHEN before IS NOT NULL THEN coalesce((SELECT jsonb_object_agg(key,
            CASE WHEN 'before.' || key = ANY(fields) THEN 'null' ELSE value END) FROM jsonb_each(entry.before)), '{}') END,
        after = CASE WHEN after IS NOT NULL THEN coalesce((SELECT jsonb_object_agg(key,
            CASE WHEN 'after.' || key = ANY(fields) THEN 'null' ELSE value END) FROM jsonb_each(entry.after)), '{}') END
        WHERE id = number RETURNING * INTO entry;
    RETURN CASE entry.version WHEN 1 THEN sha256(entry.hash || audit_rest(entry)) END;
END
$$
"""

# Whoever writes: nothing about an entry changes but that words are taken out, each leaving its digest.
ONLY_WORDS = """
CREATE FUNCTION audit_only_words_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF erasing() IS NULL OR NEW.erasure_id IS DISTINCT FROM erasing() OR OLD.action = 'customer.words_erased'
        OR NEW.salt IS NOT NULL
        OR (NEW.id, NEW.at, NEW.actor_kind, NEW.action, NEW.object_type, NEW.account_id, NEW.request_id, NEW.previous_hash,
            NEW.hash, NEW.version, NEW.before IS NULL, NEW.after IS NULL) IS DISTINCT FROM
           (OLD.id, OLD.at, OLD.actor_kind, OLD.action, OLD.object_type, OLD.account_id, OLD.request_id, OLD.previous_hash,
            OLD.hash, OLD.version, OLD.before IS NULL, OLD.after IS NULL)
        OR (NEW.version > 1 AND audit_hash(NEW) IS DISTINCT FROM NEW.hash)
        OR EXISTS (SELECT FROM audit_words(OLD) was FULL JOIN audit_words(NEW) now USING (field)
            WHERE was.words IS DISTINCT FROM now.words AND NOT (
                was.words IS NOT NULL AND NEW.digests ? field AND coalesce(now.words, 'null') IN ('null', 'erased')))
    THEN
        RAISE EXCEPTION 'audit_logs only grows: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$
"""

# The statement triggers let an erasure pass, and the row triggers look at what it does.
_GROWS = """
CREATE OR REPLACE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {unless}RAISE EXCEPTION 'audit_logs only grows: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""
_KEPT = """
CREATE OR REPLACE FUNCTION approvals_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {unless}RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""
_UNLESS = """IF TG_OP = 'UPDATE' AND TG_TABLE_NAME IN ('audit_logs', 'approval_votes') AND erasing() IS NOT NULL THEN
        RETURN NULL;
    END IF;
    """
GROWS, GROWS_BEFORE = _GROWS.replace("{unless}", _UNLESS), _GROWS.replace("{unless}", "")
KEPT, KEPT_BEFORE = _KEPT.replace("{unless}", _UNLESS), _KEPT.replace("{unless}", "")

# What somebody said when they agreed may name the person as well.
VOTES = """
CREATE FUNCTION approval_vote_words_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF erasing() IS NULL OR (NEW.id, NEW.approval_id, NEW.staff_id, NEW.person, NEW.verdict, NEW.at) IS DISTINCT FROM
        (OLD.id, OLD.approval_id, OLD.staff_id, OLD.person, OLD.verdict, OLD.at)
    THEN
        RAISE EXCEPTION '% only grows: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$
"""

_FUNCTIONS = (
    ("audit_only_words_go", ""), ("approval_vote_words_go", ""), ("audit_erase", "bigint, text[]"), ("audit_rest", "audit_logs"),
    ("audit_digests", "audit_logs"), ("audit_salt", "uuid, text"), ("audit_words", "audit_logs"), ("erasing", ""),
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", postgresql.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("forced_because", sa.Text(), nullable=True),
        sa.Column("obstacles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits_for", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("ck_erasures_state")),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_erasures_done")),
        sa.CheckConstraint("state = 'running' OR words IS NULL", name=op.f("ck_erasures_words_go")),
        sa.CheckConstraint("length(trim(reason)) > 0", name=op.f("ck_erasures_reason")),
        sa.CheckConstraint(
            "forced_because IS NOT NULL OR cardinality(obstacles) = 0", name=op.f("ck_erasures_forced_with_reason")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_erasures_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_account_id_begun_at_id"), "erasures", ["account_id", "begun_at", "id"])
    op.create_index(op.f("ix_erasures_customer_id_begun_at"), "erasures", ["customer_id", "begun_at"])
    op.create_index(
        "uq_erasures_running",
        "erasures",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "erasure_steps",
        sa.Column("erasure_id", postgresql.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("after_key", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name=op.f("fk_erasure_steps_erasure_id")),
        sa.PrimaryKeyConstraint("erasure_id", "name", name=op.f("pk_erasure_steps")),
    )
    op.create_table(
        "erased_objects",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("erasure_id", postgresql.UUID(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("swept_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name=op.f("fk_erased_objects_erasure_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erased_objects")),
    )
    op.create_index(op.f("ix_erased_objects_erasure_id"), "erased_objects", ["erasure_id"])
    op.create_index(
        "ix_erased_objects_unswept", "erased_objects", ["erased_at"], postgresql_where=sa.text("swept_at IS NULL")
    )
    # With a constant as default, no row is written.
    op.add_column("audit_logs", sa.Column("version", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column("audit_logs", sa.Column("salt", postgresql.UUID(), nullable=True))
    op.add_column("audit_logs", sa.Column("salts", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("audit_logs", sa.Column("digests", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("audit_logs", sa.Column("erasure_id", postgresql.UUID(), nullable=True))
    for function in (ERASING, WORDS, SALT, DIGESTS, REST, HASH, CHAIN, ERASE, ONLY_WORDS, GROWS, KEPT, VOTES):
        op.execute(sa.text(function.replace(":", r"\:")))
    op.execute(
        "CREATE TRIGGER audit_only_words_go BEFORE UPDATE ON audit_logs "
        "FOR EACH ROW EXECUTE FUNCTION audit_only_words_go()"
    )
    op.execute("ALTER TABLE audit_logs ENABLE ALWAYS TRIGGER audit_only_words_go")
    op.execute(
        "CREATE TRIGGER approval_vote_words_go BEFORE UPDATE ON approval_votes "
        "FOR EACH ROW EXECUTE FUNCTION approval_vote_words_go()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER approval_vote_words_go ON approval_votes")
    op.execute("DROP TRIGGER audit_only_words_go ON audit_logs")
    for function in (HASH_BEFORE, CHAIN_BEFORE, GROWS_BEFORE, KEPT_BEFORE):
        op.execute(sa.text(function.replace(":", r"\:")))
    for name, takes in _FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}({takes})")
    for name in ("erasure_id", "digests", "salts", "salt", "version"):
        op.drop_column("audit_logs", name)
    op.drop_table("erased_objects")
    op.drop_table("erasure_steps")
    op.drop_table("erasures")
