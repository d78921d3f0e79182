"""Requests that the sandbox makes of itself: a hosted page does what the shop could do over the API."""

from __future__ import annotations

from typing import Any

from app.sandbox import routes
from app.sandbox.errors import StripeError
from app.sandbox.params import Obj, Params
from app.sandbox.tx import Tx
from app.sandbox.world import NEWEST_VERSION


def call(tx: Tx, method: str, path: str, params: Params | None = None) -> Obj:
    """What this API request does, in this transaction and in the newest version; refusals are Stripe's.

    Parameters are as decoded from a form: leaves are text. None leaves one out.
    """
    found = routes.match(method, path)
    if found is None:
        raise StripeError(f"The sandbox has no {method} {path} yet.", status=404)
    handler, path_values = found
    kept = tx.params, tx.expand, tx.api_version
    tx.params, tx.expand, tx.api_version = _without_gaps(params or {}), [], NEWEST_VERSION
    try:
        answer: Obj = handler(tx, **path_values)
    finally:
        tx.params, tx.expand, tx.api_version = kept
    return answer


def as_params(value: Any) -> Any:
    """Stored values as a form would write them: numbers and booleans become text, nothing is left out."""
    if isinstance(value, dict):
        return {name: as_params(below) for name, below in value.items() if below is not None}
    if isinstance(value, list):
        return [as_params(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _without_gaps(params: Params) -> Params:
    return {name: value for name, value in params.items() if value is not None and value not in ({}, [])}
