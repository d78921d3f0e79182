"""What we asked Stripe to change about a thing, as developers and curious agents want to see it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from app.database import db
from app.models.gateway_call import GatewayCall

_AT_MOST = 50
_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """One write to Stripe and how it went. `sent`: its fields, without what is empty; nothing personal was ever kept of it."""

    call: GatewayCall

    @property
    def tone(self) -> str:
        return "wait" if self.call.status is None else "good" if self.call.status < _FIRST_ERROR else "bad"

    @property
    def words(self) -> str:
        """The HTTP status, with Stripe's code for the error if there is one."""
        return " ".join(str(part) for part in (self.call.status or "No answer", self.call.error) if part)

    @property
    def what(self) -> str:
        return f"{self.call.method} {self.call.path}"

    @property
    def sent(self) -> dict[str, Any]:
        try:
            found = orjson.loads(self.call.parameters or "{}")
        except orjson.JSONDecodeError:
            return {"unreadable": self.call.parameters}
        fields = found if isinstance(found, dict) else {}
        return {name: value for name, value in fields.items() if value not in ("", None)}


def with_key(key: str) -> list[Asked]:
    """Every write that was sent with this idempotency key, newest first."""
    asked = select(GatewayCall).where(GatewayCall.idempotency_key == key).order_by(GatewayCall.id.desc())
    return [Asked(call) for call in db.session.scalars(asked.limit(_AT_MOST))]


def about(object_ids: Iterable[str | None]) -> list[Asked]:
    """The newest writes to Stripe about these things, newest first; the ids are of one account, so the calls are."""
    ids = [found for found in object_ids if found]
    asked = select(GatewayCall).where(GatewayCall.object_id.in_(ids)).order_by(GatewayCall.id.desc()).limit(_AT_MOST)
    return [Asked(call) for call in db.session.scalars(asked)] if ids else []
