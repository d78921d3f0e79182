"""Decline codes: what the API, the charge and its outcome say about each.

Messages are those of Stripe's error documentation; the codes that must never be tried again follow its retry guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decline:
    """One way a bank says no. `code` is the API's error code, `decline_code` the bank's word where it differs."""

    code: str
    message: str
    decline_code: str | None = None
    advice: str | None = "try_again_later"
    network_code: str | None = "05"
    blocked: bool = False

    @property
    def reason(self) -> str:
        """The word of `charge.outcome.reason`."""
        return self.decline_code or self.code

    @property
    def is_listed(self) -> bool:
        """The shop put it on a block list, which says nothing about the risk."""
        return self.decline_code == "merchant_blacklist"

    def outcome(self) -> dict[str, Any]:
        """The charge's `outcome`: the bank's refusal, or Radar's block before the bank was asked."""
        too_risky = self.blocked and not self.is_listed
        return {
            "advice_code": None if self.blocked else self.advice,
            "network_advice_code": None,
            "network_decline_code": None if self.blocked else self.network_code,
            "network_status": "not_sent_to_network" if self.blocked else "declined_by_network",
            "reason": "highest_risk_level" if too_risky else self.reason,
            "risk_level": "highest" if too_risky else "normal",
            "risk_score": 92 if too_risky else 34,
            "seller_message": self.seller_message,
            "type": "blocked" if self.blocked else "issuer_declined",
        }

    @property
    def seller_message(self) -> str:
        if self.blocked:
            return "Stripe blocked this payment." if self.is_listed else "Stripe blocked this payment as too risky."
        if self.reason == "generic_decline":
            return "The bank did not return any further details with this decline."
        return f"The bank returned the decline code `{self.reason}`."


GENERIC = "Your card was declined."
_STOP = "do_not_try_again"
_FIX = "confirm_card_data"


def _bank(decline_code: str, advice: str, network: str, message: str = GENERIC) -> Decline:
    return Decline("card_declined", message, decline_code, advice, network)


DECLINES = {
    "generic_decline": _bank("generic_decline", "try_again_later", "01"),
    "do_not_honor": _bank("do_not_honor", "try_again_later", "05"),
    "insufficient_funds": _bank("insufficient_funds", "try_again_later", "51", "Your card has insufficient funds."),
    "lost_card": _bank("lost_card", _STOP, "41"),
    "stolen_card": _bank("stolen_card", _STOP, "43"),
    "pickup_card": _bank("pickup_card", _STOP, "04"),
    "fraudulent": _bank("fraudulent", _STOP, "59"),
    "transaction_not_allowed": _bank(
        "transaction_not_allowed", _STOP, "57", "Your card does not support this type of purchase."
    ),
    "card_not_supported": _bank("card_not_supported", _STOP, "57", "Your card does not support this type of purchase."),
    "card_velocity_exceeded": _bank(
        "card_velocity_exceeded",
        "try_again_later",
        "61",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    ),
    "revocation_of_authorization": _bank("revocation_of_authorization", _STOP, "R1"),
    "revocation_of_all_authorizations": _bank("revocation_of_all_authorizations", _STOP, "R3"),
    "test_mode_live_card": _bank(
        "test_mode_live_card",
        _STOP,
        "05",
        "Your card was declined. Your request was in test mode, but used a non test (live) card. "
        "For a list of valid test cards, visit: https://stripe.com/docs/testing.",
    ),
    "expired_card": Decline("expired_card", "Your card has expired.", "expired_card", _FIX, "54"),
    "incorrect_cvc": Decline("incorrect_cvc", "Your card's security code is incorrect.", "incorrect_cvc", _FIX, "N7"),
    "incorrect_zip": Decline(
        "incorrect_zip", "The zip code you supplied failed validation.", "incorrect_zip", _FIX, None
    ),
    "incorrect_number": Decline("incorrect_number", "Your card number is incorrect.", None, _FIX, "14"),
    "processing_error": Decline(
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        "processing_error",
        "try_again_later",
        "96",
    ),
    "authentication_required": Decline(
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
        "authentication_required",
        None,
        "1A",
    ),
    "authentication_not_handled": Decline(
        "authentication_required",
        "This payment required an authentication action to complete, but `error_on_requires_action` was set. When "
        "you're ready, you can upgrade your integration to handle actions at "
        "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
        "authentication_not_handled",
        None,
        None,
    ),
    "highest_risk_level": Decline("card_declined", GENERIC, "fraudulent", None, None, blocked=True),
    "merchant_blacklist": Decline("card_declined", GENERIC, "merchant_blacklist", None, None, blocked=True),
    # Bank debits: the bank's answer comes days later.
    "sepa_insufficient_funds": Decline(
        "insufficient_funds", "The customer's account has insufficient funds to cover this payment.", None, None, "AM04"
    ),
    "ach_account_closed": Decline("account_closed", "The customer's bank account has been closed.", None, None, "R02"),
    "ach_no_account": Decline("no_account", "The customer's bank account could not be located.", None, None, "R03"),
    "ach_insufficient_funds": Decline(
        "insufficient_funds", "The customer's account has insufficient funds to cover this payment.", None, None, "R01"
    ),
    "ach_invalid_currency": Decline(
        "invalid_currency", "The currency is not supported by the customer's account.", None, None, None
    ),
    "debit_not_authorized": Decline(
        "debit_not_authorized",
        "The customer has notified their bank that this payment was unauthorized.",
        None,
        None,
        "R10",
    ),
    "charge_exceeds_weekly_limit": Decline(
        "charge_exceeds_weekly_limit", "The payment takes this account above its weekly limit.", None, None, None
    ),
    "ach_tokenized_account": Decline(
        "tokenized_account_number_deactivated", "The tokenized account number has been deactivated.", None, None, None
    ),
    "bacs_insufficient_funds": Decline(
        "insufficient_funds", "The customer's account has insufficient funds to cover this payment.", None, None, "0"
    ),
    "sepa_refused": Decline(
        "generic_could_not_process", "The payment could not be processed by the customer's bank.", None, None, "MS03"
    ),
}

AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this PaymentIntent again."
)
SETUP_AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this SetupIntent again."
)
