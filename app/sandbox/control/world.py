"""`/_control/reset`, `health`, `idempotency/prune`, `account`: the world as a whole."""

from __future__ import annotations

import time
from typing import Any

from app.sandbox import versions
from app.sandbox.ask import Ask
from app.sandbox.routes import route


@route("POST", "/_control/reset")
def reset(ask: Ask) -> dict[str, Any]:
    """Empty the world. {"seed": 7} makes the ids of what follows the same every time."""
    seed = ask.given.get("seed")
    ask.sandbox.reset(seed=None if seed is None else int(seed))
    return {"now": ask.sandbox.world.now}


@route("GET", "/_control/health")
def health(ask: Ask) -> dict[str, Any]:
    with ask.sandbox.world.transaction() as tx:
        tx.cursor.execute("SELECT kind, count(*) FROM objects GROUP BY kind ORDER BY kind")
        counts = dict(tx.cursor.fetchall())
    return {"ok": True, "now": ask.sandbox.world.now, "objects": counts}


@route("POST", "/_control/idempotency/prune")
def prune(ask: Ask) -> dict[str, Any]:
    """Forget kept answers, as Stripe does after a day: all, or those older than `older_than` seconds."""
    limit = ask.sandbox.world.now - int(ask.given["older_than"]) if "older_than" in ask.given else None
    with ask.sandbox.world.transaction() as tx:
        tx.cursor.execute("DELETE FROM idempotency WHERE %(limit)s IS NULL OR created < %(limit)s", {"limit": limit})
        return {"pruned": tx.cursor.rowcount}


@route("POST", "/_control/account")
def account(ask: Ask) -> dict[str, Any]:
    """{"default_version": "2026-08-26.dahlia"}: what callers without a Stripe-Version header speak."""
    if "default_version" in ask.given:
        ask.sandbox.world.remember("default_version", versions.check(str(ask.given["default_version"])))
    return {"default_version": ask.sandbox.world.default_version, "time": time.time()}
