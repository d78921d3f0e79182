"""Webhook signatures: `t=…,v1=…`, one v1 for every secret that is still good."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from psycopg2.extensions import cursor as Cursor  # noqa: N812


def header(payload: bytes, secrets: Iterable[str], *, at: int) -> str:
    """The Stripe-Signature of these bytes, signed at that Unix second."""
    signed = f"{at}.".encode() + payload
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])


def live_secrets(cursor: Cursor, *, now: int) -> dict[str, list[str]]:
    """Secrets by endpoint, the newest first; an old one stays good until it expires."""
    cursor.execute(
        "SELECT endpoint, secret FROM secrets WHERE expires_at IS NULL OR expires_at > %s"
        " ORDER BY expires_at DESC NULLS FIRST",
        (now,),
    )
    found: dict[str, list[str]] = {}
    for endpoint, secret in cursor.fetchall():
        found.setdefault(endpoint, []).append(secret)
    return found


def keep_secret(cursor: Cursor, endpoint: str, secret: str) -> None:
    cursor.execute("INSERT INTO secrets (endpoint, secret) VALUES (%s, %s)", (endpoint, secret))


def roll(cursor: Cursor, endpoint: str, secret: str, *, old_until: int) -> None:
    """A new secret signs from now on; the old ones sign beside it until `old_until`."""
    cursor.execute(
        "UPDATE secrets SET expires_at = %s WHERE endpoint = %s AND expires_at IS NULL", (old_until, endpoint)
    )
    keep_secret(cursor, endpoint, secret)
