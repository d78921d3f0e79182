"""Lists: filters, pages by id, newest first, and the stored text sent on without being read where possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.sandbox import codec, params, store, versions
from app.sandbox.errors import StripeError, invalid, missing, no_such, unknown
from app.sandbox.kinds import KINDS, Kind
from app.sandbox.params import Obj

if TYPE_CHECKING:
    from app.sandbox.tx import Tx

Condition = tuple[str, Any]

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PAGING = ("limit", "starting_after", "ending_before")


@dataclass(frozen=True)
class RawJson:
    """JSON text that needs no more work."""

    text: str


def list_page(
    tx: Tx, kind_name: str, *, url: str | None = None, where: Sequence[Condition] = (), also: Sequence[str] = ()
) -> Obj | RawJson:
    """One page of a kind, by the filters its `Kind` names.

    `where` holds more conditions (SQL with one %s, value); `also` names parameters the caller has dealt with already.
    """
    kind = KINDS[kind_name]
    rows, has_more = rows_of(tx, kind, where, also=also)
    url = url or kind.path or ""
    if not tx.expand and versions.is_raw(kind.name, tx.api_version):
        more = "true" if has_more else "false"
        return RawJson(f'{{"object":"list","data":[{",".join(rows)}],"has_more":{more},"url":{codec.dumps(url)}}}')
    return {"object": "list", "data": [codec.loads(row) for row in rows], "has_more": has_more, "url": url}


def rows_of(tx: Tx, kind: Kind, where: Sequence[Condition] = (), *, also: Sequence[str] = ()) -> tuple[list[str], bool]:
    """The stored texts of one page and whether there are more; refuses parameters that nobody knows."""
    known = {name for name, _ in kind.filters} | {*_PAGING, *also}
    strange = [name for name in tx.params if name not in known]
    if strange:
        raise unknown(*strange)
    for name in kind.required:
        if tx.params.get(name) in (None, ""):
            raise missing(name)
    return _rows(tx, kind, [*where, *filters_of(kind, tx.params, skip=also)])


def filters_of(kind: Kind, asked: params.Params, *, skip: Sequence[str] = ()) -> list[Condition]:
    found: list[Condition] = []
    for name, form in kind.filters:
        value = asked.get(name)
        if value is None or name in skip:
            continue
        if value == "":
            raise StripeError(
                f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
                f"however '{name}' cannot be unset.",
                code="parameter_invalid_empty",
                param=name,
            )
        if form == "range":
            found += _range(name, value)
        elif form == "bool":
            found.append(store.equals(name, params.boolean(asked, name) is True))
        elif not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", param=name)
        else:
            found.append(store.equals(name, value))
    return found


def _range(name: str, value: Any) -> list[Condition]:
    """`created=5` or `created[gte]=5`; Unix seconds."""
    if not isinstance(value, dict):
        return [store.bound(name, "=", params.to_integer(value, name))]
    strange = [sign for sign in value if sign not in _SIGNS]
    if strange:
        raise unknown(*(f"{name}[{sign}]" for sign in strange))
    return [
        store.bound(name, _SIGNS[sign], params.to_integer(number, f"{name}[{sign}]")) for sign, number in value.items()
    ]


def _rows(tx: Tx, kind: Kind, conditions: Sequence[Condition]) -> tuple[list[str], bool]:
    """The page's stored texts, newest first, and whether more follow in the direction asked for."""
    limit = params.integer(tx.params, "limit")
    limit = 10 if limit is None else min(max(limit, 1), 100)
    after, until = (params.text(tx.params, name) for name in ("starting_after", "ending_before"))
    if after and until:
        raise invalid("You cannot use both `starting_after` and `ending_before`.", param="ending_before")
    sql = ["kind = %s AND NOT deleted", *(condition for condition, _ in conditions)]
    values: list[Any] = [kind.name, *(value for _, value in conditions)]
    tx.flush()
    if after or until:
        sql.append(f"(created, seq) {'<' if after else '>'} (%s, %s)")
        values += _place(tx, kind, after or until or "", "starting_after" if after else "ending_before")
    order = "ASC" if until else "DESC"
    tx.cursor.execute(
        f"SELECT body FROM objects WHERE {' AND '.join(sql)} ORDER BY created {order}, seq {order} LIMIT %s",
        (*values, limit + 1),
    )
    rows = [body for (body,) in tx.cursor.fetchall()]
    page = rows[:limit]
    return (page[::-1] if until else page), len(rows) > limit


def _place(tx: Tx, kind: Kind, object_id: str, param: str) -> tuple[int, int]:
    tx.cursor.execute(
        "SELECT created, seq FROM objects WHERE kind = %s AND id = %s", (kind.name, codec.column_text(object_id))
    )
    row = tx.cursor.fetchone()
    if row is None:
        raise no_such(kind.called, object_id, param=param, status=400)
    return row[0], row[1]
