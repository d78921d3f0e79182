"""The wish to be paid, through all its attempts."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from app.database import Base
from app.errors import BadAmount, CurrencyMismatch, PaymentNotCancelable, PaymentNotCapturable
from app.models.mirrored import Listed
from app.money import MinorUnits, Money

# Stripe's reasons for canceling; others it gives itself.
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")


class PaymentIntent(Listed, Base):
    """Copy of a Stripe payment intent (`pi_…`), never with its client secret. Amounts in minor units of `currency`.

    status: requires_payment_method, requires_confirmation, requires_action, processing, requires_capture, succeeded, canceled.
    """

    __tablename__ = "payment_intents"

    amount: Mapped[MinorUnits]
    amount_capturable: Mapped[MinorUnits]
    amount_received: Mapped[MinorUnits]
    currency: Mapped[str]
    status: Mapped[str]
    customer_id: Mapped[str | None]
    payment_method_id: Mapped[str | None]
    latest_charge_id: Mapped[str | None]
    capture_method: Mapped[str | None]
    confirmation_method: Mapped[str | None]
    setup_future_usage: Mapped[str | None]
    description: Mapped[str | None]
    receipt_email: Mapped[str | None]
    cancellation_reason: Mapped[str | None]
    canceled_at: Mapped[datetime | None]
    last_payment_error: Mapped[dict[str, Any] | None]
    next_action: Mapped[dict[str, Any] | None]
    payment_method_types: Mapped[list[str] | None]
    review_id: Mapped[str | None]

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        return (
            Index(None, "account_id", "status", "created_at"),
            Index(None, "customer_id", "created_at"),
        )

    @property
    def total(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def capturable(self) -> Money:
        """What is held and can still be captured."""
        return Money(self.amount_capturable, self.currency)

    @property
    def received(self) -> Money:
        return Money(self.amount_received, self.currency)

    @property
    def released(self) -> Money:
        """What a capture of less than was held let go; neither revenue nor refund."""
        rest = (
            self.amount - self.amount_received if self.status == "succeeded" and self.capture_method == "manual" else 0
        )
        return Money(MinorUnits(rest), self.currency)

    @property
    def is_held(self) -> bool:
        """Money is reserved at the bank and waits for a capture."""
        return self.status == "requires_capture"

    @property
    def is_cancelable(self) -> bool:
        return self.status in CANCELABLE

    def check_capture(self, wanted: Money) -> None:
        """Whether `wanted` may be captured now. What is not captured is released; there is no second capture.

        Raises:
            CurrencyMismatch, BadAmount, PaymentNotCapturable
        """
        if wanted.currency != self.currency:
            raise CurrencyMismatch(f"This payment was made in {self.currency.upper()}, not {wanted.currency.upper()}.")
        if not self.is_held:
            raise PaymentNotCapturable(
                f"Nothing is held any more: this payment {_SAYS.get(self.status, 'has moved on')}."
            )
        if wanted.minor <= 0:
            raise BadAmount("Enter an amount above zero.")
        if wanted > self.capturable:
            raise BadAmount(f"Only {self.capturable} is held and can be captured.")

    def check_cancel(self) -> None:
        """Whether it may be canceled now.

        Raises:
            PaymentNotCancelable
        """
        if not self.is_cancelable:
            raise PaymentNotCancelable(
                f"This payment {_SAYS.get(self.status, 'has moved on')}. {_INSTEAD.get(self.status, '')}".strip()
            )


_SAYS = {
    "requires_payment_method": "waits for a method to pay with",
    "requires_confirmation": "waits to be confirmed",
    "requires_action": "waits for the customer",
    "processing": "is being worked on by the bank",
    "succeeded": "has gone through",
    "canceled": "is canceled",
}
_INSTEAD = {
    "succeeded": "Refund it instead.",
    "processing": "Wait until the bank has answered.",
    "canceled": "There is nothing left to do.",
}
