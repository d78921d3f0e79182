"""Making rules, silencing them, trying them out, ending them."""

import secrets
from datetime import timedelta
from uuid import UUID, uuid4

from app import clock
from app.actor import Actor
from app.alerts import targets
from app.alerts.sources import BY_NAME
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict
from app.mail import addresses
from app.models.alert import CHANNELS, AlertDelivery, AlertRule

_LONGEST_SNOOZE = timedelta(days=31)
_LONGEST_WINDOW = 8_760


def add_rule(  # noqa: PLR0913 - what a rule is, by name
    *,
    account_id: int,
    source: str,
    more_than: int,
    window_hours: int,
    channel: str,
    target: str,
    local: bool,
    actor: Actor,
) -> AlertRule:
    """Make a rule. local: its receiver may be on this machine.

    Raises:
        BadRequest: a value makes no sense.
    """
    if source not in BY_NAME or channel not in CHANNELS:
        raise BadRequest("Choose what to be told of, and how.")
    if not (0 <= more_than < 2**31 and 0 <= window_hours <= _LONGEST_WINDOW):
        raise BadRequest("A window has 0 to 8760 hours, and a number to exceed is not below zero.")
    target = addresses.checked(target) if channel == "mail" else targets.checked(target, local=local)
    with transaction():
        rule = AlertRule(
            account_id=account_id,
            source=source,
            more_than=more_than,
            window_hours=window_hours,
            channel=channel,
            target=target,
            secret=f"alsec_{secrets.token_urlsafe(32)}" if channel == "webhook" else None,
            made_by=actor.name,
            created_at=clock.now(),
        )
        db.session.add(rule)
        db.session.flush()
        _record(actor, "alert.rule_made", rule, {"source": source, "channel": channel})
    return rule


def snooze(rule_id: UUID, *, hours: int, actor: Actor) -> None:
    """Tell nothing for so many hours; 0 wakes it up.

    Raises:
        BadRequest: longer than a month.
    """
    if not 0 <= hours <= _LONGEST_SNOOZE / timedelta(hours=1):
        raise BadRequest("A rule can be silenced for at most 31 days.")
    with transaction():
        rule = _live(rule_id)
        rule.snoozed_until = clock.now() + timedelta(hours=hours) if hours else None
        _record(actor, "alert.rule_snoozed", rule, {"until": rule.snoozed_until})


def end(rule_id: UUID, *, actor: Actor) -> None:
    """Tell nothing any more. What it told stays in the log."""
    with transaction():
        rule = _live(rule_id)
        rule.ended_at = clock.now()
        _record(actor, "alert.rule_ended", rule, {"source": rule.source})


def try_out(rule_id: UUID, *, actor: Actor) -> UUID:
    """Send a test to its receiver, also while it is silenced."""
    now = clock.now()
    with transaction():
        rule = _live(rule_id)
        delivery = AlertDelivery(
            id=uuid4(), account_id=rule.account_id, rule_id=rule.id, kind="test", object_type="alert_rule",
            object_id=str(rule.id), text=f"A test by {actor.name}: alerts of this rule arrive here.", dedup_key=f"test:{uuid4()}",
            raised_at=now, not_before=now, state="queued", tries=0,
        )  # fmt: skip
        db.session.add(delivery)
        db.session.flush()
        _record(actor, "alert.rule_tested", rule, {"delivery": delivery.id})
    return delivery.id


def _live(rule_id: UUID) -> AlertRule:
    rule = db.session.get_one(AlertRule, rule_id, with_for_update=True, populate_existing=True)
    if rule.ended_at is not None:
        raise Conflict("This rule has ended. Make a new one.")
    return rule


def _record(actor: Actor, action: str, rule: AlertRule, after: dict[str, object]) -> None:
    trail.record(actor, action, "alert_rule", str(rule.id), account_id=rule.account_id, after=after)
