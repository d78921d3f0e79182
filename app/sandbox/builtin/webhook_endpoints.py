"""Webhook endpoints: where events go, which of them, in which version's shape."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.sandbox import params, signing, versions
from app.sandbox.errors import invalid
from app.sandbox.params import Obj
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("POST", "/v1/webhook_endpoints")
def create(tx: Tx) -> Obj:
    """The only answer that shows the secret."""
    params.allow(tx.params, "url", "enabled_events", "api_version", "description", "metadata", "connect")
    params.need(tx.params, "url", "enabled_events")
    version = params.text(tx.params, "api_version")
    secret = tx.new_id("whsec_", 32)
    endpoint: Obj = {
        "id": tx.new_id("we_"),
        "object": "webhook_endpoint",
        "api_version": versions.check(version) if version else None,
        "application": None,
        "created": tx.now,
        "description": params.text(tx.params, "description"),
        "enabled_events": _events(tx),
        "livemode": False,
        "metadata": params.metadata(tx.params),
        "status": "enabled",
        "url": _url(tx),
    }
    tx.put(endpoint)
    signing.keep_secret(tx.cursor, endpoint["id"], secret)
    return endpoint | {"secret": secret}


@route("POST", "/v1/webhook_endpoints/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    params.allow(tx.params, "url", "enabled_events", "disabled", "description", "metadata")
    endpoint = tx.require("webhook_endpoint", id)
    if "url" in tx.params:
        endpoint["url"] = _url(tx)
    if "enabled_events" in tx.params:
        endpoint["enabled_events"] = _events(tx)
    if "description" in tx.params:
        endpoint["description"] = params.text(tx.params, "description")
    disabled = params.boolean(tx.params, "disabled")
    if disabled is not None:
        endpoint["status"] = "disabled" if disabled else "enabled"
    endpoint["metadata"] = params.metadata(tx.params, endpoint["metadata"])
    tx.put(endpoint)
    return endpoint


@route("DELETE", "/v1/webhook_endpoints/{id}")
def delete(tx: Tx, id: str) -> Obj:  # noqa: A002
    tx.require("webhook_endpoint", id)
    tx.remove("webhook_endpoint", id)
    tx.cursor.execute("DELETE FROM secrets WHERE endpoint = %s", (id,))
    return {"id": id, "object": "webhook_endpoint", "deleted": True}


def _url(tx: Tx) -> str:
    url = params.text(tx.params, "url") or ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise invalid(
            "Invalid URL: An explicit scheme (such as https) must be provided.", param="url", code="url_invalid"
        )
    return url


def _events(tx: Tx) -> list[str]:
    chosen = params.list_of(tx.params, "enabled_events")
    if not chosen or not all(isinstance(name, str) and name for name in chosen):
        raise invalid("Invalid array", param="enabled_events")
    if "*" in chosen and len(chosen) > 1:
        raise invalid("You cannot list other events together with '*'.", param="enabled_events")
    return chosen
