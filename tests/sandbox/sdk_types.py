"""Does an answer fit the types the official SDK declares? Walks annotations and names every place that does not."""

import importlib
import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import stripe
from stripe._object_classes import get_object_class

from tests.sandbox.client import Sandbox

JSON_KINDS: dict[Any, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    str: (str,),
    bool: (bool,),
    Decimal: (str,),
    type(None): (type(None),),
    Any: (object,),
}
PLAIN = (int, float, str, bool, type(None))


def misfits(value: Any, kind: type, path: str = "") -> Iterator[str]:
    """Fields that are missing although required, unknown to the SDK, or of another type."""
    hints = _hints(kind)
    known = {_wire(name): hint for name, hint in hints.items() if typing.get_origin(hint) is not typing.ClassVar}
    for name, hint in known.items():
        if name in value:
            yield from _check(value[name], hint, f"{path}.{name}")
        elif type(None) not in typing.get_args(hint) and name != "deleted":
            yield f"{path}.{name} is missing"
    for name in value:
        if name not in known:
            yield f"{path}.{name} is unknown to the SDK"


def _check(value: Any, hint: Any, path: str) -> Iterator[str]:
    if isinstance(hint, typing.ForwardRef | str):
        hint = _named(hint if isinstance(hint, str) else hint.__forward_arg__)
    origin = typing.get_origin(hint)
    if origin in {typing.Union, types.UnionType}:
        yield from _check_union(value, typing.get_args(hint), path)
    elif origin is typing.Literal:
        if value not in typing.get_args(hint):
            yield f"{path}: {value!r} is none of the literals"
    elif origin is list:
        yield from _check_list(value, typing.get_args(hint)[0], path)
    elif hint in JSON_KINDS:
        if not isinstance(value, JSON_KINDS[hint]) or (isinstance(value, bool) and hint in {int, float}):
            yield f"{path}: {value!r} is not {hint}"
    elif not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object"
    elif origin is None and issubclass(hint, stripe.StripeObject):
        yield from misfits(value, hint, path)


def _resolved(hint: Any) -> Any:
    quoted = hint.__forward_arg__ if isinstance(hint, typing.ForwardRef) else hint
    return _named(quoted) if isinstance(quoted, str) else hint


def _check_union(value: Any, options: tuple[Any, ...], path: str) -> Iterator[str]:
    """Nothing if one option fits, else what the nearest one misses; for an object, the nearest kind of object."""
    if isinstance(value, dict):
        options = tuple(option for option in options if option not in PLAIN) or options
    tries = [list(_check(value, option, path)) for option in options]
    if all(tries):
        yield from min(tries, key=len)


def _check_list(value: Any, hint: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is not a list"
        return
    for number, item in enumerate(value):
        yield from _check(item, hint, f"{path}[{number}]")


def _hints(kind: type) -> dict[str, Any]:
    return dict(kind.__annotations__)


def _wire(name: str) -> str:
    return name.rstrip("_")


def _named(name: str) -> Any:
    """`Charge`, `_refund.Refund` … as the SDK's modules write them in quotes."""
    last = name.rpartition(".")[2]
    for module in (stripe, stripe.radar):
        if hasattr(module, last):
            return getattr(module, last)
    if last in {"CardResource", "DisputeResource"}:
        return getattr(stripe, last.removesuffix("Resource"))
    try:
        return getattr(importlib.import_module(f"stripe._{last.lower()}"), last)
    except (ImportError, AttributeError):
        return Any


KNOWN = {"cash_balance.id is unknown to the SDK", "invoice.upcoming: invoice.id is missing"}
"""The store's own name for a cash balance, which the API does not show; and a preview, which has no id at Stripe either."""


def strangers(obj: dict[str, Any]) -> set[str]:
    """What an object of any kind (and the object inside an event) has that the SDK's type does not, or lacks."""
    kind = str(obj.get("object"))
    cls = get_object_class("V1", kind)
    found = (
        {f"{kind}{line}" for line in misfits(obj, cls)} if cls is not stripe.StripeObject else {f"{kind}: no such kind"}
    )
    if kind == "event" and not obj["data"]["object"].get("deleted"):
        found |= {f"{obj['type']}: {line}" for line in strangers(obj["data"]["object"])}
    return found - KNOWN


def strange_answers(sandbox: Sandbox) -> list[str]:
    """What is wrong with the answers since the last reset. Objects put there by hand, to be odd, are nobody's fault."""
    if sandbox.odd or sandbox.process is None:
        return []
    return sorted(set().union(*map(strange_answer, sandbox.specimens())))


ERROR_STATUSES = {400, 401, 402, 403, 404, 409, 429, 500, 503}


def strange_answer(specimen: dict[str, Any]) -> set[str]:
    """What one HTTP answer (as `Sandbox.specimens` has it) says otherwise than the SDK expects of its kind: an object with
    all that is expanded in it, a deleted one, a page of a list, or an error."""
    body, where = specimen["body"], f"{specimen['method']} {specimen['path']}"
    if specimen["status"] != 200:
        found = _strange_error(body) if specimen["status"] in ERROR_STATUSES else {f"status {specimen['status']}"}
    elif where.split()[1].startswith(UNDOCUMENTED):
        found = set()
    elif body.get("object") in ("list", "search_result"):
        found = _strange_page(body)
    else:
        found = _strange_object(body)
    return {f"{where}: {line}" for line in found if not line.endswith(CAME_WITH_ENDIVE)}


CAME_WITH_ENDIVE = "dispute.evidence_details.submission_method is missing"
"""Older callers and older endpoints' events do without it; `test_core_shapes` holds the newest version to it."""

UNDOCUMENTED = ("/v1/payment_pages/", "/v1/stripecli/")
"""What only Stripe's own programs ask for."""


def _strange_object(body: dict[str, Any]) -> set[str]:
    if body.get("deleted"):
        return set() if set(body) == {"id", "object", "deleted"} else {f"deleted, and has {sorted(body)}"}
    return strangers(body)


def _strange_page(page: dict[str, Any]) -> set[str]:
    wanted = {"object", "data", "has_more", "url"} | ({"next_page"} if page["object"] == "search_result" else set())
    found = {f"a page has {sorted(page)}"} if not wanted <= set(page) <= {*wanted, "total_count"} else set()
    return found.union(*(_strange_object(item) for item in page["data"]))


def _strange_error(body: dict[str, Any]) -> set[str]:
    if set(body) != {"error"}:
        return {f"an error has {sorted(body)}"}
    lines = {f"error{line}" for line in misfits(body["error"], stripe.ErrorObject)}
    return lines | ({"error.message is empty"} if not body["error"].get("message") else set())
