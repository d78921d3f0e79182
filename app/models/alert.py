"""What somebody wants to hear of, by which ways, what happened, and whether they were told."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.database import Base
from app.models.saved_view import SavedView

CHANNELS = ("mail", "slack", "webhook")
MEASURES = ("number", "sum", "oldest")
STATES = ("queued", "sending", "sent", "failed", "snoozed")
# The source of a rule that looks at a saved view.
VIEW = "view"


class AlertRule(Base):
    """Tell of what, when. `source`: a name of alerts/sources.py, the kind of an alert that others raise, or `view`.

    measure: what is compared with `more_than`: how many (number), how much together in `currency`'s minor units (sum), or how
    many hours the oldest is old (oldest). within_hours: only what came in so lately counts, 0 everything.
    window_hours: the same thing is told again after that long, 0 never.
    view_id, maker_id: the view, looked at with the rights its maker has now. A view that was deleted leaves null.
    snoozed_until, snooze_remark: until then nothing is told, and each alert says so.
    trouble: why it could not be looked for the last time.
    """

    __tablename__ = "alert_rules"
    __table_args__ = (
        CheckConstraint(f"measure IN {MEASURES}", name="measure"),
        CheckConstraint("more_than >= 0 AND window_hours BETWEEN 0 AND 8760", name="numbers"),
        CheckConstraint("within_hours BETWEEN 0 AND 8760", name="within"),
        CheckConstraint("(measure = 'sum') = (currency IS NOT NULL)", name="sums_have_a_currency"),
        CheckConstraint(f"source <> '{VIEW}' OR maker_id IS NOT NULL", name="views_have_a_maker"),
        Index(None, "account_id", "created_at", "id"),
        Index("ix_alert_rules_live", "account_id", "source", postgresql_where=sql("ended_at IS NULL")),
        Index(None, "view_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    source: Mapped[str]
    view_id: Mapped[UUID | None] = mapped_column(ForeignKey("saved_views.id", ondelete="SET NULL"))
    maker_id: Mapped[UUID | None] = mapped_column(ForeignKey("staff.id"))
    measure: Mapped[str] = mapped_column(server_default=sql("'number'"), default="number")
    more_than: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str | None]
    within_hours: Mapped[int] = mapped_column(server_default=sql("0"), default=0)
    window_hours: Mapped[int]
    made_by: Mapped[str]
    created_at: Mapped[datetime]
    snoozed_until: Mapped[datetime | None]
    snooze_remark: Mapped[str | None]
    trouble: Mapped[str | None]
    ended_at: Mapped[datetime | None]

    view: Mapped[SavedView | None] = relationship(viewonly=True)
    channels: Mapped[list["AlertChannel"]] = relationship(
        order_by="AlertChannel.kind, AlertChannel.shown, AlertChannel.id", back_populates="rule"
    )


class AlertChannel(Base):
    """One way to somebody. `shown`: an e-mail address, or the host of a URL and no more of it.

    sealed: the URL, encrypted, because Slack's is itself a secret. secret: what webhooks are signed with, encrypted as well;
    it is shown once, when the rule is made.
    """

    __tablename__ = "alert_channels"
    __table_args__ = (
        CheckConstraint(f"kind IN {CHANNELS}", name="kind"),
        CheckConstraint("(kind = 'mail') = (sealed IS NULL)", name="urls_are_sealed"),
        CheckConstraint("(kind = 'webhook') = (secret IS NOT NULL)", name="webhooks_are_signed"),
        Index(None, "rule_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("alert_rules.id"))
    kind: Mapped[str]
    shown: Mapped[str]
    sealed: Mapped[bytes | None]
    secret: Mapped[bytes | None]

    rule: Mapped[AlertRule] = relationship(back_populates="channels")


class AlertDelivery(Base):
    """One alert on its way through one channel. `dedup_key` and `turn`: the same thing is told once a window.

    state: queued, sending, sent, failed, snoozed. A mail counts as sent when it is in the outbox: the mail log knows the rest.
    path: the page it leads to.
    """

    __tablename__ = "alert_deliveries"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("state <> 'sending' OR asked_at IS NOT NULL", name="sending_since"),
        Index("uq_alert_deliveries_told", "channel_id", "dedup_key", "turn", unique=True),
        Index("ix_alert_deliveries_told", "rule_id", "dedup_key"),
        Index("ix_alert_deliveries_due", "not_before", postgresql_where=sql("state IN ('queued', 'sending')")),
        Index("ix_alert_deliveries_of_rule", "rule_id", "raised_at", "id"),
        Index(None, "account_id", "raised_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("alert_rules.id"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("alert_channels.id"))
    kind: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    text: Mapped[str]
    path: Mapped[str | None]
    dedup_key: Mapped[str]
    turn: Mapped[int] = mapped_column(server_default=sql("0"), default=0)
    raised_at: Mapped[datetime]
    not_before: Mapped[datetime]
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    sent_at: Mapped[datetime | None]

    channel: Mapped[AlertChannel] = relationship(lazy="joined", innerjoin=True, viewonly=True)


class AlertTry(Base):
    """One attempt to hand an alert over, and what came of it: a status and the first words of the answer."""

    __tablename__ = "alert_tries"
    __table_args__ = (Index(None, "delivery_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(ForeignKey("alert_deliveries.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    answer: Mapped[str]


class DigestWish(Base):
    """How one person wants the daily digest; without a row it comes at 08:00 UTC. zone: a name like Europe/Berlin."""

    __tablename__ = "digest_wishes"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    zone: Mapped[str]
    wanted: Mapped[bool]
