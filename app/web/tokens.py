"""Session tokens: what the browser holds, and the digest of it that the database holds."""

import hashlib
import secrets
from datetime import timedelta

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
# How long a password counts as just given, for acts that ask for it again.
PROOF = timedelta(minutes=10)
# How long a browser is known that somebody signed in with; no browser keeps a cookie for longer.
DEVICE = timedelta(days=400)


def new_token() -> str:
    """256 random bits, fit for a cookie."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """The id of the session row. The token has full entropy, so a plain hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
