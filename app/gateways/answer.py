"""What Stripe answered, and when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A certain answer of Stripe.

    `body`: the JSON object. `stripe_now`: the Date header, whole seconds on Stripe's clock. `heard_at`: our clock just before the
    call was sent. `elapsed`: how long it took, by a clock that never jumps. `replayed`: Stripe had answered this key before.
    """

    body: dict[str, Any]
    status: int
    request_id: str | None
    stripe_now: datetime
    heard_at: datetime
    elapsed: timedelta
    api_version: str | None
    replayed: bool = False

    @property
    def data(self) -> list[dict[str, Any]]:
        """The objects of a list page."""
        found = self.body.get("data")
        return found if isinstance(found, list) else []

    @property
    def has_more(self) -> bool:
        return bool(self.body.get("has_more"))
