"""A shop with millions of rows, made in PostgreSQL: as wide as Stripe's, and with what is rare in it.

Each column goes by a hash of its own, so that chance alone brings them together; but refusals have reasons, cards have brands, and
two ways to pay and a brand were given up, so that their rows are all old.
"""

from sqlalchemy import text

from app.database import db

BATCH = 250_000
_CUSTOMERS = text("""
    INSERT INTO customers (id, account_id, created_at, raw, seen_at, heard_at, rank, name, email, country, metadata)
    SELECT 'cus_' || n, 1, timestamptz '2024-01-01' + n * interval '1 minute', '\\x00', now(), now(), 0, first || ' ' || last,
        lower(first) || '.' || lower(last) || n || '@' || (ARRAY['gmail.com', 'web.de', 'shop.example'])[1 + n % 3],
        (ARRAY['DE', 'US', 'GB', 'FR'])[1 + n % 4], jsonb_build_object('crm', 'C-' || n)
    FROM (
        SELECT n,
            (ARRAY['Anna', 'Jo', 'Maria', 'Peter', 'Łukasz', 'Ada', 'Grace', 'Alan', 'José', 'Mona', 'Berta', 'Otto', 'Ines',
                'Paul', 'Zoë', 'Karl', 'Lena', 'Tim', 'Eva', 'Noah', 'Mia', 'Emil', 'Ida', 'Hugo', 'Nora'])[1 + n % 25] AS first,
            (ARRAY['Berg', 'Linden', 'Schmidt', 'Mül', 'Hart', 'Wil', 'Rosen', 'Stein', 'Neu', 'Ober'])[1 + n / 25 % 10]
            || (ARRAY['mann', 'hofer', 'son', 'er', 'berg', 'feld', 'wald', 'thal', 'au', 'stad'])[1 + n / 250 % 10]
            || (ARRAY['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'k', 'l', 'm', 'n', 'o', 'p', 'r', 's', 't', 'u', 'w', 'z'])
                [1 + n / 2500 % 20] || (ARRAY['ey', 'is', 'ov', 'ek', 'in', 'us', 'ez', 'an', 'ic', 'os'])[1 + n / 50000 % 10]
                AS last
        FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n
    ) people
""")
# s, c, m, b, l, d: a number from 0 to 9,999 for each of state, currency, method, brand, country and decline code.
_CHARGES = text("""
    INSERT INTO charges (id, account_id, created_at, raw, seen_at, heard_at, rank, amount, amount_captured, amount_refunded,
        currency, status, captured, paid, refunded, disputed, customer_id, payment_intent_id, payment_method_id,
        balance_transaction_id, receipt_email, outcome_type, method_type, brand, last4, fingerprint, country, failure_code,
        decline_code)
    SELECT 'ch_' || lpad(n::text, 12, '0'), 1, timestamptz '2024-01-01' + n * interval '6 seconds',
        decode(repeat(md5(n::text), 53), 'hex'), now(), now(), 1, amount, CASE WHEN failed OR s < 1180 THEN 0 ELSE amount END,
        CASE WHEN s BETWEEN 1200 AND 1419 THEN amount WHEN s BETWEEN 1420 AND 1469 THEN amount / 2 ELSE 0 END,
        CASE WHEN c < 6000 THEN 'eur' WHEN c < 8500 THEN 'usd' WHEN c < 9500 THEN 'gbp' WHEN c < 9900 THEN 'jpy'
            WHEN c < 9998 THEN 'chf' ELSE 'isk' END,
        CASE WHEN failed THEN 'failed' WHEN s < 1160 THEN 'pending' ELSE 'succeeded' END,
        NOT failed AND s >= 1180, NOT failed AND s >= 1160, s BETWEEN 1200 AND 1419, s BETWEEN 1470 AND 1489,
        CASE WHEN s % 10 > 0 THEN 'cus_' || 1 + h % :customers END, 'pi_' || n, 'pm_' || h, 'txn_' || n,
        CASE WHEN s % 10 = 0 THEN 'guest' || h % 500000 || '@shop.example' END,
        CASE WHEN failed AND s < 30 THEN 'blocked' WHEN failed THEN 'issuer_declined' ELSE 'authorized' END,
        method, CASE WHEN method = 'card' THEN CASE WHEN b < 5500 THEN 'visa' WHEN b < 9000 THEN 'mastercard'
            WHEN b < 9800 THEN 'amex' WHEN b < 9980 AND n < :charges / 3 THEN 'discover'
            WHEN b < 9980 THEN 'visa' ELSE 'jcb' END END,
        lpad((h / 7 % 10000)::text, 4, '0'), 'fp' || h % 3000000,
        CASE WHEN l < 5 THEN 'IS' WHEN l < 100 THEN 'PT' WHEN l < 600 THEN 'AT' WHEN l < 1600 THEN 'NL' WHEN l < 2600 THEN 'ES'
            WHEN l < 4200 THEN 'FR' WHEN l < 5800 THEN 'GB' WHEN l < 7800 THEN 'US' ELSE 'DE' END,
        CASE WHEN failed THEN 'card_declined' END,
        CASE WHEN failed THEN CASE WHEN d < 4000 THEN 'insufficient_funds' WHEN d < 6500 THEN 'do_not_honor'
            WHEN d < 8500 THEN 'generic_decline' WHEN d < 9500 THEN 'expired_card' WHEN d < 9950 THEN 'lost_card'
            ELSE 'pickup_card' END END
    FROM (
        SELECT *, s < 1100 AS failed,
            CASE WHEN m < 8000 THEN 'card' WHEN m < 9300 THEN 'sepa_debit' WHEN m < 9700 AND n < :charges * 2 / 5 THEN 'sofort'
                WHEN m < 9990 THEN 'ideal' ELSE 'klarna' END AS method,
            CASE WHEN a < 3000 THEN 4990 ELSE 100 + (power(a / 10000.0, 6) * 900000)::bigint + h % 1000 END AS amount
        FROM (
            SELECT n, abs(hashint4(n)::bigint) AS h, mod(abs(hashint8extended(n, 1)), 10000) AS s,
                mod(abs(hashint8extended(n, 2)), 10000) AS c, mod(abs(hashint8extended(n, 3)), 10000) AS m,
                mod(abs(hashint8extended(n, 4)), 10000) AS b, mod(abs(hashint8extended(n, 5)), 10000) AS l,
                mod(abs(hashint8extended(n, 6)), 10000) AS d, mod(abs(hashint8extended(n, 7)), 10000) AS a
            FROM generate_series(CAST(:first AS int), CAST(:last AS int)) n
        ) hashed
    ) paid
""")
_REFUNDS = text("""
    INSERT INTO refunds (stripe_id, account_id, created_at, raw, seen_at, heard_at, rank, amount, currency, status,
        charge_id, reason)
    SELECT 're_' || substr(id, 4), 1, created_at + interval '3 days', '\\x00', now(), now(), 1, amount_refunded, currency,
        CASE WHEN right(id, 2) = '07' THEN 'failed' ELSE 'succeeded' END, id, 'requested_by_customer'
    FROM charges WHERE amount_refunded > 0
""")
_DISPUTES = text("""
    INSERT INTO disputes (id, account_id, created_at, raw, seen_at, heard_at, rank, amount, currency, status, reason, charge_id,
        is_charge_refundable)
    SELECT 'dp_' || substr(id, 4), 1, created_at + interval '20 days', '\\x00', now(), now(), 1, amount, currency,
        CASE WHEN right(id, 1) = '7' THEN 'won' ELSE 'lost' END, CASE WHEN right(id, 1) < '8' THEN 'fraudulent' ELSE 'general' END,
        id, false
    FROM charges WHERE disputed
""")


def fill(customers: int, charges: int) -> None:
    """Into an empty database. Indexes of payments are made at the end, each in one go."""
    db.session.execute(text("INSERT INTO accounts (stripe_id, livemode, created_at) VALUES ('acct_1', false, now())"))
    for first in range(1, customers + 1, BATCH):
        db.session.execute(_CUSTOMERS, {"first": first, "last": min(first + BATCH - 1, customers)})
        db.session.commit()
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'charges' AND indexdef NOT LIKE '%UNIQUE%'"
    known = db.session.execute(text(indexes)).all()
    for name, _ in known:
        db.session.execute(text(f"DROP INDEX {name}"))
    for first in range(1, charges + 1, BATCH):
        values = {"first": first, "last": min(first + BATCH - 1, charges), "customers": customers, "charges": charges}
        db.session.execute(_CHARGES, values)
        db.session.commit()
    db.session.execute(_REFUNDS)
    db.session.execute(_DISPUTES)
    for _, definition in known:
        db.session.execute(text(definition))
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE charges, customers, search_words, refunds, disputes"))
