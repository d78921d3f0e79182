"""Indexes and first values of tables that are written all day, made while they are written.

Each statement here is a transaction of its own, and may have been done before: by this migration, when it was stopped halfway, or by
an earlier one of an installation that is older than it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

BATCH = 1_000
_HELD = "status = 'succeeded' AND NOT captured AND NOT refunded"
INDEXES = (
    ("ix_charges_held", f"charges (account_id, capture_before, id) WHERE {_HELD}"),
    ("ix_charges_blocked", "charges (account_id, created_at, id) WHERE outcome_type = 'blocked'"),
    ("ix_charges_fingerprint", "charges (fingerprint, created_at) WHERE fingerprint IS NOT NULL"),
    ("ix_gateway_calls_request_id", "gateway_calls (request_id)"),
    ("ix_customers_email_key", "customers (account_id, email_key(email), id)"),
    (
        "ix_payment_methods_owners",
        "payment_methods (account_id, fingerprint, customer_id) WHERE fingerprint IS NOT NULL AND customer_id IS NOT NULL",
    ),
    ("ix_webhook_events_customer", "webhook_events (customer_id, created_at, id) WHERE customer_id IS NOT NULL"),
)
# Until Stripe's own word comes with the next news: the shortest the networks allow.
HOLDS_END = f"""
UPDATE charges SET capture_before = created_at
    + CASE WHEN brand = 'visa' THEN interval '4 days 18 hours' ELSE interval '7 days' END
WHERE {_HELD} AND capture_before IS NULL
"""
LAST_OF_BATCH = sa.text(
    "SELECT max(id) FROM (SELECT id FROM customers WHERE id > :after ORDER BY id LIMIT :batch) batch"
)
# Held fast while their words are written: who changes one of them meanwhile waits, and then renews the words that stand there.
WORDS = sa.text("""
WITH batch AS MATERIALIZED (
    SELECT account_id, id, name, email, metadata FROM customers WHERE id > :after AND id <= :last ORDER BY id FOR SHARE
)
INSERT INTO search_words (account_id, kind, word, customer_id)
    SELECT batch.account_id, words.kind, words.word, batch.id
    FROM batch, customer_words(batch.name, batch.email, batch.metadata) words
    ON CONFLICT DO NOTHING
""")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, what in INDEXES:
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {what}")
        op.execute(HOLDS_END)
        _write_words()


def _write_words() -> None:
    """The words of all customers, batch by batch."""
    after = ""
    while last := op.get_bind().execute(LAST_OF_BATCH, {"after": after, "batch": BATCH}).scalar():
        op.get_bind().execute(WORDS, {"after": after, "last": last})
        after = last


def downgrade() -> None:
    for name, _ in reversed(INDEXES):
        op.execute(f"DROP INDEX {name}")
