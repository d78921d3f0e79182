"""The nightly look: all of one day, and a sample of everything older, held against Stripe; kept, shown, and healed by a click."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.errors import Conflict
from app.mirror import pull
from app.mirror.fields import Obj
from app.mirror.kinds import KINDS, Kind, Listing
from app.mirror.pull import Reads
from app.models.drift import DaySum, Drift
from app.sync import check, compare

LISTED = tuple(kind for kind in KINDS.values() if kind.listing is Listing.BY_CREATED)
# Rows that a sample takes beside each other: those of one second are told apart by nothing.
_NEAR = 4
# (currency) → (how many, how much)
Sums = dict[str, tuple[int, int]]


def compare_day(gateway: Reads, account_id: int, day: date, kind: Kind) -> tuple[int, list[compare.Drift]]:
    """Hold all objects of a kind that were created on this UTC day against Stripe's list of them, and keep how both add up.

    Returns how many Stripe has, and what differs even at a second look.
    Raises:
        GatewayUnavailable, GatewayRefused: the day could not be compared.
    """
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=1)
    created = {"gte": clock.to_unix(start), "lt": clock.to_unix(end)}
    suspects: set[str] = set()
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for answer in pull.pages(kind.path, {**(kind.parameters or {}), "created": created}, gateway):
        for obj in answer.data:
            pull.complete(kind, obj, gateway)
            row = kind.door.row(obj)
            currency = _currency(row)
            counts[currency] += 1
            amounts[currency] += _amount(row)
        suspects |= {one.id for one in check.differences(kind, answer.data)}
        seen |= {obj["id"] for obj in answer.data}
        db.session.rollback()  # nothing stays open while Stripe is asked
    here, ids = _here(kind, account_id, start, end)
    suspects |= ids - seen
    there = {currency: (counts[currency], amounts[currency]) for currency in counts}
    with transaction():
        _keep_sums(kind, account_id, day, here, there)
    return len(seen), _second_look(kind, suspects, gateway)


def compare_sample(gateway: Reads, account_id: int, kind: Kind, size: int) -> tuple[int, list[compare.Drift]]:
    """Hold `size` rows at most, from anywhere in the kind's history, against Stripe, one by one."""
    ids = _sample(kind, account_id, size)
    return len(ids), _second_look(kind, ids, gateway)


def keep(drifts: Sequence[compare.Drift], account_id: int) -> int:
    """Note what differs; what is noted and not healed yet is seen once more. Returns how many are new."""
    new, now = 0, clock.now()
    with transaction():
        for one in drifts:
            values: dict[str, Any] = {
                "account_id": account_id, "kind": one.kind, "object_id": one.id, "field": one.field,
                "local": _said(one.field, one.local), "remote": _said(one.field, one.remote), "found_at": now, "seen_at": now,
            }  # fmt: skip
            added = insert(Drift).values(values)
            again = added.on_conflict_do_update(
                index_elements=["account_id", "kind", "object_id", "field"],
                index_where=Drift.healed_at.is_(None),
                set_={name: added.excluded[name] for name in ("local", "remote", "seen_at")},
            )
            found_at = db.session.execute(again.returning(Drift.found_at)).scalar_one()
            new += found_at == now
    return new


def heal(kind: str, object_id: str, *, account_id: int, actor: Actor, gateway: Reads) -> int:
    """Read the object again and take Stripe's word for it; how many noted differences that ended.

    Raises:
        Conflict: somebody healed it already. GatewayUnavailable, GatewayRefused: nothing was changed.
    """
    noted = _open(kind, object_id, account_id)
    db.session.rollback()  # nothing stays open while Stripe is asked
    if not noted:
        raise Conflict("Nothing differs here any more, as far as is known.")
    check.heal_one(noted, gateway, account_id, actor)
    with transaction():
        ended = text("""
            UPDATE drifts SET healed_at = :now, healed_by = :by
             WHERE account_id = :account_id AND kind = :kind AND object_id = :id AND healed_at IS NULL RETURNING 1
        """)
        values = {"now": clock.now(), "by": actor.name, "account_id": account_id, "kind": kind, "id": object_id}
        return len(db.session.execute(ended, values).all())


