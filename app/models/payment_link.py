"""Links by which anybody who has one pays a fixed amount, and each visit to Stripe's payment page that came of them."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.database import Base
from app.money import MinorUnits, Money

MOST_USES = 1_000_000


class PaymentLink(Base):
    """One link. amount: minor units of `currency`, fixed for good. max_uses: how many may pay; None: any number.

    token: what stands in its address. It lets pay and shows nothing of anybody, so staff may copy it at any time.
    customer_id: for whom it was made; None: whoever pays becomes a new customer.
    """

    __tablename__ = "payment_links"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint(f"max_uses BETWEEN 1 AND {MOST_USES}", name="max_uses_is_a_number"),
        CheckConstraint("expires_at > created_at", name="expires_later"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
        Index("uq_payment_links_token", "token", unique=True),
        Index(None, "account_id", "created_at", "id"),
        Index(None, "customer_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    token: Mapped[str]
    title: Mapped[str]
    amount: Mapped[MinorUnits]
    currency: Mapped[str]
    customer_id: Mapped[str | None]
    max_uses: Mapped[int | None]
    expires_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    # How many have paid, or are paying by a debit that is on its way; kept by a trigger on the visits.
    uses: Mapped[int] = mapped_column(server_default=text("0"), default=0)

    @property
    def price(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def state(self) -> str:
        """open, used_up, expired or closed."""
        if self.closed_at:
            return "closed"
        if self.max_uses is not None and self.uses >= self.max_uses:
            return "used_up"
        return "expired" if self.expires_at and self.expires_at <= clock.now() else "open"


class CheckoutVisit(Base):
    """Somebody who was led to Stripe's payment page: promised here before Stripe is asked for the page.

    state: requested (Stripe has not answered yet), open, processing (a debit on its way), paid, failed, expired.
    secret_hash: the SHA-256 of what stands in the address Stripe leads back to; only the payer's browser knows it.
    ip, user_agent: of the payer, kept as evidence of the order.
    """

    __tablename__ = "checkout_visits"
    __table_args__ = (
        CheckConstraint(
            "state IN ('requested', 'open', 'processing', 'paid', 'failed', 'expired')", name="state_is_known"
        ),
        CheckConstraint("state NOT IN ('open', 'processing', 'paid') OR session_id IS NOT NULL", name="has_a_session"),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid_at_some_time"),
        Index("uq_checkout_visits_secret_hash", "secret_hash", unique=True),
        Index("uq_checkout_visits_session_id", "session_id", unique=True),
        Index(None, "link_id", "asked_at"),
        Index(None, "account_id", "ip", "asked_at"),
        Index(None, "customer_id"),
        Index(
            "ix_checkout_visits_unsettled",
            "asked_at",
            postgresql_where=text("state IN ('requested', 'open', 'processing')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    link_id: Mapped[UUID] = mapped_column(ForeignKey("payment_links.id"))
    secret_hash: Mapped[bytes]
    state: Mapped[str] = mapped_column(server_default="requested", default="requested")
    session_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    payment_intent_id: Mapped[str | None]
    ip: Mapped[str | None]
    user_agent: Mapped[str | None]
    asked_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    # When it was last looked at without news; the next look waits a while.
    looked_at: Mapped[datetime | None]

    @property
    def is_unsettled(self) -> bool:
        """Whether anything may still come of it."""
        return self.state in {"requested", "open", "processing"}
