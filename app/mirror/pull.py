"""Reading from Stripe into the mirror. No transaction is open while Stripe is asked."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from app.database import transaction
from app.gateways.answer import Answer
from app.mirror import wanted_mandates
from app.mirror.door import Saved
from app.mirror.fields import Obj, is_cut, part
from app.mirror.kinds import KINDS, Kind
from app.mirror.news import News

PAGE = 100
_NOT_FOUND = 404
# Each look begins after all we heard; only news that comes during it can call for another.
_LOOKS = 3


class Reads(Protocol):
    """What is needed of the gateway."""

    def look(self, path: str) -> Answer: ...

    def page(self, path: str, parameters: Mapping[str, Any]) -> Answer: ...


def read_again(kind: str, object_id: str, gateway: Reads, account_id: int) -> Saved:
    """Ask Stripe for this object and save the answer. A read that began later than all we heard is right.

    An object that Stripe does not know (any more) is marked as deleted.
    Raises:
        GatewayUnavailable: nothing was changed; try again later.
        GatewayRefused: Stripe will not show it to us.
    """
    known = KINDS[kind]
    for _ in range(_LOOKS):
        saved = _read_once(known, object_id, gateway, account_id)
        # In doubt even so: an event of this very second came in while we read, so neither is surely the later.
        if not saved.doubtful:
            break
    return saved


def _read_once(kind: Kind, object_id: str, gateway: Reads, account_id: int) -> Saved:
    answer = gateway.look(f"{kind.path}/{object_id}")
    news = News.read(answer, account_id)
    if answer.status == _NOT_FOUND:
        with transaction():
            return kind.door.gone(object_id, news)
    complete(kind, answer.body, gateway)
    with transaction():
        wanted_mandates.note([answer.body], account_id=account_id, at=answer.heard_at)
        return kind.save_all([answer.body], news)


def complete(kind: Kind, obj: Obj, gateway: Reads) -> None:
    """Fetch what Stripe cut off the lists inside this object."""
    for name in kind.inside:
        if is_cut(obj, name):
            inner = part(obj, name)
            inner["data"] = [child for answer in pages(inner["url"], {}, gateway) for child in answer.data]
            inner["has_more"] = False


def pages(path: str, parameters: Mapping[str, Any], gateway: Reads, *, after: str | None = None) -> Iterator[Answer]:
    """All pages of a list, as Stripe orders them, beginning after the object `after`. `path` may bring a query along."""
    while True:
        answer = one_page(path, parameters, gateway, after=after)
        yield answer
        if not answer.has_more or not answer.data:
            return
        after = answer.data[-1]["id"]


def one_page(path: str, parameters: Mapping[str, Any], gateway: Reads, *, after: str | None = None) -> Answer:
    """The hundred objects that follow the object `after`."""
    parts = urlsplit(path)
    asked = {**dict(parse_qsl(parts.query)), **parameters, "limit": PAGE}
    return gateway.page(parts.path, asked | ({"starting_after": after} if after else {}))
