"""`/_control/objects`: put any object, however odd, and read all of a kind back for comparison."""

from __future__ import annotations

from typing import Any

from app.sandbox import codec
from app.sandbox.ask import Ask
from app.sandbox.errors import invalid
from app.sandbox.http import Reply
from app.sandbox.routes import route


@route("POST", "/_control/objects")
def put(ask: Ask) -> dict[str, Any]:
    """{"object": {…}} or {"objects": [{…}, …]}: stored as they are, silently; with "event": "charge.updated" (and
    "previous": {…}) one event for each. With neither wrapper the body itself is the object."""
    objects = ask.given.get("objects") or [
        ask.given["object"] if isinstance(ask.given.get("object"), dict) else ask.given
    ]
    emitted = []
    with ask.sandbox.world.transaction() as tx:
        for obj in objects:
            if not isinstance(obj.get("object"), str) or not isinstance(obj.get("id"), str):
                raise invalid("An object needs its `object` and its `id`.")
            tx.put(obj)
            if ask.given.get("event"):
                emitted.append(tx.emit(ask.given["event"], obj, ask.given.get("previous"))["id"])
    return {"count": len(objects), "events": emitted}


@route("GET", "/_control/objects")
def dump_all(ask: Ask) -> Reply:
    """Everything Stripe would show, newest first, one JSON text a line; at most ?limit= of them (default 1000)."""
    with ask.sandbox.world.transaction() as tx:
        tx.cursor.execute(
            "SELECT body FROM objects WHERE NOT deleted AND NOT starts_with(kind, 'sandbox.') ORDER BY seq DESC LIMIT %s",
            (int(ask.given.get("limit", 1000)),),
        )
        lines = [body for (body,) in tx.cursor.fetchall()]
    return Reply(200, "".join(line + "\n" for line in lines).encode(), content_type="application/x-ndjson")


@route("GET", "/_control/objects/{kind}")
def dump(ask: Ask, kind: str) -> Reply:
    """Every object of a kind in the newest shape, one JSON text a line, in id order (byte by byte)."""
    with ask.sandbox.world.transaction() as tx:
        tx.cursor.execute('SELECT body FROM objects WHERE kind = %s ORDER BY id COLLATE "C"', (kind,))
        lines = [body for (body,) in tx.cursor.fetchall()]
    return Reply(200, "".join(line + "\n" for line in lines).encode(), content_type="application/x-ndjson")


@route("GET", "/_control/objects/{kind}/{id}")
def show(ask: Ask, kind: str, id: str) -> Any:  # noqa: A002
    with ask.sandbox.world.transaction() as tx:
        return tx.require(kind, id, lock=False)


@route("POST", "/_control/objects/{kind}/{id}")
def change(ask: Ask, kind: str, id: str) -> Any:  # noqa: A002
    """{"set": {"metadata": {"a": "b"}, "description": null}}: change some fields of what is there, silently, or with
    "event": "charge.updated". Hashes are merged, everything else is replaced."""
    wanted = ask.given.get("set")
    if not isinstance(wanted, dict):
        raise invalid("Say what to set.", param="set")
    with ask.sandbox.world.transaction() as tx:
        obj = tx.require(kind, id)
        before = {name: obj.get(name) for name in wanted}
        after = _merged(obj, wanted)
        tx.put(after)
        if ask.given.get("event"):
            tx.emit(str(ask.given["event"]), after, before)
    return after


@route("DELETE", "/_control/objects/{kind}/{id}")
def remove(ask: Ask, kind: str, id: str) -> dict[str, Any]:  # noqa: A002
    """Take it out silently, as if it had never been."""
    with ask.sandbox.world.transaction() as tx:
        tx.remove(kind, id)
    return {"id": id, "removed": codec.dumps(kind).strip('"')}


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return old | {
        name: _merged(old[name], value) if isinstance(value, dict) and isinstance(old.get(name), dict) else value
        for name, value in new.items()
    }
