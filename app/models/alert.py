"""What somebody wants to hear of, what happened, and whether they were told."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base

CHANNELS = ("mail", "slack", "webhook")
STATES = ("queued", "sending", "sent", "failed", "snoozed")


class AlertRule(Base):
    """Whom to tell of what. `source`: a name of alerts/sources.py, or the kind of an alert that others raise.

    more_than: tell only while more than so many are found. window_hours: the same thing is told again after that long, 0 never.
    channel: mail (`target` is an address), slack (an incoming webhook's URL) or webhook (a URL, signed with `secret`).
    snoozed_until: until then nothing is told, and each alert says so.
    """

    __tablename__ = "alert_rules"
    __table_args__ = (
        CheckConstraint(f"channel IN {CHANNELS}", name="channel"),
        CheckConstraint("more_than >= 0 AND window_hours BETWEEN 0 AND 8760", name="numbers"),
        CheckConstraint("channel <> 'webhook' OR secret IS NOT NULL", name="webhooks_are_signed"),
        Index(None, "account_id", "created_at", "id"),
        Index("ix_alert_rules_live", "account_id", "source", postgresql_where=sql("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    source: Mapped[str]
    more_than: Mapped[int]
    window_hours: Mapped[int]
    channel: Mapped[str]
    target: Mapped[str]
    secret: Mapped[str | None]
    made_by: Mapped[str]
    created_at: Mapped[datetime]
    snoozed_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class AlertDelivery(Base):
    """One alert on its way to one rule's channel. `dedup_key`: the same thing is told once a window.

    state: queued, sending, sent, failed, snoozed. A mail counts as sent when it is in the outbox: the mail log knows the rest.
    """

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("state <> 'sending' OR asked_at IS NOT NULL", name="sending_since"),
        Index("uq_alert_deliveries_told", "rule_id", "dedup_key", unique=True),
        Index("ix_alert_deliveries_due", "not_before", postgresql_where=sql("state IN ('queued', 'sending')")),
        Index(None, "account_id", "raised_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("alert_rules.id"))
    kind: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    text: Mapped[str]
    dedup_key: Mapped[str]
    raised_at: Mapped[datetime]
    not_before: Mapped[datetime]
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    sent_at: Mapped[datetime | None]

    rule: Mapped[AlertRule] = relationship(lazy="joined", innerjoin=True, viewonly=True)


class DigestWish(Base):
    """How one person wants the daily digest; without a row it comes at 08:00 UTC. zone: a name like Europe/Berlin."""

    __tablename__ = "digest_wishes"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    zone: Mapped[str]
    wanted: Mapped[bool]
