"""What a PaymentIntent in each status allows, and Stripe's words when it does not."""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj, Params

BEFORE_PAYMENT = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")
# After the payment only words may change, never the money.
ALWAYS_CHANGEABLE = ("metadata", "description", "receipt_email", "transfer_group")


def intent_kind(intent_id: str) -> str:
    return "setup_intent" if intent_id.startswith("seti_") else "payment_intent"


def check_update(intent: Obj, params: Params) -> None:
    if intent["status"] in BEFORE_PAYMENT:
        return
    for name in params:
        if name not in ALWAYS_CHANGEABLE:
            raise unexpected(
                intent,
                f"This PaymentIntent's {name} could not be updated because it has a status of {intent['status']}. You may "
                f"only update the {name} of a PaymentIntent with one of the following statuses: {', '.join(BEFORE_PAYMENT)}.",
            )


def check_confirm(intent: Obj) -> None:
    status = intent["status"]
    if status == "succeeded":
        raise unexpected(
            intent,
            "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
        )
    if status not in BEFORE_PAYMENT:
        raise unexpected(
            intent,
            f"You cannot confirm this PaymentIntent because it has a status of {status}. Only a PaymentIntent with one of "
            "the following statuses may be confirmed: requires_confirmation, requires_action.",
        )


def check_has_method(intent: Obj) -> None:
    if intent["payment_method"] is None:
        raise unexpected(
            intent,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment "
            "method or ConfirmationToken.",
        )


def check_capture(intent: Obj, amount: int | None) -> None:
    status = intent["status"]
    if status == "succeeded":
        raise unexpected(intent, "This PaymentIntent could not be captured because it has already been captured.")
    if status != "requires_capture":
        raise unexpected(
            intent,
            f"This PaymentIntent could not be captured because it has a status of {status}. Only a PaymentIntent with one "
            "of the following statuses may be captured: requires_capture.",
        )
    if amount is not None and amount > intent["amount_capturable"]:
        raise invalid(
            f"The amount_to_capture ({amount}) is greater than the amount that can be captured "
            f"({intent['amount_capturable']}).",
            param="amount_to_capture",
            code="amount_too_large",
        )


def check_cancel(intent: Obj) -> None:
    if intent["status"] not in CANCELABLE:
        raise unexpected(
            intent,
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent with "
            f"one of the following statuses may be canceled: {', '.join(CANCELABLE)}.",
        )


def unexpected(intent: Obj, message: str) -> StripeError:
    return StripeError(message, code="payment_intent_unexpected_state", payment_intent=intent)
