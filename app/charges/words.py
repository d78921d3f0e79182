"""Why a payment failed or stood out, in words an agent can say to a customer."""

from typing import NamedTuple

from app.models.charge import Charge


class Explained(NamedTuple):
    """What happened, and what helps."""

    what: str
    next: str


_ASK_BANK = "Ask the customer to call their bank, or to pay in another way."
_OTHER_CARD = "Ask for another card."
_TRY_AGAIN = "Trying once more may help."
_CHECK_DATA = "Ask the customer to check what they typed."

# Codes of Stripe's documentation of declines; what is not here is shown as it is.
DECLINES: dict[str, Explained] = {
    "approve_with_id": Explained("The bank could not approve the payment.", _TRY_AGAIN),
    "authentication_required": Explained(
        "The bank wants the customer to confirm the payment.", "Send a link to pay and confirm."
    ),
    "call_issuer": Explained("The bank declined without a reason.", _ASK_BANK),
    "card_declined": Explained("The bank declined without a reason.", _ASK_BANK),
    "card_not_supported": Explained("The card cannot be used for this kind of purchase.", _OTHER_CARD),
    "card_velocity_exceeded": Explained("The card's limit of payments or of money is used up.", _ASK_BANK),
    "currency_not_supported": Explained("The card does not work in this currency.", _OTHER_CARD),
    "do_not_honor": Explained("The bank declined without a reason.", _ASK_BANK),
    "duplicate_transaction": Explained(
        "The same amount was paid with this card a moment ago.", "Look for the first payment."
    ),
    "expired_card": Explained("The card has expired.", _OTHER_CARD),
    "fraudulent": Explained(
        "Stripe takes this payment for fraud.", "Do not tell the customer more than: the bank declined."
    ),
    "generic_decline": Explained("The bank declined without a reason.", _ASK_BANK),
    "highest_risk_level": Explained(
        "Stripe's fraud protection blocked the payment.", "Do not try again with this card."
    ),
    "incorrect_cvc": Explained("The security code is wrong.", _CHECK_DATA),
    "incorrect_number": Explained("The card number is wrong.", _CHECK_DATA),
    "incorrect_zip": Explained("The postal code does not match the card.", _CHECK_DATA),
    "insufficient_funds": Explained(
        "There is not enough money on the account.", "Try again later, or ask for another card."
    ),
    "invalid_account": Explained("The card or its account is not valid.", _ASK_BANK),
    "invalid_amount": Explained("The amount is beyond what the card allows.", _ASK_BANK),
    "invalid_cvc": Explained("The security code is wrong.", _CHECK_DATA),
    "invalid_expiry_month": Explained("The month of expiry is wrong.", _CHECK_DATA),
    "invalid_expiry_year": Explained("The year of expiry is wrong.", _CHECK_DATA),
    "invalid_number": Explained("The card number is wrong.", _CHECK_DATA),
    "issuer_not_available": Explained("The bank could not be reached.", _TRY_AGAIN),
    "lost_card": Explained("The card was reported lost.", "Do not tell the customer more than: the bank declined."),
    "merchant_blacklist": Explained(
        "The payment is on the shop's own block list.", "Look at the block list in Stripe."
    ),
    "new_account_information_available": Explained("The card or its account has changed.", _ASK_BANK),
    "no_action_taken": Explained("The bank declined without a reason.", _ASK_BANK),
    "not_permitted": Explained("The bank does not permit this payment.", _ASK_BANK),
    "pickup_card": Explained("The bank wants the card back.", "Do not tell the customer more than: the bank declined."),
    "processing_error": Explained("Something went wrong while the card was processed.", _TRY_AGAIN),
    "reenter_transaction": Explained("The bank could not process the payment.", _TRY_AGAIN),
    "restricted_card": Explained("The card cannot be used for this payment.", _ASK_BANK),
    "revocation_of_all_authorizations": Explained(
        "The customer stopped all payments to the shop.", "Do not try again."
    ),
    "revocation_of_authorization": Explained("The customer stopped this payment at the bank.", "Do not try again."),
    "security_violation": Explained("The bank declined without a reason.", _ASK_BANK),
    "service_not_allowed": Explained("The bank declined without a reason.", _ASK_BANK),
    "stolen_card": Explained("The card was reported stolen.", "Do not tell the customer more than: the bank declined."),
    "stop_payment_order": Explained("The customer stopped this payment at the bank.", "Do not try again."),
    "testmode_decline": Explained("A test card was used for a real payment.", _OTHER_CARD),
    "transaction_not_allowed": Explained("The bank does not allow this kind of payment.", _ASK_BANK),
    "try_again_later": Explained("The bank could not answer.", _TRY_AGAIN),
    "withdrawal_count_limit_exceeded": Explained("The card's limit is used up.", _OTHER_CARD),
}

