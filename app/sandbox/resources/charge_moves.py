"""What can happen to one charge: made, refused, paid, captured, released. No routes; events are the caller's."""

from __future__ import annotations

from typing import Any

from app.sandbox.params import Obj
from app.sandbox.resources import ledger, shapes
from app.sandbox.resources.bank_accounts import DEBITS
from app.sandbox.resources.cards import TestCard, by_fingerprint
from app.sandbox.resources.currencies import settle
from app.sandbox.resources.declines import Decline
from app.sandbox.resources.fees import payment_fees
from app.sandbox.tx import Tx

DEBIT_PENDING_DAYS = 5
HELD = 7 * 86_400
"""Seconds that a card holds money for a capture."""


def card_of(method: Obj) -> TestCard | None:
    return by_fingerprint(method["card"]["fingerprint"]) if method["type"] == "card" else None


def make(tx: Tx, intent: Obj, method: Obj, *, mandate: str | None = None, secured: Obj | None = None) -> Obj:
    """A new charge of a PaymentIntent, not yet decided (`pending`) and not yet stored."""
    held_until = tx.now + HELD if intent["capture_method"] == "manual" else None
    details = shapes.charge_method_details(
        method, amount=intent["amount"], held_until=held_until, mandate=mandate, secured=secured
    )
    charge_id = tx.new_id("ch_" if method["type"] == "card" else "py_")
    return {
        "id": charge_id,
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": _descriptor(intent),
        "captured": False,
        "created": tx.now,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": details,
        "presentment_details": None,
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
    }


def refuse(charge: Obj, decline: Decline) -> None:
    charge.update(
        status="failed",
        paid=False,
        captured=False,
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=decline.outcome(),
    )


def pay(tx: Tx, charge: Obj, *, capture: bool) -> None:
    """The bank said yes; `capture` takes the money, else it is only held."""
    card = _card(charge)
    charge.update(
        status="succeeded", paid=True, outcome=_approved(card), receipt_url=tx.page(f"/receipt/{charge['id']}")
    )
    if capture:
        take(tx, charge, charge["amount"])


def take(tx: Tx, charge: Obj, amount: int) -> None:
    """Capture: the money is ours, less the fees, available in a few days."""
    charge.update(captured=True, amount_captured=amount)
    card = _card(charge)
    kind = charge["payment_method_details"]["type"]
    worth = settle(amount, charge["currency"])
    country = charge["payment_method_details"][kind].get("country")
    movement = ledger.post(
        tx,
        type="charge" if kind == "card" else "payment",
        category="charge",
        source=charge["id"],
        amount=worth.amount,
        currency=worth.currency,
        description=charge["description"],
        fees=payment_fees(kind, country, worth.amount, worth.currency, converted=worth.rate is not None),
        rate=worth.rate,
        available_on=_available_on(tx, kind, card),
    )
    charge["balance_transaction"] = movement["id"]


def _available_on(tx: Tx, kind: str, card: TestCard | None) -> int:
    if card and card.bypass_pending:
        return tx.world_now
    return ledger.next_available(tx, DEBIT_PENDING_DAYS if kind in DEBITS else ledger.PENDING_DAYS)


def _card(charge: Obj) -> TestCard | None:
    details = charge["payment_method_details"]
    return by_fingerprint(details["card"]["fingerprint"]) if details["type"] == "card" else None


def _approved(card: TestCard | None) -> dict[str, Any]:
    level = card.risk if card else "not_assessed"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": level,
        **({"risk_score": 68 if level == "elevated" else 21} if card else {}),
        "seller_message": "Payment complete.",
        "type": "authorized",
    }


def _descriptor(intent: Obj) -> str:
    if intent["statement_descriptor_suffix"]:
        return f"{shapes.STATEMENT}* {intent['statement_descriptor_suffix']}"[:22]
    return str(intent["statement_descriptor"] or shapes.STATEMENT)
