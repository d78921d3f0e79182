"""Raising an alert: everybody whose rule asks for this kind is told once a window.

with transaction():
    …
    alerts.raise_alert("act.failed", ("act", str(act.id)), "Stripe refused …", account_id=act.account_id)
"""

from datetime import datetime
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.alerts.sources import BY_NAME, SOURCES
from app.database import db, transaction
from app.logs import redact
from app.models.alert import AlertDelivery, AlertRule

_LONGEST = 1_000


def raise_alert(kind: str, about: tuple[str, str], text: str, *, account_id: int, dedup: str = "") -> int:
    """Tell those whose rule asks for `kind`, in the caller's transaction; how many deliveries that made.

    dedup: names the happening; the type and id of the object when empty. The same one is told once a window of each rule.
    """
    of_kind = select(AlertRule).where(
        AlertRule.account_id == account_id, AlertRule.source == kind, AlertRule.ended_at.is_(None)
    )
    return sum(_tell(rule, about, text, dedup or ":".join(about)) for rule in db.session.scalars(of_kind))


def look(account_id: int) -> int:
    """Ask every source that a rule names what is so now, and tell what was not told yet. Returns how much that was."""
    now, told = clock.now(), 0
    live = select(AlertRule).where(AlertRule.account_id == account_id, AlertRule.ended_at.is_(None))
    rules = list(
        db.session.scalars(live.where(AlertRule.source.in_([source.name for source in SOURCES if source.find])))
    )
    found = {}
    for name in sorted({rule.source for rule in rules}):
        find = BY_NAME[name].find
        found[name] = find(account_id, now) if find else []
    with transaction():
        for rule in db.session.scalars(live.where(AlertRule.source.in_(found))).all():
            things = found[rule.source]
            if len(things) > rule.more_than:
                told += sum(
                    _tell(
                        rule, (thing.object_type, thing.object_id), thing.text, f"{thing.object_type}:{thing.object_id}"
                    )
                    for thing in things
                )
    return told


def _tell(rule: AlertRule, about: tuple[str, str], text: str, dedup: str) -> int:
    now = clock.now()
    snoozed = rule.snoozed_until is not None and rule.snoozed_until > now
    values = {
        "id": uuid4(), "account_id": rule.account_id, "rule_id": rule.id, "kind": rule.source, "object_type": about[0],
        "object_id": about[1], "text": redact(text.replace("\0", " ").encode("utf-8", "replace").decode())[:_LONGEST],
        "dedup_key": f"{dedup}:{_window(rule, now)}", "raised_at": now, "not_before": now,
        "state": "snoozed" if snoozed else "queued", "tries": 0,
    }  # fmt: skip
    new = insert(AlertDelivery).values(values).on_conflict_do_nothing(index_elements=["rule_id", "dedup_key"])
    return db.session.execute(new.returning(AlertDelivery.id)).scalar() is not None


def _window(rule: AlertRule, now: datetime) -> str:
    """The number of the window this instant lies in; one that never ends has none."""
    return str(int(now.timestamp()) // (rule.window_hours * 3_600)) if rule.window_hours else "once"
