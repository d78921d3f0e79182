"""`/_control/requests`: what was asked of the sandbox, and under which idempotency key."""

from __future__ import annotations

from typing import Any

from app.sandbox.ask import Ask
from app.sandbox.routes import route


@route("GET", "/_control/requests")
def index(ask: Ask) -> dict[str, Any]:
    """Oldest first; ?path= (prefix), ?method=, ?since= (the number of the last entry already seen)."""
    found = ask.sandbox.journal.entries(
        method=ask.given.get("method"), path=ask.given.get("path"), since=int(ask.given.get("since", 0))
    )
    return {"data": found, "count": len(found)}


@route("DELETE", "/_control/requests")
def clear(ask: Ask) -> dict[str, Any]:
    ask.sandbox.journal.clear()
    return {"count": 0}
