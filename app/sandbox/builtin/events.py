"""Reading events back, and sending one again."""

from __future__ import annotations

from typing import Any

from app.sandbox import codec, lists, params, versions
from app.sandbox.errors import invalid
from app.sandbox.kinds import KINDS
from app.sandbox.params import Obj
from app.sandbox.routes import route
from app.sandbox.tx import Tx

_OPEN = "('waiting', 'sending', 'failed', 'dropped')"


@route("GET", "/v1/events")
def index(tx: Tx) -> lists.RawJson:
    """Newest first, by created, type, types[] (type may end in .*) and delivery_success."""
    where: list[lists.Condition] = []
    chosen = params.list_of(tx.params, "types")
    if chosen and "type" in tx.params:
        raise invalid("You may only specify one of these parameters: type, types.", param="types")
    if len(chosen) > 20:
        raise invalid("You may pass up to 20 event types.", param="types")
    if chosen:
        where.append(("type = ANY(%s)", [codec.column_text(str(one)) for one in chosen]))
    if str(tx.params.get("type", "")).endswith(".*"):
        where.append(("starts_with(type, %s)", codec.column_text(tx.params["type"][:-1])))
        del tx.params["type"]
    success = params.boolean(tx.params, "delivery_success")
    if success is not None:
        word = "NOT EXISTS" if success else "EXISTS"
        where.append(
            (f"{word} (SELECT 1 FROM deliveries d WHERE d.event = objects.id AND d.state IN {_OPEN} AND %s)", True)
        )
    rows, has_more = lists.rows_of(tx, KINDS["event"], where, also=("types", "delivery_success"))
    events = _shown(tx, [codec.loads(row) for row in rows])
    return lists.RawJson(codec.dumps({"object": "list", "data": events, "has_more": has_more, "url": "/v1/events"}))


@route("GET", "/v1/events/{id}")
def show(tx: Tx, id: str) -> lists.RawJson:  # noqa: A002
    params.allow(tx.params)
    return lists.RawJson(codec.dumps(_shown(tx, [tx.require("event", id, lock=False)])[0]))


@route("POST", "/v1/events/{id}/retry")
def retry(tx: Tx, id: str) -> Obj:  # noqa: A002
    """Queue the event again, for one endpoint or for all that are switched on."""
    params.allow(tx.params, "webhook_endpoint", "for_stripecli", "account")
    event = tx.require("event", id, lock=False)
    only = params.text(tx.params, "webhook_endpoint")
    if only:
        tx.require("webhook_endpoint", only, param="webhook_endpoint", lock=False)
    targets = [only] if only else [endpoint["id"] for endpoint in tx.world.endpoints(tx)]
    tx.deliver(id, targets)
    return event


def _shown(tx: Tx, events: list[Obj]) -> list[Any]:
    """Events in the shape of the version each was written with, with the deliveries still open counted."""
    tx.cursor.execute(
        f"SELECT event, count(*) FROM deliveries WHERE event = ANY(%s) AND state IN {_OPEN} GROUP BY event",
        ([event["id"] for event in events],),
    )
    counts: dict[str, int] = dict(tx.cursor.fetchall())
    for event in events:
        event["pending_webhooks"] = counts.get(event["id"], 0)
        versions.render(event, str(event.get("api_version") or tx.api_version))
    return events
