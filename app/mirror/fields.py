"""Small words for reading Stripe's objects: ids that may be expanded, unix times that may be missing."""

from datetime import UTC, date, datetime
from typing import Any

Obj = dict[str, Any]
Row = dict[str, Any]

_NOTHING: Obj = {}


def ref(value: Any) -> str | None:
    """The id, whether Stripe sent the id or, expanded, the whole object."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else None


def when(value: Any) -> datetime | None:
    """Unix seconds as an instant; 0, null and nonsense are nothing."""
    if not value or not isinstance(value, int):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def day(value: Any) -> date | None:
    """Unix seconds as the day they fall on in UTC."""
    instant = when(value)
    return instant.date() if instant else None


def part(obj: Obj, *names: str) -> Obj:
    """The object inside the object: `part(invoice, "parent", "subscription_details")`; an empty one when any of them is missing."""
    for name in names:
        inner = obj.get(name)
        if not isinstance(inner, dict):
            return _NOTHING
        obj = inner
    return obj


def typed(obj: Obj) -> Obj:
    """The part that is named by the object's own type: the card of a card, the `sepa_debit` of a `sepa_debit`."""
    inner = obj.get(obj.get("type") or "")
    return inner if isinstance(inner, dict) else _NOTHING


def nested(obj: Obj, name: str) -> list[Obj]:
    """The objects of a list inside the object, as far as Stripe sent them."""
    data = part(obj, name).get("data")
    return [inner for inner in data if isinstance(inner, dict)] if isinstance(data, list) else []


def is_cut(obj: Obj, name: str) -> bool:
    """Stripe sent only the first objects of the list inside."""
    return bool(part(obj, name).get("has_more"))


def whole(value: Any) -> int | None:
    """A whole number, or nothing: quantities may be decimals."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def problem(error: Any) -> Obj | None:
    """An error as an agent needs it, without the objects (and their client secrets) that Stripe embeds."""
    if not isinstance(error, dict):
        return None
    wanted = ("type", "code", "decline_code", "advice_code", "network_decline_code", "message", "param", "charge")
    kept = {name: error[name] for name in wanted if error.get(name) is not None}
    return kept | {"payment_method": ref(error.get("payment_method"))}


def next_step(action: Any) -> Obj | None:
    """What the customer has to do; never the address it happens at, which holds a client secret."""
    if not isinstance(action, dict):
        return None
    return {name: action[name] for name in ("type", "verify_with_microdeposits") if name in action}
