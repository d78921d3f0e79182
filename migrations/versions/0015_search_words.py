"""An index of our own for finding customers: PostgreSQL's wheel has neither trigrams nor case-blind text."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Small letters without accents. app/web/words.py does the same to what is typed; tests/search/test_words.py holds them together.
FOLD = r"""
CREATE FUNCTION search_fold(given text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(given) = length(given) THEN lower(given)
        ELSE replace(replace(replace(translate(lower(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]', '', 'g')),
            'øłđħıς', 'oldhiσ'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe') END
$$
"""

# Whatever stands between letters and digits, without asking the locale which those are.
SPLIT = r"""
CREATE FUNCTION search_split(given text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_remove(regexp_split_to_array(search_fold(given), '[\x01-\x2f:-@\[-`{-\x7f\u2010-\u2027]+'), '')
$$
"""

# n: a name, once from each of its words on and round, so that any of them, and any two in a row, begin an entry.
# a: an address as a whole, also where it stands as the name. p: its further parts. m: a value of the metadata.
WORDS = """
CREATE FUNCTION customer_words(name text, email text, metadata jsonb) RETURNS TABLE (kind text, word text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 'n', left(array_to_string(words[i:] || words[:i - 1], ' '), 120)
        FROM (SELECT (search_split(name))[:8] AS words WHERE name NOT LIKE '%@%') split,
            generate_series(1, cardinality(words)) i
    UNION
    SELECT 'a', left(search_fold(address), 200) FROM unnest(ARRAY[email, name]) address WHERE address LIKE '%@%'
    UNION
    SELECT 'p', left(part, 120) FROM unnest(ARRAY[email, name]) address,
        unnest((search_split(split_part(address, '@', 1)))[2:8] || search_fold(split_part(address, '@', 2))) part
        WHERE address LIKE '%@%' AND part <> ''
    UNION
    SELECT 'm', left(search_fold(value), 120) FROM jsonb_each_text(metadata) WHERE length(value) > 1
$$
"""

KNOW = """
CREATE FUNCTION know_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_words (account_id, kind, word, customer_id)
        SELECT fresh.account_id, words.kind, words.word, fresh.id
        FROM come fresh, customer_words(fresh.name, fresh.email, fresh.metadata) words
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$
"""

# The words of a row follow from the row alone, so the old row names exactly the entries that have to go.
FORGET = """
CREATE FUNCTION forget_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_words known USING gone stale, customer_words(stale.name, stale.email, stale.metadata) words
        WHERE (known.account_id, known.kind, known.word, known.customer_id)
            = (stale.account_id, words.kind, words.word, stale.id);
    RETURN NULL;
END
$$
"""

RENEW = """
CREATE FUNCTION renew_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM search_words known USING gone stale JOIN come fresh USING (id),
            customer_words(stale.name, stale.email, stale.metadata) words
        WHERE (stale.account_id, stale.name, stale.email, stale.metadata)
                IS DISTINCT FROM (fresh.account_id, fresh.name, fresh.email, fresh.metadata)
            AND (known.account_id, known.kind, known.word, known.customer_id)
                = (stale.account_id, words.kind, words.word, stale.id);
    INSERT INTO search_words (account_id, kind, word, customer_id)
        SELECT fresh.account_id, words.kind, words.word, fresh.id
        FROM come fresh JOIN gone stale USING (id), customer_words(fresh.name, fresh.email, fresh.metadata) words
        WHERE (stale.account_id, stale.name, stale.email, stale.metadata)
            IS DISTINCT FROM (fresh.account_id, fresh.name, fresh.email, fresh.metadata)
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "search_words",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "kind", "word", "customer_id", name=op.f("pk_search_words")),
    )
    for function in (FOLD, SPLIT, WORDS, KNOW, FORGET, RENEW):
        op.execute(sa.text(function.replace(":", r"\:")))
    # From here on whoever comes or changes is known; who was there before: "beside the traffic", further on.
    op.execute(
        "CREATE TRIGGER know_customers AFTER INSERT ON customers "
        "REFERENCING NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION know_customers()"
    )
    op.execute(
        "CREATE TRIGGER renew_customers AFTER UPDATE ON customers "
        "REFERENCING OLD TABLE AS gone NEW TABLE AS come FOR EACH STATEMENT EXECUTE FUNCTION renew_customers()"
    )
    op.execute(
        "CREATE TRIGGER forget_customers AFTER DELETE ON customers "
        "REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_customers()"
    )


def downgrade() -> None:
    for name in ("forget_customers", "renew_customers", "know_customers"):
        op.execute(f"DROP TRIGGER {name} ON customers")
        op.execute(f"DROP FUNCTION {name}()")
    op.execute("DROP FUNCTION customer_words(text, text, jsonb)")
    op.execute("DROP FUNCTION search_split(text)")
    op.execute("DROP FUNCTION search_fold(text)")
    op.drop_table("search_words")
