"""Payments whose answer comes later: debits wait for the bank, bank transfers for the customer's money."""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.resources import bank_accounts, charge_moves, mandate_life, microdeposits, outcomes
from app.sandbox.resources.cash_balance import wait_for_transfer
from app.sandbox.resources.declines import DECLINES
from app.sandbox.resources.dispute_cases import raise_after_payment
from app.sandbox.resources.refund_timers import drop, resume
from app.sandbox.routes import timer
from app.sandbox.tx import Tx

ENDING = ("account_closed", "no_account", "debit_not_authorized")
"""Failures after which the bank takes no further debit: the mandate ends with them."""
DISPUTES = {"sepa_debit": "debit", "us_bank_account": "ach_debit", "bacs_debit": "bacs_debit"}


def start(tx: Tx, intent: Obj, method: Obj, mandate: str | None) -> None:
    """charge.pending, payment_intent.processing, and the bank's answer by timer; an American account that was never
    verified first waits for its owner."""
    from app.sandbox.resources.attempts import settle_method, tell_invoice  # the attempt calls us

    if method["type"] == "customer_balance":
        wait_for_transfer(tx, intent)
        return
    if microdeposits.needed(tx, method):
        microdeposits.ask(tx, intent, method)
        return
    charge = charge_moves.make(tx, intent, method, mandate=mandate)
    tx.put(charge)
    tx.emit("charge.pending", charge)
    intent.update(status="processing", latest_charge=charge["id"], processing=None)
    settle_method(tx, intent, method)
    tx.put(intent)
    tx.emit("payment_intent.processing", intent)
    tell_invoice(tx, intent)
    told = bank_accounts.behaviour(method)
    if told.seconds:
        tx.later(tx.now + told.seconds, "bank_answers", intent=intent["id"], charge=charge["id"])


@timer("bank_answers")
def bank_answers(tx: Tx, intent: str, charge: str) -> None:
    """Days later at Stripe, seconds here: the bank paid or did not."""
    from app.sandbox.resources.attempts import fail, succeed

    payment = tx.require("payment_intent", intent)
    debit = tx.require("charge", charge)
    if payment["status"] != "processing" or debit["status"] != "pending":
        return
    told = bank_accounts.behaviour(debit["payment_method_details"])
    why = DECLINES.get(told.outcome)
    if why:
        charge_moves.refuse(debit, why)
        tx.put(debit)
        tx.emit("charge.failed", debit)
        fail(tx, payment, _error(tx, debit, why.code, why.message), charge=charge)
        drop(tx, debit, "unknown")
        if why.code in ENDING:
            mandate_life.end(tx, debit, why.code)
        outcomes.tell(tx, payment)
        return
    charge_moves.pay(tx, debit, capture=True)
    tx.put(debit)
    tx.emit("charge.succeeded", debit)
    if told.outcome == "disputed":
        drop(tx, debit, "charge_for_pending_refund_disputed")
        raise_after_payment(tx, debit, DISPUTES[debit["payment_method_details"]["type"]])
    succeed(tx, payment, debit["amount"])
    resume(tx, debit)
    outcomes.tell(tx, payment)


def _error(tx: Tx, debit: Obj, reason: str, message: str) -> Obj:
    return {
        "charge": debit["id"],
        "code": "payment_intent_payment_attempt_failed",
        "decline_code": reason,
        "doc_url": "https://stripe.com/docs/error-codes/payment-intent-payment-attempt-failed",
        "message": message,
        "payment_method": tx.get("payment_method", debit["payment_method"]),
        "type": "card_error",
    }
