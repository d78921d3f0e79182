"""Who is acting: passed by hand from the door to the audit row, so that no act is ever anonymous."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Actor:
    """kind: staff, job, stripe, customer, api_key or command. `name`: an e-mail address, or the name of the job or command."""

    kind: str
    name: str
    ip: str | None = None
    request_id: str | None = None

    @classmethod
    def job(cls, name: str) -> Self:
        return cls("job", name)

    @classmethod
    def command(cls, name: str) -> Self:
        return cls("command", name)

    @classmethod
    def stripe(cls) -> Self:
        return cls("stripe", "Stripe")

    def __str__(self) -> str:
        return self.name
