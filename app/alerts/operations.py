"""Making rules, silencing them, trying them out, ending them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from app import clock
from app.actor import Actor
from app.alerts import wishes
from app.alerts.targets import Reach
from app.alerts.wishes import Wish
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict
from app.models.alert import AlertChannel, AlertDelivery, AlertRule
from app.web.sealing import Seal

_LONGEST_SNOOZE = timedelta(days=31)
_LONGEST_REMARK = 300


@dataclass(frozen=True, slots=True)
class Made:
    """A new rule, and what its webhook is signed with: shown this once and kept sealed."""

    rule: AlertRule
    secret: str | None


def add_rule(wish: Wish, *, account_id: int, reach: Reach, seal: Seal, actor: Actor) -> Made:
    """Make a rule with its channels. reach: where its receivers may be.

    Raises:
        BadRequest: a value makes no sense.
    """
    channels, secret = wishes.checked(wish, reach), None
    with transaction():
        rule = AlertRule(
            id=uuid4(), account_id=account_id, source=wish.source, view_id=wish.view_id, maker_id=wish.maker_id,
            measure=wish.measure, more_than=wish.more_than, currency=wish.currency, within_hours=wish.within_hours,
            window_hours=wish.window_hours, made_by=actor.name, created_at=clock.now(),
        )  # fmt: skip
        db.session.add(rule)
        for kind, address in channels:
            secret = f"alsec_{secrets.token_urlsafe(32)}" if kind == "webhook" else secret
            rule.channels.append(_channel(kind, address, secret, seal))
        db.session.flush()
        _record(actor, "alert.rule_made", rule, {"source": wish.source, "channels": [kind for kind, _ in channels]})
    return Made(rule, secret)


def snooze(rule_id: UUID, *, until: datetime, remark: str, actor: Actor) -> None:
    """Tell nothing until then, and say why.

    Raises:
        BadRequest: an instant that is over, or too far away; no remark.
    """
    now, remark = clock.now(), " ".join(remark.split())
    if not now < until <= now + _LONGEST_SNOOZE:
        raise BadRequest("A rule can be silenced until a time within the next 31 days.")
    if not remark or "\0" in remark:
        raise BadRequest("Say why it is silenced: others rely on it.")
    if len(remark) > _LONGEST_REMARK:
        raise BadRequest(f"A remark has at most {_LONGEST_REMARK} characters.")
    with transaction():
        rule = _live(rule_id)
        rule.snoozed_until, rule.snooze_remark = until, remark
        _record(actor, "alert.rule_snoozed", rule, {"until": f"{until:%Y-%m-%d %H:%M} UTC"}, reason=remark)


def wake(rule_id: UUID, *, actor: Actor) -> None:
    """Tell again, what is still so included."""
    with transaction():
        rule = _live(rule_id)
        rule.snoozed_until = rule.snooze_remark = None
        _record(actor, "alert.rule_woken", rule, {"source": rule.source})


def end(rule_id: UUID, *, actor: Actor) -> None:
    """Tell nothing any more. What it told stays in the log."""
    with transaction():
        rule = _live(rule_id)
        rule.ended_at = clock.now()
        _record(actor, "alert.rule_ended", rule, {"source": rule.source})


def try_out(rule_id: UUID, *, actor: Actor) -> list[UUID]:
    """Send a test through each of its channels, also while it is silenced; the deliveries, which the log follows."""
    now = clock.now()
    with transaction():
        rule = _live(rule_id)
        tests = [
            AlertDelivery(
                id=uuid4(), account_id=rule.account_id, rule_id=rule.id, channel_id=channel.id, kind="test",
                object_type="alert_rule", object_id=str(rule.id), path=f"/admin/alerts/{rule.id}",
                text=f"A test by {actor.name}: alerts of this rule arrive here.", dedup_key=f"test:{uuid4()}", raised_at=now,
                not_before=now, state="queued", tries=0,
            )
            for channel in rule.channels
        ]  # fmt: skip
        db.session.add_all(tests)
        db.session.flush()
        _record(actor, "alert.rule_tested", rule, {"deliveries": [test.id for test in tests]})
    return [test.id for test in tests]


def _channel(kind: str, address: str, secret: str | None, seal: Seal) -> AlertChannel:
    key = uuid4()
    if kind == "mail":
        return AlertChannel(id=key, kind=kind, shown=address)
    signing = seal.shut(secret.encode(), owner=key) if kind == "webhook" and secret else None
    shown = urlsplit(address).netloc
    return AlertChannel(id=key, kind=kind, shown=shown, sealed=seal.shut(address.encode(), owner=key), secret=signing)


def _live(rule_id: UUID) -> AlertRule:
    rule = db.session.get_one(AlertRule, rule_id, with_for_update=True, populate_existing=True)
    if rule.ended_at is not None:
        raise Conflict("This rule has ended. Make a new one.")
    return rule


def _record(actor: Actor, action: str, rule: AlertRule, after: dict[str, object], *, reason: str | None = None) -> None:
    trail.record(actor, action, "alert_rule", str(rule.id), account_id=rule.account_id, after=after, reason=reason)
