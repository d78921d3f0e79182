"""`/_control/specimens`: one answer of every shape that was given, if the server was started to keep them."""

from __future__ import annotations

from typing import Any

from app.sandbox.ask import Ask
from app.sandbox.routes import route


@route("GET", "/_control/specimens")
def index(ask: Ask) -> dict[str, Any]:
    """Method, path, api_version, status and body of each, in the order in which they were first given."""
    return {"on": ask.sandbox.specimens.on, "data": ask.sandbox.specimens.all()}
