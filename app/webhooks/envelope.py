"""An event of Stripe, read from bytes that may hold anything."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app import clock
from app.mirror import erased, raw
from app.mirror.fields import ref
from app.webhooks.signatures import NotBelieved

_ID = re.compile(r"evt_[0-9A-Za-z_]{1,250}")
_TYPE = re.compile(r"[0-9a-z_.]{1,200}")
_NAME = re.compile(r"[0-9A-Za-z_.:-]{1,255}")
_KIN = tuple(name.removesuffix("_id") for name in erased.KIN)


class ThinEvent(NotBelieved):
    """An event of Stripe's second generation: it carries no object, and we asked for none."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of one event before it is understood.

    `created_at` is a whole second on Stripe's clock. `thing` is data.object; `object_id` is None where it has no id.
    `customer_id`: whose object it is, or was before the event.
    `account` names a connected account, None means our own. `body`: the whole event as JSON, as it may be stored.
    `headers`: of the request it came with, as far as they are kept.
    """

    id: str
    type: str
    created_at: datetime
    livemode: bool
    account: str | None
    api_version: str | None
    request_id: str | None
    object_id: str | None
    object_type: str | None
    thing: dict[str, Any] = field(repr=False)
    body: bytes = field(repr=False)
    customer_id: str | None = None
    headers: dict[str, str] | None = None

    @property
    def about(self) -> list[str]:
        """Ids by which an erased person would be recognised: the object's own, and those of what it belongs to."""
        named = (ref(self.thing.get(name)) for name in _KIN)
        payment = self.thing.get("payment")
        paid = (ref(payment.get(name)) for name in ("payment_intent", "charge")) if isinstance(payment, dict) else ()
        return list({key: None for key in (self.object_id, self.customer_id, *named, *paid) if _name(key)})


def read(body: bytes, headers: dict[str, str] | None = None) -> Envelope:
    """The event in these bytes.

    Raises:
        ThinEvent, NotBelieved: with a reason; whatever the bytes are, no other error leaves this function.
    """
    return of(_decode(body), headers)


def of(event: object, headers: dict[str, str] | None = None) -> Envelope:
    """The event in this decoded JSON, as the list of events answers it.

    Raises:
        ThinEvent, NotBelieved: a field is missing or of another shape.
    """
    if not isinstance(event, dict):
        raise NotBelieved("The body is not an object.")
    if event.get("object") == "v2.core.event":
        raise ThinEvent("A thin event: it carries no object.")
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(thing, dict):
        raise NotBelieved("The event carries no object.")
    # Whoever holds it can confirm the payment; it is not ours to keep.
    thing = {name: value for name, value in thing.items() if name != "client_secret"}
    livemode = event.get("livemode")
    if not isinstance(livemode, bool):
        raise NotBelieved("The event names no mode.")
    return Envelope(
        id=_matching(_ID, event.get("id"), "id"),
        type=_matching(_TYPE, event.get("type"), "type"),
        created_at=_instant(event.get("created")),
        livemode=livemode,
        account=_account(event.get("account")),
        api_version=_name(event.get("api_version")),
        request_id=_request_id(event.get("request")),
        object_id=_name(thing.get("id")),
        object_type=_name(thing.get("object")),
        thing=thing,
        body=raw.body_of({**event, "data": {**data, "object": thing}})[1],
        customer_id=_customer(thing, data.get("previous_attributes")),
        headers=headers,
    )


def _decode(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # A lone surrogate is legal JSON that the fast decoder refuses; a customer's name must not cost us an event.
        if b"\\ud" in body or b"\\uD" in body:
            return _decode_with_surrogates(body)
        raise NotBelieved("The body is not JSON.") from error


def _decode_with_surrogates(body: bytes) -> object:
    """The slow way: half a character becomes the replacement character, U+FFFD."""
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
        decoded: object = orjson.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except (ValueError, RecursionError) as error:
        raise NotBelieved("The body is not JSON.") from error
    return decoded


def _matching(pattern: re.Pattern[str], value: object, name: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise NotBelieved(f"The event has no usable {name}.")
    return value


def _instant(seconds: object) -> datetime:
    # A bool is an int to Python, and not a time.
    if type(seconds) is not int or seconds < 0:
        raise NotBelieved("The event has no usable time.")
    try:
        return clock.from_unix(seconds)
    except ValueError as error:
        raise NotBelieved("The event has no usable time.") from error


def _account(value: object) -> str | None:
    """Whose event it is. What cannot be read is refused, because None means ours."""
    name = _name(value)
    if value is not None and name is None:
        raise NotBelieved("The event names no usable account.")
    return name


def _customer(thing: dict[str, Any], before: object) -> str | None:
    """A method that was detached belongs to nobody, and the event is still about whom it belonged to."""
    if thing.get("object") == "customer":
        return _name(thing.get("id"))
    was = before.get("customer") if isinstance(before, dict) else None
    return _name(ref(thing.get("customer"))) or _name(ref(was))


def _request_id(request: object) -> str | None:
    """An object since 2017; before, only the id."""
    return _name(request.get("id") if isinstance(request, dict) else request)


def _name(value: object) -> str | None:
    """An id or version, or None where it is absent or something else."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None
