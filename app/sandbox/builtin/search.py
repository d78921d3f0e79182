"""`GET /v1/<resource>/search`: every object of the kind is asked the query, newest first, a page at a time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

from app.sandbox import codec, params, queries
from app.sandbox.errors import invalid, missing
from app.sandbox.kinds import KINDS, Kind
from app.sandbox.params import Obj
from app.sandbox.routes import route
from app.sandbox.tx import Tx

CHUNK = 500

Place = tuple[int, int]


def _search(kind: Kind) -> Callable[[Tx], Obj]:
    def handler(tx: Tx) -> Obj:
        params.allow(tx.params, "query", "limit", "page")
        text = params.text(tx.params, "query")
        if text is None:
            raise missing("query")
        query = queries.parse(text, kind.search or "")
        limit = params.integer(tx.params, "limit")
        limit = 10 if limit is None else min(max(limit, 1), 100)
        found, last = _page(tx, kind, query, limit, _place(tx))
        return {
            "object": "search_result",
            "data": found,
            "has_more": last is not None,
            "next_page": _token(last) if last else None,
            "url": f"{kind.path}/search",
        }

    return handler


def _page(tx: Tx, kind: Kind, query: queries.Query, limit: int, after: Place | None) -> tuple[list[Obj], Place | None]:
    """The objects of this page and, when more follow, the place of the last one."""
    found: list[tuple[Place, Obj]] = []
    while True:
        rows = _chunk(tx, kind, after)
        for created, seq, body in rows:
            obj = codec.loads(body)
            if query.holds(obj):
                found.append(((created, seq), obj))
            if len(found) > limit:
                return [one for _, one in found[:limit]], found[limit - 1][0]
        if len(rows) < CHUNK:
            return [one for _, one in found], None
        after = rows[-1][:2]


def _chunk(tx: Tx, kind: Kind, after: Place | None) -> list[tuple[int, int, str]]:
    tx.flush()
    tx.cursor.execute(
        "SELECT created, seq, body FROM objects WHERE kind = %s AND NOT deleted"
        + (" AND (created, seq) < (%s, %s)" if after else "")
        + " ORDER BY created DESC, seq DESC LIMIT %s",
        (kind.name, *(after or ()), CHUNK),
    )
    return tx.cursor.fetchall()


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0]}:{place[1]}".encode()).decode()


def _place(tx: Tx) -> Place | None:
    token = params.text(tx.params, "page")
    if token is None:
        return None
    try:
        created, _, seq = base64.urlsafe_b64decode(token).decode().partition(":")
        return int(created), int(seq)
    except (ValueError, binascii.Error) as error:
        raise invalid("Invalid page token.", param="page") from error


for _kind in KINDS.values():
    if _kind.search:
        route("GET", f"{_kind.path}/search")(_search(_kind))
