"""One attempt to move money, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, foreign, relationship, remote

from app.database import Base
from app.errors import (
    BadAmount,
    ChargeNotRefundable,
    CurrencyMismatch,
    DomainError,
    RefundExceedsBalance,
    RefundInProgress,
)
from app.models.dispute import Dispute
from app.models.mirrored import Listed
from app.models.refund import Refund
from app.money import MinorUnits, Money

# What the index of facets is made of, in the order the function takes it; see charge_facets.py.
FACETS_ARE_MADE_OF = (
    *("account_id", "status", "captured", "refunded", "disputed", "outcome_type", "amount", "amount_captured"),
    *("amount_refunded", "currency", "method_type", "brand", "country", "decline_code", "failure_code"),
)


class Charge(Listed, Base):
    """Copy of a Stripe charge (`ch_…`, `py_…`). Amounts in minor units of `currency`. status: pending, succeeded, failed.

    `capture_before`: while money is only held, when the hold ends by itself.
    """

    __tablename__ = "charges"

    amount: Mapped[MinorUnits]
    amount_captured: Mapped[MinorUnits]
    amount_refunded: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    captured: Mapped[bool]
    paid: Mapped[bool]
    refunded: Mapped[bool]
    disputed: Mapped[bool]
    payment_intent_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    balance_transaction_id: Mapped[str | None]
    description: Mapped[str | None]
    receipt_email: Mapped[str | None]
    receipt_url: Mapped[str | None]
    statement_descriptor: Mapped[str | None]
    failure_code: Mapped[str | None]
    failure_message: Mapped[str | None]
    decline_code: Mapped[str | None]
    outcome_type: Mapped[str | None]
    outcome_reason: Mapped[str | None]
    network_status: Mapped[str | None]
    network_decline_code: Mapped[str | None]
    network_advice_code: Mapped[str | None]
    advice_code: Mapped[str | None]
    risk_level: Mapped[str | None]
    method_type: Mapped[str | None]
    brand: Mapped[str | None]
    last4: Mapped[str | None]
    fingerprint: Mapped[str | None]
    country: Mapped[str | None]
    mandate_id: Mapped[str | None]
    capture_before: Mapped[datetime | None]
    billing_details: Mapped[dict[str, Any] | None]

    # No foreign keys stand behind these: children may come before their parents. Oldest first.
    refunds: Mapped[list[Refund]] = relationship(
        primaryjoin=lambda: Charge.id == remote(foreign(Refund.charge_id)),
        order_by=lambda: (Refund.requested_at, Refund.created_at, Refund.id),
        viewonly=True,
    )
    disputes: Mapped[list[Dispute]] = relationship(
        primaryjoin=lambda: Charge.id == remote(foreign(Dispute.charge_id)),
        order_by=lambda: (Dispute.created_at, Dispute.id),
        viewonly=True,
    )

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "payment_intent_id"),
            Index(None, "customer_id", "created_at"),
            Index("ix_charges_paid", "account_id", "created_at", postgresql_where=text("paid")),
            Index(
                "ix_charges_held",
                "account_id",
                "capture_before",
                "id",
                postgresql_where=text("status = 'succeeded' AND NOT captured AND NOT refunded"),
            ),
            Index(
                "ix_charges_blocked",
                "account_id",
                "created_at",
                "id",
                postgresql_where=text("outcome_type = 'blocked'"),
            ),
            Index(
                "ix_charges_fingerprint", "fingerprint", "created_at", postgresql_where=text("fingerprint IS NOT NULL")
            ),
            Index(None, "account_id", "amount"),
            Index(
                "ix_charges_facets",
                text(f"charge_facets({', '.join(FACETS_ARE_MADE_OF)})"),
                postgresql_using="gin",
                # What is new waits in a list that every search reads: a short one, worked off a few milliseconds at a time.
                postgresql_with={"gin_pending_list_limit": 256},
            ),
            Index("ix_charges_mandate", "mandate_id", "created_at", postgresql_where=text("mandate_id IS NOT NULL")),
            *(
                # Guests alone: the others are found by their customer. In the order of "C", as the migration says it.
                Index(name, "account_id", text(address), postgresql_where=text("customer_id IS NULL"))
                for name, address in (
                    ("ix_charges_guest_receipt", "lower(receipt_email)"),
                    ("ix_charges_guest_billing", "lower(billing_details ->> 'email')"),
                )
            ),
            Index("ix_charges_last4", "last4", "created_at", postgresql_where=text("last4 IS NOT NULL")),
        )

    @property
    def total(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def taken(self) -> Money:
        """What was really captured; a released authorisation is neither revenue nor refund."""
        return Money(self.amount_captured, self.currency)

    @property
    def state(self) -> str:
        """One word for what became of it, as lists show it: Stripe's status alone does not know refunds and disputes."""
        if self.status == "failed":
            return "blocked" if self.outcome_type == "blocked" else "failed"
        if self.status != "succeeded":
            return self.status
        if not self.captured:
            return "canceled" if self.refunded else "uncaptured"
        if self.disputed:
            return "disputed"
        if self.refunded:
            return "refunded"
        return "partially_refunded" if self.amount_refunded > self.amount - self.amount_captured else "succeeded"

    @property
    def released(self) -> Money:
        """What was only held and then let go: neither revenue nor refund, though Stripe counts it into `amount_refunded`."""
        return Money(MinorUnits(self.amount - self.amount_captured), self.currency) if self.captured else self._returned

    @property
    def given_back(self) -> Money:
        """What of the captured money went back or may be on its way."""
        return max(self._returned - self.released, Money.zero(self.currency))

    @property
    def refundable(self) -> Money:
        """What is left to give back; never below zero."""
        return max(self.taken - self.given_back, Money.zero(self.currency))

    @property
    def _returned(self) -> Money:
        """Refunds and releases: Stripe's count or our own rows, whichever knows of more."""
        unanswered = sum(refund.amount for refund in self.refunds if refund.is_in_flight)
        known = sum(refund.amount for refund in self.refunds if refund.is_live)
        return Money(MinorUnits(max(self.amount_refunded + unanswered, known)), self.currency)

    @property
    def refund_in_flight(self) -> Refund | None:
        """The refund whose answer is still awaited; the database allows only one."""
        return next((refund for refund in self.refunds if refund.is_in_flight), None)

    @property
    def open_inquiry(self) -> Dispute | None:
        """A bank's question that a refund would answer."""
        return next((dispute for dispute in self.disputes if dispute.is_inquiry and dispute.is_open), None)

    @property
    def refund_obstacle(self) -> DomainError | None:
        """Why nothing at all can be refunded now, and what to do instead; None when something can."""
        return self._never_taken() or self._in_flight() or self._disputed() or self._spent()

    def check_refund(self, wanted: Money) -> None:
        """Whether `wanted` may be promised back now.

        Raises:
            BadAmount, CurrencyMismatch, ChargeNotRefundable, RefundInProgress, RefundExceedsBalance
        """
        if wanted.currency != self.currency:
            raise CurrencyMismatch(f"This payment was made in {self.currency.upper()}, not {wanted.currency.upper()}.")
        if wanted.minor <= 0:
            raise BadAmount("Enter an amount above zero.")
        if obstacle := self.refund_obstacle:
            raise obstacle
        if wanted > self.refundable:
            raise RefundExceedsBalance(f"Only {self.refundable} of {self.taken} is left to refund.{self._last_words()}")

    def _never_taken(self) -> DomainError | None:
        if self.status == "failed":
            return ChargeNotRefundable("This payment failed. No money was taken, so there is none to give back.")
        if self.status != "succeeded":
            return ChargeNotRefundable("This payment has not gone through yet. Wait until it has succeeded.")
        if not self.captured:
            return ChargeNotRefundable("This payment is only authorised. Cancel it in Stripe instead of refunding it.")
        return None

    def _in_flight(self) -> DomainError | None:
        refund = self.refund_in_flight
        return RefundInProgress(f"Already in progress: {refund}. Wait for Stripe's answer.") if refund else None

    def _disputed(self) -> DomainError | None:
        blocking = next((dispute for dispute in self.disputes if dispute.blocks_refund), None)
        if blocking and blocking.is_open:
            return ChargeNotRefundable(
                "The customer's bank is already taking this money back (chargeback). A refund now would pay twice: "
                "answer or accept the dispute instead."
            )
        if blocking:
            return ChargeNotRefundable(
                f"The customer's bank has already settled this payment (dispute {blocking.status}). There is nothing to refund."
            )
        if self.disputed and not self.disputes:
            return ChargeNotRefundable(
                "Stripe says that this payment is disputed, but the dispute itself has not arrived here. Try again in a minute."
            )
        return None

    def _spent(self) -> DomainError | None:
        if self.refundable:
            return None
        return ChargeNotRefundable(f"This payment is already refunded in full.{self._last_words()}")

    def _last_words(self) -> str:
        """The latest refund, so that the second of two people learns who was first."""
        live = [refund for refund in self.refunds if refund.is_live and not refund.is_release]
        return f" Last: {max(live, key=lambda refund: refund.since)}." if live else ""