ADVICE = {
    "confirm_card_data": "Check the card's data before trying again",
    "do_not_try_again": "Do not try again",
    "try_again_later": "Trying later may help",
}

# The banks' answers of ISO 8583, as Visa and Mastercard use them.
NETWORK_DECLINES = {
    "01": "The bank wants to be called",
    "04": "The bank wants the card back",
    "05": "Declined without a reason",
    "07": "The bank wants the card back",
    "12": "Not a valid transaction",
    "13": "Not a valid amount",
    "14": "No such card number",
    "15": "No such bank",
    "19": "Enter it again",
    "41": "Lost card",
    "43": "Stolen card",
    "46": "Closed account",
    "51": "Not enough money",
    "54": "Expired card",
    "57": "Not permitted with this card",
    "58": "Not permitted to this shop",
    "59": "Suspected fraud",
    "61": "Over the card’s limit",
    "62": "Restricted card",
    "63": "Security violation",
    "65": "Too many payments, or the customer has to confirm",
    "70": "The customer has to confirm",
    "75": "Too many tries with the PIN",
    "78": "Blocked, or first use of the card",
    "82": "Wrong security code",
    "83": "Suspected fraud",
    "91": "The bank could not be reached",
    "93": "Against the law",
    "96": "The bank’s system failed",
    "1A": "The customer has to confirm",
    "N7": "Wrong security code",
    "R0": "The customer stopped this payment",
    "R1": "The customer stopped all payments",
    "R3": "The customer stopped all payments",
}
# Mastercard's merchant advice codes.
NETWORK_ADVICE = {
    "01": "New data of the card is to be had",
    "02": "Try again later",
    "03": "Do not try again",
    "04": "The token lacks something",
    "21": "Do not try again: the customer stopped it",
    "22": "The shop may not take this kind of card",
    "24": "Try again after an hour",
    "25": "Try again after a day",
    "26": "Try again after two days",
    "27": "Try again after four days",
    "28": "Try again after six days",
    "29": "Try again after eight days",
    "30": "Try again after ten days",
    "40": "A prepaid card that cannot be topped up",
    "41": "A card number for one use only",
    "42": "Too risky for the network",
    "43": "A virtual card number",
}

CHECKS = {
    "pass": ("good", "Matches"),
    "fail": ("bad", "Does not match"),
    "unavailable": ("calm", "The bank does not check"),
    "unchecked": ("calm", "Not checked"),
}

SECURED = {
    "authenticated": ("good", "Confirmed"),
    "attempt_acknowledged": ("good", "Tried, the bank takes no part"),
    "exempted": ("note", "Exempt"),
    "failed": ("bad", "Failed"),
    "not_supported": ("calm", "Not supported by the card"),
    "processing_error": ("wait", "Broke off"),
}
# With these a fraud dispute is the bank's loss; Stripe's page on 3-D Secure and liability.
LIABILITY_SHIFTS = frozenset({"authenticated", "attempt_acknowledged"})
FLOWS = {"challenge": "The customer was asked", "frictionless": "Without asking the customer"}

RISKS = {
    "normal": ("good", "Normal"),
    "elevated": ("wait", "Elevated"),
    "highest": ("bad", "Highest"),
    "not_assessed": ("calm", "Not assessed"),
}

METHODS = {
    "acss_debit": "Pre-authorised debit",
    "affirm": "Affirm",
    "afterpay_clearpay": "Afterpay",
    "alipay": "Alipay",
    "au_becs_debit": "BECS debit",
    "bacs_debit": "Bacs debit",
    "bancontact": "Bancontact",
    "card": "Card",
    "card_present": "Card reader",
    "eps": "EPS",
    "ideal": "iDEAL",
    "klarna": "Klarna",
    "link": "Link",
    "p24": "Przelewy24",
    "paypal": "PayPal",
    "sepa_debit": "SEPA debit",
    "us_bank_account": "US bank account",
}

BRANDS = {
    "amex": "American Express",
    "cartes_bancaires": "Cartes Bancaires",
    "diners": "Diners Club",
    "discover": "Discover",
    "eftpos_au": "Eftpos Australia",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}


def explained(charge: Charge) -> Explained | None:
    """Why it failed; None for a payment that did not fail."""
    if charge.status != "failed":
        return None
    if charge.outcome_type == "blocked":
        return Explained(
            "Stripe blocked this payment before it reached the bank.", "Look at the risk before letting it through."
        )
    code = charge.decline_code or charge.failure_code or ""
    return DECLINES.get(code) or Explained(charge.failure_message or "The payment failed.", _ASK_BANK)


def method(kind: str | None) -> str:
    """A way to pay as people call it."""
    return METHODS.get(kind or "", (kind or "Unknown").replace("_", " ").capitalize())