def _second_look(kind: Kind, ids: set[str], gateway: Reads) -> list[compare.Drift]:
    return [one for object_id in sorted(ids) for one in check.look_twice(kind, object_id, gateway)]


def _here(kind: Kind, account_id: int, start: datetime, end: datetime) -> tuple[Sums, set[str]]:
    door = kind.door
    columns = door.table.c
    currency = "coalesce(currency, '')" if "currency" in columns else "''"
    amount = "coalesce(amount, 0)" if _sums_up(columns) else "0"
    query = f"""
        SELECT {door.key}, {currency}, {amount} FROM {door.table.name}
         WHERE account_id = :account_id AND deleted_at IS NULL AND {door.key} IS NOT NULL AND {kind.listed_while}
           AND created_at >= :start AND created_at < :end"""
    rows = db.session.execute(text(query), {"account_id": account_id, "start": start, "end": end}).all()
    db.session.rollback()
    sums: Sums = {}
    for _, of, much in rows:
        count, total = sums.get(of, (0, 0))
        sums[of] = (count + 1, total + much)
    return sums, {key for key, _, _ in rows}


def _sample(kind: Kind, account_id: int, size: int) -> set[str]:
    """Ids near random instants of the kind's history: an index finds each, however many rows there are."""
    door = kind.door
    known = f"account_id = :account_id AND deleted_at IS NULL AND {door.key} IS NOT NULL AND {kind.listed_while}"
    query = f"""
        WITH span AS (SELECT min(created_at) - interval '1 s' AS first, max(created_at) AS last
                        FROM {door.table.name} WHERE account_id = :account_id),
             instants AS MATERIALIZED (SELECT first + random() * (last - first) AS at FROM span, generate_series(1, :instants))
        SELECT DISTINCT near.id FROM instants CROSS JOIN LATERAL (
            SELECT {door.key} AS id FROM {door.table.name} WHERE {known} AND created_at >= instants.at
             ORDER BY created_at LIMIT {_NEAR}) AS near"""
    found = set(db.session.execute(text(query), {"account_id": account_id, "instants": size // _NEAR}).scalars())
    db.session.rollback()
    return found


def _keep_sums(kind: Kind, account_id: int, day: date, here: Sums, there: Sums) -> None:
    for currency in here.keys() | there.keys():
        (count_here, amount_here), (count_there, amount_there) = here.get(currency, (0, 0)), there.get(currency, (0, 0))
        sums = {
            "count_here": count_here,
            "count_there": count_there,
            "amount_here": amount_here,
            "amount_there": amount_there,
        }
        values = {
            "account_id": account_id,
            "kind": kind.object,
            "day": day,
            "currency": currency,
            "compared_at": clock.now(),
        }
        row = insert(DaySum).values(values | sums)
        db.session.execute(
            row.on_conflict_do_update(
                index_elements=["account_id", "kind", "day", "currency"],
                set_=sums | {"compared_at": values["compared_at"]},
            )
        )


def _open(kind: str, object_id: str, account_id: int) -> list[compare.Drift]:
    noted = db.session.query(Drift).filter_by(account_id=account_id, kind=kind, object_id=object_id, healed_at=None)
    return [
        compare.Drift(row.kind, row.object_id, row.field, row.local, row.remote) for row in noted.order_by(Drift.id)
    ]


def _said(field: str, value: object) -> str | None:
    return None if value is None else check.said(field, value)[:1_000].replace("\0", " ")


def _sums_up(columns: Any) -> bool:
    return "amount" in columns and "currency" in columns


def _currency(row: Obj) -> str:
    return row.get("currency") or ""


def _amount(row: Obj) -> int:
    return (row.get("amount") or 0) if "currency" in row else 0
