"""`expand[]=data.customer`: ids replaced by the objects they name, all ids of one level read at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from app.sandbox import codec, kinds, store
from app.sandbox.errors import invalid
from app.sandbox.params import Obj, Params

if TYPE_CHECKING:
    from app.sandbox.tx import Tx

MAX_LEVELS = 4
NAMED_FREELY = frozenset(("coupon", "product", "price"))

Made = Callable[["Tx", Obj], Obj]
_made: dict[tuple[str, str], Made] = {}


def made_list(kind: str, field: str) -> Callable[[Made], Made]:
    """Register how a list is made that is neither stored in its object nor a kind of its own (line items)."""

    def register(maker: Made) -> Made:
        _made[kind, field] = maker
        return maker

    return register


def taken_from(params: Params) -> list[str]:
    """Remove `expand` from the parameters and check its form."""
    given = params.pop("expand", None)
    if given in (None, ""):
        return []
    paths = given if isinstance(given, list) else [given]
    for path in paths:
        if not isinstance(path, str):
            raise invalid("Invalid array", param="expand")
        if len(path.removeprefix("data.").split(".")) > MAX_LEVELS:
            raise invalid(f"You cannot expand more than {MAX_LEVELS} levels of a property. Property: {path}")
    return paths


def expand(tx: Tx, root: Obj, paths: list[str]) -> None:
    """Expand in place; Stripe's refusal when a path names nothing that can be expanded."""
    for path in paths:
        words = path.split(".")
        if not _descend(tx, [root], words):
            raise invalid(f"This property cannot be expanded ({path}).", param="expand")


def _descend(tx: Tx, nodes: list[Obj], words: list[str]) -> bool:
    """True when the first word is something these nodes can have expanded."""
    if not nodes:
        return True
    word, rest = words[0], words[1:]
    holders = [node for node in nodes if word in node or _child(tx, node, word)]
    if not holders:
        return False
    _fetch(tx, holders, word)
    below = [found for node in holders for found in _objects(node[word])]
    if rest:
        return _descend(tx, below, rest)
    return bool(below) or all(node[word] is None or node[word] == [] or _is_id(node[word]) for node in holders)


def _fetch(tx: Tx, holders: list[Obj], word: str) -> None:
    ids = {one for node in holders for one in _ids(node[word])}
    texts = read_objects(tx, ids)
    if word in NAMED_FREELY:  # their ids may be any word, so that the field must tell the kind
        loose = [(word, one) for node in holders if isinstance(one := node[word], str) and one not in texts]
        texts |= store.read_many(tx.cursor, loose)
    for node in holders:
        value = node[word]
        if isinstance(value, str) and value in texts:
            node[word] = codec.loads(texts[value])
        elif isinstance(value, list):
            node[word] = [codec.loads(texts[one]) if isinstance(one, str) and one in texts else one for one in value]


def read_objects(tx: Tx, ids: set[str]) -> dict[str, str]:
    """JSON texts of whatever these ids name."""
    tx.flush()
    pairs = [(kind.name, one) for one in ids if (kind := kinds.of_id(one))]
    return store.read_many(tx.cursor, pairs)


def _child(tx: Tx, node: Obj, word: str) -> bool:
    """Fill a list that is there only when asked for (the refunds of a charge)."""
    made = _made.get((node.get("object", ""), word))
    if made:
        node[word] = made(tx, node)
        return True
    kind = kinds.KINDS.get(node.get("object", ""))
    for name, child, field in kind.children if kind else ():
        if name == word:
            found = tx.find(child, limit=11, **{field: node["id"]})
            url = f"{kind.path}/{node['id']}/{name}" if kind else ""
            node[word] = {"object": "list", "data": found[:10], "has_more": len(found) > 10, "url": url}
            return True
    return False


def _ids(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if _is_id(one)]


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and kinds.of_id(value) is not None


def _objects(value: Any) -> list[Obj]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict)]
