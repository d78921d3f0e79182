"""`/_control/clock`: read the world clock, or move it."""

from __future__ import annotations

import time
from typing import Any

from app.sandbox.ask import Ask
from app.sandbox.errors import invalid
from app.sandbox.routes import route


@route("GET", "/_control/clock")
def show(ask: Ask) -> dict[str, Any]:
    """Unix seconds; `offset` is how far the world is ahead of the real clock."""
    world = ask.sandbox.world
    return {"now": world.now, "offset": world.now - int(time.time()), "frozen": "frozen_at" in world.settings}


@route("POST", "/_control/clock")
def move(ask: Ask) -> dict[str, Any]:
    """{"advance": seconds} (may be negative) or {"to": second}, or {"freeze": true | second} and {"freeze": false}.

    Going forward runs every timer on the way, oldest first, each at its own moment; then this answers.
    """
    done = 0
    if "freeze" in ask.given:
        freeze = ask.given["freeze"]
        frozen_at = None if freeze is False else ask.sandbox.world.now if freeze is True else int(freeze)
        ask.sandbox.world.remember("frozen_at", frozen_at)
    elif "advance" in ask.given:
        done = ask.sandbox.timers.advance(ask.sandbox.world.now + int(ask.given["advance"]))
    elif "to" in ask.given:
        done = ask.sandbox.timers.advance(int(ask.given["to"]))
    else:
        raise invalid("Say advance, to or freeze.")
    return show(ask) | {"ran": done}
