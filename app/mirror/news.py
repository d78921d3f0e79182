"""What came from Stripe, how new it is, and who heard it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from app import clock
from app.gateways.answer import Answer


@dataclass(frozen=True, slots=True)
class News:
    """How new the objects are that come with it.

    `seen_at`: whole second on Stripe's clock whose truth they hold. `heard_at`: our clock when the news arrived or the read began.
    `by_read`: we asked; of two reads the one that began later is right. `api_version`: the shape the objects have.
    """

    account_id: int
    seen_at: datetime
    heard_at: datetime
    by_read: bool
    api_version: str | None = None

    @classmethod
    def read(cls, answer: Answer, account_id: int) -> Self:
        """An answer we asked for. It may have been made up at any moment of the call, so it is only as new as its start."""
        began = answer.stripe_now - answer.elapsed
        seconds = began.replace(microsecond=0)
        return cls(account_id, seconds, answer.heard_at, by_read=True, api_version=answer.api_version)

    @classmethod
    def told(cls, event: dict[str, Any], account_id: int, heard_at: datetime) -> Self:
        """An event, delivered or listed. `heard_at` is when it reached us."""
        seen_at = clock.from_unix(int(event["created"]))
        return cls(account_id, seen_at, heard_at, by_read=False, api_version=event.get("api_version"))

    def later(self, by: timedelta) -> Self:
        """The same kind of news, heard `by` later; for tests and for several reads of one moment."""
        return type(self)(self.account_id, self.seen_at, self.heard_at + by, self.by_read, self.api_version)
