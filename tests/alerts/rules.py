"""Rules and alerts as the tests of this room make them."""

from dataclasses import replace
from typing import Any

from flask import Flask, current_app
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.alerts import alerts, operations
from app.alerts.targets import Reach
from app.alerts.wishes import Wish
from app.database import db, transaction
from app.models.alert import AlertChannel, AlertDelivery, AlertRule
from app.settings import Settings
from app.web.sealing import Seal
from tests import factories

ANA = Actor("staff", "ana@shop.example")
HERE = Reach(here=True)


def rule(*, reach: Reach = HERE, **changes: Any) -> AlertRule:
    """A rule of failed refunds; mail, slack, webhook: where it tells, ana@shop.example by mail when none is said."""
    channels = tuple((kind, changes.pop(kind)) for kind in ("mail", "slack", "webhook") if kind in changes)
    wish = Wish(**{"source": "refund.failed", "channels": channels or (("mail", "ana@shop.example"),)} | changes)
    return operations.add_rule(wish, account_id=factories.account().id, reach=reach, seal=seal(), actor=ANA).rule


def seal() -> Seal:
    plain: Settings = current_app.extensions["settings"]
    return Seal.for_alerts(plain.secret_key)


def secret_of(made: AlertRule) -> str:
    """What its webhook is signed with."""
    channel = db.session.scalars(
        select(AlertChannel).where(AlertChannel.rule_id == made.id, AlertChannel.kind == "webhook")
    ).one()
    return seal().open(channel.secret or b"", owner=channel.id).decode()


def settings(app: Flask) -> Settings:
    return replace(app.extensions["settings"], alerts_local=True)


def deliveries() -> list[AlertDelivery]:
    return list(db.session.scalars(select(AlertDelivery).order_by(AlertDelivery.raised_at, AlertDelivery.id)))


def raised(kind: str = "refund.failed", **more: Any) -> int:
    account_id = factories.account().id
    with transaction():
        return alerts.raise_alert(kind, ("refund", "re_1"), "Refund re_1 failed.", account_id=account_id, **more)


def failed_refund(**more: Any) -> None:
    factories.refund(factories.charge(), **{"status": "failed", "created_at": clock.now()} | more)
