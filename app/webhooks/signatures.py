"""Is this request really from Stripe? Decided over the raw bytes, before anything in them is believed.

Own code and not the SDK's check: that one accepts timestamps from the future and fails with five foreign errors on bad input.
"""

import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

from app.errors import BadRequest

# Both ways: an old request may be replayed, one from the future was signed by a clock that cannot be trusted.
TOLERANCE_SECONDS = 300
_LONGEST_HEADER = 4_096
_LONGEST_TIMESTAMP = 12


class NotBelieved(BadRequest):
    """The request is not a fresh event that Stripe signed for us. The message is the reason, without anything secret.

    `event_id` is known only where the signature was right.
    """

    def __init__(self, reason: str, *, event_id: str | None = None) -> None:
        super().__init__(reason)
        self.event_id = event_id


def verify(body: bytes, header: str | None, secrets: Sequence[str], *, now: datetime) -> None:
    """Return when one `v1` signature fits one of the secrets and the time is right.

    Several secrets are accepted while one is being rolled. An empty one signs nothing: it is skipped.

    Raises:
        NotBelieved: always with a reason; whatever the header holds, no other error leaves this function.
    """
    timestamp, given = _read(header)
    signed = timestamp.encode() + b"." + body
    expected = [hmac.new(secret.encode(), signed, sha256).hexdigest().encode() for secret in usable(secrets)]
    # Every pair is compared, each in constant time: the answer's delay tells nothing.
    fits = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    if not any(fits):
        raise NotBelieved("No signature fits.")
    skew = int(timestamp) - now.timestamp()
    if abs(skew) > TOLERANCE_SECONDS:
        when = "ahead of" if skew > 0 else "behind"
        raise NotBelieved(f"The signature's time is {abs(skew):.0f} seconds {when} our clock.")


def usable(secrets: Iterable[str]) -> list[str]:
    """The secrets that are secrets: anybody can sign with an empty one."""
    return [secret for secret in secrets if secret.strip()]


def _read(header: str | None) -> tuple[str, list[bytes]]:
    """The timestamp's digits and every `v1` of `t=1,v1=…,v1=…`; other schemes prove nothing and are passed over."""
    if not header:
        raise NotBelieved("There is no signature.")
    if len(header) > _LONGEST_HEADER or not header.isascii():
        raise NotBelieved("The signature cannot be read.")
    pairs = [item.strip().partition("=") for item in header.split(",")]
    timestamps = [value for name, _, value in pairs if name == "t"]
    if len(timestamps) != 1 or not timestamps[0].isdigit() or len(timestamps[0]) > _LONGEST_TIMESTAMP:
        raise NotBelieved("The signature has no readable time.")
    signatures = [value.encode() for name, _, value in pairs if name == "v1"]
    if not signatures:
        raise NotBelieved("There is no v1 signature.")
    return timestamps[0], signatures
