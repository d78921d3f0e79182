"""Token buckets in PostgreSQL, so that all processes count together."""

from sqlalchemy import text

from app.database import db

_TAKE = text("""
    INSERT INTO rate_buckets AS b (name, tokens, filled_at) VALUES (:name, :most - 1, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET filled_at = clock_timestamp(),
       tokens = least(:most, b.tokens + :rate * extract(epoch FROM clock_timestamp() - b.filled_at)) - 1
     WHERE least(:most, b.tokens + :rate * extract(epoch FROM clock_timestamp() - b.filled_at)) >= 1
    RETURNING tokens
""")


def take(name: str, *, per_minute: float, burst: float) -> float | None:
    """In the caller's transaction: one token of this bucket; answers how many are left, or None when there was none.

    burst: how many may be taken at once.
    """
    left = db.session.execute(_TAKE, {"name": name, "rate": per_minute / 60, "most": burst}).scalar()
    return None if left is None else float(left)
