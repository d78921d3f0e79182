"""What can be asked of Stripe, and how one sees afterwards whether it happened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.gateways.answer import Answer
from app.mirror.fields import Obj
from app.models.act import Act

# The name under which an object that we had made carries our promise.
MARK = "counterfoil_act"
_PAGE = 100


class Looks(Protocol):
    """What looking needs of Stripe."""

    def look(self, path: str, expand: Sequence[str] = ()) -> Answer: ...

    def page(self, path: str, parameters: Mapping[str, Any]) -> Answer: ...


Find = Callable[[Act, Looks], Answer | None]
"""The answer that shows that this act has happened, or None when Stripe shows no trace of it."""


@dataclass(frozen=True, slots=True)
class ActKind:
    """One kind of write; each feature lists its own in a table that `app.factory` puts together.

    name: a dotted name like `payment.capture`; the trail says `payment.capture.requested`, `….answered`, `….refused`.
    label: what people call it, like "Capture", for lists and messages.
    find: looks whether it happened, before anything is asked again.
    keeps: the fields of the form that may stay when it is answered; everything else is removed with the answer.
    expand: fields of the answer that are sent as whole objects, saved as kinds of their own.
    told: a few words of the answer for people and the trail: plain values, nothing personal.
    after: what else becomes true here with a yes, in the transaction that keeps the answer.
    after_refusal: the same with a clear no.
    """

    name: str
    label: str
    find: Find
    keeps: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    told: Callable[[Obj], dict[str, Any]] = field(default=lambda body: {"status": body.get("status")})
    after: Callable[[Act, Obj], None] | None = None
    after_refusal: Callable[[Act], None] | None = None

    def look_for(self, act: Act, gateway: Looks) -> Answer | None:
        """`find`, with the same whole objects that the answer would have held: what is found late must leave the same rows."""
        return self.find(act, _Whole(gateway, self.expand) if self.expand else gateway)


@dataclass(frozen=True, slots=True)
class _Whole:
    """Looks at Stripe with these fields expanded."""

    gateway: Looks
    fields: tuple[str, ...]

    def look(self, path: str, expand: Sequence[str] = ()) -> Answer:
        return self.gateway.look(path, (*self.fields, *expand))

    def page(self, path: str, parameters: Mapping[str, Any]) -> Answer:
        return self.gateway.page(path, parameters)


@dataclass(frozen=True, slots=True)
class Promise:
    """What will be asked, as the rules of the feature allowed it a moment ago, under its locks.

    lock: what only one act at a time may touch. before, after: for the trail.
    form: with `metadata` in it, even empty, what is made carries our promise there, which `by_mark` finds.
    """

    account_id: int
    object_type: str
    object_id: str
    path: str
    form: Mapping[str, Any]
    lock: str
    method: str = "POST"
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def on_object(shows: Callable[[Obj, Act], bool], *, path: Callable[[Act], str] | None = None) -> Find:
    """The act changes an object: read it, and judge by what it is now.

    path: of the object; without it, the address of the act, less its last word where that is a verb (`…/pi_1/capture`).
    """

    def find(act: Act, gateway: Looks) -> Answer | None:
        answer = gateway.look(path(act) if path else _object_path(act.path))
        return answer if shows(answer.body, act) else None

    return find


def by_mark(filters: Callable[[Act], Mapping[str, Any]]) -> Find:
    """The act makes an object, which carries our promise in its metadata: look through the list it would be in.

    filters: narrow the list, like `{"customer": "cus_1"}`.
    """

    def find(act: Act, gateway: Looks) -> Answer | None:
        after: dict[str, str] = {}
        while True:
            page = gateway.page(act.path, {**filters(act), "limit": _PAGE, **after})
            for made in page.data:
                if (made.get("metadata") or {}).get(MARK) == str(act.id):
                    return gateway.look(f"{act.path}/{made['id']}")
            if not page.has_more or not page.data:
                return None
            after = {"starting_after": page.data[-1]["id"]}

    return find


def _object_path(path: str) -> str:
    head, _, last = path.rpartition("/")
    return path if "_" in last else head
