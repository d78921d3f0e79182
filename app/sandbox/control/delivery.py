"""`/_control/delivery`: hold, lose, double and disorder the webhooks; `/_control/webhook_endpoints`: chosen secrets."""

from __future__ import annotations

import time
from typing import Any

from app.sandbox import signing
from app.sandbox.ask import Ask
from app.sandbox.deliveries import RETRY
from app.sandbox.errors import invalid
from app.sandbox.routes import route

Asked = dict[str, Any]


@route("GET", "/_control/delivery")
def show(ask: Ask) -> dict[str, Any]:
    """The switches, and how many deliveries are waiting, sending, done, failed, dropped."""
    with ask.sandbox.world.transaction() as tx:
        tx.cursor.execute("SELECT state, count(*) FROM deliveries GROUP BY state")
        counts = dict(tx.cursor.fetchall())
    states = {state: counts.get(state, 0) for state in ("waiting", "sending", "done", "failed", "dropped")}
    return {"settings": ask.sandbox.deliverer.settings, "deliveries": states}


@route("POST", "/_control/delivery")
def switch(ask: Ask) -> dict[str, Any]:
    """{"mode": …}: the modes are the keys of `_MODES`; they add up until "off"."""
    mode = ask.given.get("mode")
    if mode not in _MODES:
        raise invalid(f"mode is one of {', '.join(_MODES)}", param="mode")
    settings = {} if mode == "off" else ask.sandbox.deliverer.settings
    ask.sandbox.world.remember("delivery", settings | _MODES[mode]({"at": ask.sandbox.world.now} | ask.given))
    ask.sandbox.deliverer.ring()
    if mode == "hold":  # what is on its way already arrives before this answer
        for _ in range(200):
            if ask.sandbox.deliverer.sending == 0:
                break
            time.sleep(0.01)
    return show(ask)


def _hold(_: Asked) -> Asked:
    return {"hold": True}


def _release(given: Asked) -> Asked:
    """`order` ("reverse" or "shuffle" with `seed`) counts for what was held only."""
    order = {"order": given["order"], "seed": given.get("seed"), "once": True} if given.get("order") else {}
    return {"hold": False} | order


def _drop(given: Asked) -> Asked:
    """Lose the next `n` (default: all), of these `types` (default: any); they are never tried again."""
    return {"drop": {"left": given.get("n"), "types": given.get("types")}}


def _duplicate(given: Asked) -> Asked:
    """Send everything `n` more times, at the same time."""
    return {"duplicate": int(given.get("n", 1))}


def _in_order(_: Asked) -> Asked:
    """One after the other, as they were emitted."""
    return {"order": "as_emitted"}


def _reorder(given: Asked) -> Asked:
    """Gather for `window` seconds, then newest first, one after the other."""
    return {"order": "reverse", "window": float(given.get("window", 0.3))}


def _shuffle(given: Asked) -> Asked:
    """Gather for `window` seconds, then in an order that depends on `seed` only."""
    return {"order": "shuffle", "seed": given.get("seed", 0), "window": float(given.get("window", 0.3))}


def _same_second(given: Asked) -> Asked:
    """Every event from now on says it was created in this second (`at`, default now)."""
    return {"same_second": int(given["at"])}


def _retry(given: Asked) -> Asked:
    """base, factor, longest, timeout (seconds) and attempts, see `deliveries.RETRY`."""
    return {"retry": {name: given[name] for name in RETRY if name in given}}


def _sign_with(given: Asked) -> Asked:
    """`clock`: "real" (default) or "world"; the second makes signatures stale when the world clock is moved."""
    return {"sign_with": given.get("clock", "world")}


_MODES = {
    "off": lambda _: {},
    "hold": _hold,
    "release": _release,
    "drop": _drop,
    "duplicate": _duplicate,
    "in_order": _in_order,
    "reorder": _reorder,
    "shuffle": _shuffle,
    "same_second": _same_second,
    "retry": _retry,
    "sign_with": _sign_with,
}


@route("GET", "/_control/deliveries")
def index(ask: Ask) -> dict[str, Any]:
    """Every delivery with its tries, oldest first; ?event= and ?state= narrow it."""
    with ask.sandbox.world.transaction() as tx:
        tx.cursor.execute(
            "SELECT d.id, d.event, o.type, d.endpoint, d.state, d.attempts, d.last_status, d.last_error FROM deliveries d"
            " LEFT JOIN objects o ON o.kind = 'event' AND o.id = d.event"
            " WHERE (%(event)s IS NULL OR d.event = %(event)s) AND (%(state)s IS NULL OR d.state = %(state)s) ORDER BY d.id",
            {"event": ask.given.get("event"), "state": ask.given.get("state")},
        )
        names = ("id", "event", "type", "endpoint", "state", "attempts", "last_status", "last_error")
        return {"data": [dict(zip(names, row, strict=True)) for row in tx.cursor.fetchall()]}


@route("POST", "/_control/deliveries/now")
def now(ask: Ask) -> dict[str, Any]:
    """Do not wait for the next try of what failed: everything that waits is due now."""
    with ask.sandbox.world.transaction() as tx:
        tx.cursor.execute("UPDATE deliveries SET due_at = 0 WHERE state = 'waiting'")
    ask.sandbox.deliverer.ring()
    return show(ask)


@route("POST", "/_control/webhook_endpoints")
def add_endpoint(ask: Ask) -> dict[str, Any]:
    """An endpoint with a secret of your choice: {"url", "secret", "enabled_events"?, "api_version"?}."""
    return ask.sandbox.add_endpoint(
        ask.given["url"],
        ask.given.get("secret"),
        events=ask.given.get("enabled_events"),
        version=ask.given.get("api_version"),
    )


@route("POST", "/_control/webhook_endpoints/{id}/roll")
def roll(ask: Ask, id: str) -> dict[str, Any]:  # noqa: A002
    """A new secret (`secret`, or one is made); the old one signs beside it for `expire_after` seconds (default a day)."""
    with ask.sandbox.world.transaction() as tx:
        tx.require("webhook_endpoint", id)
        secret = ask.given.get("secret") or tx.new_id("whsec_", 32)
        signing.roll(tx.cursor, id, secret, old_until=int(time.time()) + int(ask.given.get("expire_after", 86400)))
    return {"id": id, "secret": secret}
