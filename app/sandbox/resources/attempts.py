"""The charge attempt: a PaymentIntent meets a PaymentMethod.

Out come a charge, its balance transaction and the events, in the order Stripe sends them: charge.succeeded, what the
bank raises at once (disputes, warnings), payment_intent.succeeded; or charge.failed, payment_intent.payment_failed
and the card error. `payment_intent.created` is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from app.sandbox.params import Obj
from app.sandbox.resources import charge_moves, debits, ledger, shapes, value_lists
from app.sandbox.resources.authentication import ask_customer, needs_customer, remember_set_up, unfinished
from app.sandbox.resources.cards import TestCard
from app.sandbox.resources.declines import DECLINES, Decline
from app.sandbox.resources.dispute_cases import raise_after_payment
from app.sandbox.resources.fraud_warnings import warn_after_payment
from app.sandbox.resources.payment_methods import keep_for
from app.sandbox.resources.saving import refusal, spend
from app.sandbox.tx import Tx


@dataclass(frozen=True)
class Circumstances:
    """How a confirmation is made. `mandate` is the id of the permission for a debit.

    `patient`: the customer is away, but a card that must be authenticated waits for them instead of being declined.
    """

    off_session: bool = False
    error_on_action: bool = False
    authenticated: bool = False
    return_url: str | None = None
    mandate: str | None = None
    three_d_secure: str = "automatic"
    patient: bool = False


def attempt(tx: Tx, intent: Obj, method: Obj, how: Circumstances) -> None:
    """Try to take the money. Leaves the intent stored in its new state; a refusal raises the card error after that."""
    intent.update(payment_method=method["id"], last_payment_error=None, next_action=None)
    card = charge_moves.card_of(method)
    if card is None:
        debits.start(tx, intent, method, how.mandate)
    elif not how.authenticated and needs_customer(tx, card, method, how.off_session, how.three_d_secure):
        _hold_for_customer(tx, intent, method, how)
    else:
        charge_card(tx, intent, method, card, how)


def charge_card(tx: Tx, intent: Obj, method: Obj, card: TestCard, how: Circumstances) -> None:
    refused = card.after_authentication if how.authenticated else None
    refused = refused or card.declines
    # The shop's own lists come before the bank.
    if value_lists.is_blocked(tx, intent, method):
        refused = "merchant_blacklist"
    if refused:
        decline(tx, intent, method, DECLINES[refused])
    secured = shapes.three_d_secure("challenge") if how.authenticated else None
    charge = charge_moves.make(tx, intent, method, mandate=how.mandate, secured=secured)
    manual = intent["capture_method"] == "manual"
    charge_moves.pay(tx, charge, capture=not manual)
    intent["latest_charge"] = charge["id"]
    tx.put(charge)
    tx.emit("charge.succeeded", charge)
    if not manual:
        after_payment(tx, charge, card)
    if how.authenticated or intent["setup_future_usage"] == "off_session":
        remember_set_up(tx, card, method)
    settle_method(tx, intent, method)
    if manual:
        hold(tx, intent)
    else:
        succeed(tx, intent, charge["amount"])


def after_payment(tx: Tx, charge: Obj, card: TestCard | None) -> None:
    """What some test cards bring down on us once the money is ours."""
    if card and card.bypass_pending:
        ledger.announce_available(tx)
    if card and card.warning:
        warn_after_payment(tx, charge)
    if card and card.dispute:
        raise_after_payment(tx, charge, card.dispute)


def succeed(tx: Tx, intent: Obj, received: int) -> None:
    intent.update(status="succeeded", amount_received=received, amount_capturable=0)
    tx.put(intent)
    tx.emit("payment_intent.succeeded", intent)
    tell_invoice(tx, intent)


def hold(tx: Tx, intent: Obj) -> None:
    """Manual capture: the money is reserved for a week."""
    intent.update(status="requires_capture", amount_capturable=intent["amount"])
    tx.put(intent)
    tx.emit("payment_intent.amount_capturable_updated", intent)
    tx.later(tx.now + charge_moves.HELD, "authorisation_expires", intent=intent["id"])


def settle_method(tx: Tx, intent: Obj, method: Obj) -> None:
    """Keep the method for later if that was wished, else a guest's method is used up."""
    if intent["setup_future_usage"] and intent["customer"]:
        keep_for(tx, method, intent["customer"])
    elif not intent["setup_future_usage"]:
        spend(tx, method)


def decline(tx: Tx, intent: Obj, method: Obj, why: Decline) -> NoReturn:
    """The bank said no: a failed charge stays, the intent wants another method, the caller gets a card error."""
    charge = charge_moves.make(tx, intent, method)
    charge_moves.refuse(charge, why)
    tx.put(charge)
    tx.emit("charge.failed", charge)
    refusal_of = {
        "charge": charge["id"],
        "code": why.code,
        **({"decline_code": why.decline_code} if why.decline_code else {}),
        **({"advice_code": why.advice} if why.advice else {}),
        **({"network_decline_code": why.network_code} if why.network_code and not why.blocked else {}),
        "doc_url": f"https://stripe.com/docs/error-codes/{why.code.replace('_', '-')}",
        "message": why.message,
        "payment_method": method,
        "type": "card_error",
    }
    fail(tx, intent, refusal_of, charge=charge["id"])
    raise refusal(why, commit=True, charge=charge["id"], payment_intent=intent, payment_method=method)


def fail(tx: Tx, intent: Obj, error: Obj, *, charge: str | None) -> None:
    """Back to the start, with the reason why."""
    intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None, next_action=None)
    if charge:
        intent["latest_charge"] = charge
    tx.put(intent)
    tx.emit("payment_intent.payment_failed", intent)
    tell_invoice(tx, intent)


def _hold_for_customer(tx: Tx, intent: Obj, method: Obj, how: Circumstances) -> None:
    if how.off_session and not how.patient:
        decline(tx, intent, method, DECLINES["authentication_required"])
    if how.error_on_action:
        why = DECLINES["authentication_not_handled"]
        fail(tx, intent, unfinished(why, method), charge=None)
        raise refusal(why, commit=True, payment_intent=intent, payment_method=method)
    intent.update(status="requires_action", next_action=ask_customer(tx, intent, how.return_url))
    tx.put(intent)
    tx.emit("payment_intent.requires_action", intent)
    tell_invoice(tx, intent)


def tell_invoice(tx: Tx, intent: Obj) -> None:
    """A payment that an invoice is waiting for has moved on."""
    order = (intent.get("payment_details") or {}).get("order_reference") or ""
    if order.startswith("in_"):
        from app.sandbox.billing.collecting import intent_moved  # invoices pay by attempts

        intent_moved(tx, intent, order)
