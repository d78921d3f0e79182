"""That a customer was told of a debit before it, and how long before it has to be."""

from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, db
from app.money import MinorUnits, Money

SCHEMES = {"sepa_debit": "SEPA debit", "bacs_debit": "Bacs debit"}
# mail: written by us. elsewhere: another program or a letter. stripe: Stripe wrote it.
HOW = {"mail": "By our mail", "elsewhere": "Elsewhere", "stripe": "By Stripe"}


class DebitNoticeRule(Base):
    """How many days before a debit its payer must know of it. The newest row that is valid on a day holds; none is ever changed.

    blocks: without a notice in time nothing is debited. stripe_sends: Stripe writes the notices, so that none is looked for.
    source: where the number of days comes from.
    """

    __tablename__ = "debit_notice_rules"
    __table_args__ = (
        CheckConstraint(f"scheme IN {tuple(SCHEMES)}", name="scheme"),
        CheckConstraint("days BETWEEN 1 AND 30", name="days"),
        CheckConstraint("source <> ''", name="source"),
        Index(None, "scheme", "valid_from", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    scheme: Mapped[str]
    valid_from: Mapped[date]
    days: Mapped[int]
    blocks: Mapped[bool]
    stripe_sends: Mapped[bool]
    source: Mapped[str]
    set_by: Mapped[str]
    set_at: Mapped[datetime]

    @property
    def before(self) -> timedelta:
        return timedelta(days=self.days)

    @classmethod
    def on(cls, scheme: str, day: date) -> "DebitNoticeRule | None":
        """The rule that holds on this day; None for what needs no notice."""
        newest = select(cls).where(cls.scheme == scheme, cls.valid_from <= day)
        return db.session.scalar(newest.order_by(cls.valid_from.desc(), cls.id.desc()).limit(1))


class DebitNotice(Base):
    """One debit that its payer was told of: how much, from which day on, and when they were told.

    about_type, about_id: the invoice or the payment intent that is debited.
    """

    __tablename__ = "debit_notices"
    __table_args__ = (
        CheckConstraint(f"scheme IN {tuple(SCHEMES)}", name="scheme"),
        CheckConstraint(f"how IN {tuple(HOW)}", name="how"),
        CheckConstraint("about_type IN ('invoice', 'payment_intent')", name="about_type"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("told_on <= debit_on", name="told_before"),
        # The same notice is written once, from whichever door.
        Index("uq_debit_notices_debit", *("account_id", "about_id", "debit_on", "amount", "how"), unique=True),
        Index(None, "account_id", "noted_at", "id"),
        Index(None, "customer_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    scheme: Mapped[str]
    about_type: Mapped[str]
    about_id: Mapped[str]
    customer_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    amount: Mapped[MinorUnits]
    currency: Mapped[str]
    debit_on: Mapped[date]
    told_on: Mapped[date]
    how: Mapped[str]
    mail_id: Mapped[UUID | None]
    words: Mapped[str | None]
    noted_by: Mapped[str]
    noted_at: Mapped[datetime]

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def covers(self, money: Money, on: date, rule: DebitNoticeRule) -> bool:
        """Whether it is a notice of exactly this much, given long enough before this day, and of no later one."""
        return self.money == money and self.debit_on <= on and self.told_on + rule.before <= on
