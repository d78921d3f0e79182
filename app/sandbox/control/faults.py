"""`/_control/faults`: switch failures on and off. The fields of a fault are those of `app.sandbox.faults.Fault`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.sandbox.ask import Ask
from app.sandbox.errors import invalid
from app.sandbox.routes import route


@route("GET", "/_control/faults")
def index(ask: Ask) -> dict[str, Any]:
    return {"data": ask.sandbox.faults.as_list()}


@route("POST", "/_control/faults")
def add(ask: Ask) -> dict[str, Any]:
    """{"method": "POST", "path": "/v1/refunds*", "times": 1, "when": "after", "status": 500, ...}"""
    try:
        return asdict(ask.sandbox.faults.add(ask.given))
    except TypeError as error:
        raise invalid(str(error)) from error


@route("DELETE", "/_control/faults")
def clear(ask: Ask) -> dict[str, Any]:
    ask.sandbox.faults.clear()
    return {"data": []}


@route("DELETE", "/_control/faults/{id}")
def clear_one(ask: Ask, id: str) -> dict[str, Any]:  # noqa: A002
    ask.sandbox.faults.clear(id)
    return {"data": ask.sandbox.faults.as_list()}
