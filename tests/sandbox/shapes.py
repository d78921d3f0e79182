"""Does an object fit the types of the official SDK? Required fields present, every value of its type, nothing unknown."""

import types
from decimal import Decimal
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

import stripe
from stripe import StripeObject

UNTYPED = {"object", "deleted"}


def complaints(value: Any, cls: type[StripeObject], path: str) -> list[str]:
    """What is wrong with this JSON object, one line each."""
    found: list[str] = []
    wanted = {name: kind for name, kind in fields(cls).items() if not name.startswith("_")}
    for name, kind in wanted.items():
        if name not in value:
            if not is_optional(kind):
                found.append(f"{path}.{name} is missing")
        else:
            found += misfit(value[name], kind, f"{path}.{name}")
    return found + [f"{path}.{name} is unknown" for name in value if name not in wanted and name not in UNTYPED]


def fields(cls: type[StripeObject]) -> dict[str, Any]:
    """Annotations of the class and its bases; the SDK calls `items`-like clashes by their own names already."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if issubclass(base, StripeObject) and base is not StripeObject:
            found |= {name: kind for name, kind in vars(base).get("__annotations__", {}).items() if name.islower()}
    return {name: kind for name, kind in found.items() if get_origin(kind) is not ClassVar}


def is_optional(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType) and type(None) in get_args(kind)


def misfit(value: Any, kind: Any, path: str) -> list[str]:
    if get_origin(kind) in (Union, types.UnionType):
        return _none_fits(value, get_args(kind), path)
    if kind in (Any, object) or isinstance(kind, str):
        return []
    if isinstance(kind, ForwardRef):
        return _forward(value, kind.__forward_arg__, path)
    return _plain(value, kind, path)


def _plain(value: Any, kind: Any, path: str) -> list[str]:
    origin = get_origin(kind)
    if origin is Literal:
        return [] if value in get_args(kind) else [f"{path} is {value!r}"]
    if origin is list and isinstance(value, list):
        (inner,) = get_args(kind)
        return [line for number, item in enumerate(value) for line in misfit(item, inner, f"{path}[{number}]")]
    if origin is stripe.ListObject:
        return [] if isinstance(value, dict) and "data" in value else [f"{path} is no list object"]
    if isinstance(origin, type) and issubclass(origin, StripeObject):  # an open hash, as metadata is
        return [] if isinstance(value, dict) else [f"{path} is no hash"]
    if isinstance(kind, type) and issubclass(kind, StripeObject):
        return complaints(value, kind, path) if isinstance(value, dict) else [f"{path} is {value!r}, no hash"]
    return [] if _is_a(value, origin or kind) else [f"{path} is {value!r}, no {kind}"]


def _is_a(value: Any, kind: type) -> bool:
    """As JSON writes it: decimals are text, True is no number."""
    if kind is Decimal:
        return isinstance(value, str)
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    return isinstance(value, kind)


def _none_fits(value: Any, kinds: tuple[Any, ...], path: str) -> list[str]:
    """The complaints of the alternative that comes nearest."""
    if value is None:
        return [] if type(None) in kinds else [f"{path} is null"]
    tried = [misfit(value, kind, path) for kind in kinds if kind is not type(None)]
    return min(tried, key=len, default=[])


def _forward(value: Any, name: str, path: str) -> list[str]:
    cls = getattr(stripe, name, None)
    if isinstance(cls, type) and issubclass(cls, StripeObject):
        return complaints(value, cls, path) if isinstance(value, dict) else [f"{path} is {value!r}, no {name}"]
    return []
