"""Events as Stripe writes them down, and which endpoints want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.sandbox.params import Obj

if TYPE_CHECKING:
    from app.sandbox.tx import Tx


def make(tx: Tx, type: str, obj: Obj, previous: Obj | None) -> tuple[Obj, list[str]]:  # noqa: A002
    """The event object and the ids of the endpoints it goes to."""
    wanted = [endpoint["id"] for endpoint in tx.world.endpoints(tx) if wants(endpoint, type)]
    data: dict[str, Any] = {"object": obj}
    if previous is not None:
        data["previous_attributes"] = previous
    stamp = tx.world.settings.get("delivery", {}).get("same_second")
    event = {
        "id": tx.new_id("evt_"),
        "object": "event",
        "api_version": tx.world.default_version,
        "created": stamp if stamp is not None else tx.world_now,
        "data": data,
        "livemode": False,
        "pending_webhooks": len(wanted),
        "request": {"id": tx.request_id, "idempotency_key": tx.idempotency_key},
        "type": type,
    }
    return event, wanted


def wants(endpoint: Obj, type: str) -> bool:  # noqa: A002
    chosen = endpoint["enabled_events"]
    return "*" in chosen or type in chosen
