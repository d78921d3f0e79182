"""Raising an alert: everybody whose rule asks for it is told once a window, through each of the rule's channels.

with transaction():
    …
    alerts.raise_alert("act.failed", ("act", str(act.id)), "Stripe refused …", account_id=act.account_id)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.alerts import conditions
from app.alerts.found import Found
from app.alerts.sources import BY_NAME, SOURCES
from app.database import db, transaction
from app.logs import redact
from app.models.alert import VIEW, AlertChannel, AlertDelivery, AlertRule

_LONGEST = 1_000
_TROUBLE = "trouble"


def raise_alert(kind: str, about: tuple[str, str], text: str, *, account_id: int, dedup: str = "") -> int:
    """Tell those whose rule asks for `kind`, in the caller's transaction; how many deliveries that made.

    dedup: names the happening; the type and id of the object when empty. The same one is told once a window of each rule.
    """
    of_kind = _live(account_id).where(AlertRule.source == kind).order_by(AlertRule.id)
    thing = Found(*about, text, dedup=dedup)
    return sum(_tell(rule, [thing]) for rule in db.session.scalars(of_kind))


def look(account_id: int) -> int:
    """Ask what each rule wants to know, and tell what was not told yet. Returns how many deliveries that made."""
    now = clock.now()
    looking = [*(source.name for source in SOURCES if source.find), VIEW]
    ids = db.session.scalars(_live(account_id).where(AlertRule.source.in_(looking)).with_only_columns(AlertRule.id))
    known: dict[str, list[Found]] = {}
    return sum(_look_for(rule_id, known, now) for rule_id in sorted(ids))


def _look_for(rule_id: UUID, known: dict[str, list[Found]], now: datetime) -> int:
    rule = db.session.get_one(AlertRule, rule_id)
    trouble = None
    try:
        things = conditions.from_view(rule, now) if rule.source == VIEW else _of_source(rule, known, now)
    except conditions.CannotBeAsked as refusal:
        trouble = str(refusal)
        things = [Found("alert_rule", str(rule_id), f"This alert cannot be looked for: {trouble}", dedup=_TROUBLE)]
    db.session.rollback()
    if not things and trouble == rule.trouble:
        return 0
    with transaction():
        # Whoever ended or silenced it meanwhile is heard.
        rule = db.session.get_one(AlertRule, rule_id, with_for_update=True, populate_existing=True)
        if rule.ended_at is not None:
            return 0
        rule.trouble = trouble
        return _tell(rule, things)


def _of_source(rule: AlertRule, known: dict[str, list[Found]], now: datetime) -> list[Found]:
    find = BY_NAME[rule.source].find
    if rule.source not in known:
        known[rule.source] = find(rule.account_id, now) if find else []
    return conditions.from_source(rule, known[rule.source], now)


@dataclass(frozen=True, slots=True)
class _Told:
    """How often a thing was told or kept silent; when it was told last, and when either was."""

    turn: int
    told_at: datetime | None
    noted_at: datetime


def _tell(rule: AlertRule, things: Sequence[Found]) -> int:
    """In the caller's transaction. Two that tell the same at once make one of it: the turn of a thing is unique."""
    if not things:
        return 0
    now = clock.now()
    silent = rule.snoozed_until is not None and rule.snoozed_until > now
    earlier = _earlier(rule, [_key(rule, thing) for thing in things])
    rows = [
        _row(rule, channel, thing, turn=turn, now=now, state="snoozed" if silent else "queued")
        for thing in things
        if (turn := _turn(rule, earlier.get(_key(rule, thing)), now, silent=silent)) is not None
        for channel in rule.channels
    ]
    if not rows:
        return 0
    new = insert(AlertDelivery).on_conflict_do_nothing(index_elements=["channel_id", "dedup_key", "turn"])
    return len(db.session.execute(new.returning(AlertDelivery.id), rows).all())


def _turn(rule: AlertRule, told: _Told | None, now: datetime, *, silent: bool) -> int | None:
    """Which time it would be that this is told; None when it is too early. What was kept silent counts only while it is so."""
    if told is None:
        return 0
    last = told.noted_at if silent else told.told_at
    if last is not None and (not rule.window_hours or last > now - timedelta(hours=rule.window_hours)):
        return None
    return told.turn + 1


def _earlier(rule: AlertRule, keys: Sequence[str]) -> dict[str, _Told]:
    rows = db.session.execute(
        select(
            AlertDelivery.dedup_key,
            func.max(AlertDelivery.turn),
            func.max(AlertDelivery.raised_at).filter(AlertDelivery.state != "snoozed"),
            func.max(AlertDelivery.raised_at),
        )
        .where(AlertDelivery.rule_id == rule.id, AlertDelivery.dedup_key.in_(keys))
        .group_by(AlertDelivery.dedup_key)
    )
    return {key: _Told(turn, told_at, noted_at) for key, turn, told_at, noted_at in rows}


def _row(  # noqa: PLR0913 - by name
    rule: AlertRule, channel: AlertChannel, thing: Found, *, turn: int, now: datetime, state: str
) -> dict[str, object]:
    return {
        "id": uuid4(), "account_id": rule.account_id, "rule_id": rule.id, "channel_id": channel.id, "kind": rule.source,
        "object_type": thing.object_type, "object_id": thing.object_id, "text": _storable(thing.text), "path": thing.path,
        "dedup_key": _key(rule, thing), "turn": turn, "raised_at": now, "not_before": now, "state": state, "tries": 0,
    }  # fmt: skip


def _key(rule: AlertRule, thing: Found) -> str:
    """A rule that never tells the same again still tells the next time it is so."""
    once = f":{thing.time}" if thing.time and not rule.window_hours else ""
    return f"{thing.key[:200]}{once}"


def _live(account_id: int) -> Select[AlertRule]:
    return select(AlertRule).where(AlertRule.account_id == account_id, AlertRule.ended_at.is_(None))


def _storable(text: str) -> str:
    return redact(text.replace("\0", " ").encode("utf-8", "replace").decode())[:_LONGEST]
