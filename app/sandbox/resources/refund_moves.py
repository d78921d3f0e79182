"""What can happen to one refund: made, paid out, failed, canceled; and the release of money that was only held.

The charge is locked by the caller and carries the sum in `amount_refunded`, pending refunds included. A refund that
fails or is canceled gives its part back; Stripe tells so through the refund alone.
"""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.resources import ledger, reviews
from app.sandbox.resources.cards import by_fingerprint
from app.sandbox.resources.currencies import converted, minor_rate, settle
from app.sandbox.resources.fraud_warnings import no_longer_actionable
from app.sandbox.tx import Tx

MINUTE = 60
DAY = 86_400
DAYS_TO_WAIT_FOR_FUNDS = 30
DAYS_TO_GIVE_BANK_DETAILS = 45


def refundable(charge: Obj) -> int:
    """What is left of it, in minor units."""
    return int(charge["amount"] - charge["amount_refunded"])


def make(  # noqa: PLR0913
    tx: Tx, charge: Obj, amount: int, *, reason: str | None, metadata: dict[str, str], email: str | None
) -> Obj:
    """Give `amount` back: refund.created, charge.refunded."""
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    given_back = refunded_so_far(charge)
    refund = _blank(tx, charge, amount, reason, metadata)
    count(charge, amount)
    _start(tx, refund, charge, given_back, email)
    tx.put(charge)
    tx.put(refund)
    tx.emit("refund.created", refund)
    tx.emit("charge.refunded", charge, {name: old for name, old in before.items() if charge[name] != old})
    if charge["refunded"]:
        no_longer_actionable(tx, charge["id"])
        reviews.settled(tx, charge, "refunded_as_fraud" if reason == "fraudulent" else "refunded")
    return refund


def release(tx: Tx, charge: Obj, amount: int, *, reason: str | None = None) -> Obj:
    """Let go of money that was only held. Written as a refund without a balance transaction; events are the caller's."""
    refund = {**_blank(tx, charge, amount, reason, {}), "status": "succeeded"}
    refund["destination_details"] = {"card": {"type": "reversal"}, "type": "card"}
    count(charge, amount)
    tx.put(refund)
    return refund


def count(charge: Obj, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def refunded_so_far(charge: Obj) -> int:
    """Captured money that went back; what was released before capture is not among it."""
    return int(charge["amount_refunded"] - (charge["amount"] - charge["amount_captured"]))


def _start(tx: Tx, refund: Obj, charge: Obj, given_back: int, email: str | None) -> None:
    kind = charge["payment_method_details"]["type"]
    if kind == "customer_balance":
        _ask_for_bank_details(tx, refund, email)
    elif charge["status"] == "pending":
        refund.update(status="pending", pending_reason="charge_pending")
    elif not pay_from_balance(tx, refund, charge, given_back):
        wait_for_funds(tx, refund)
    elif kind == "card":
        _send_to_card(tx, refund, charge)
    else:
        refund.update(status="pending", pending_reason="processing")
        tx.later(tx.now + MINUTE, "refund_arrives", refund=refund["id"])


def wait_for_funds(tx: Tx, refund: Obj) -> None:
    refund.update(status="pending", pending_reason="insufficient_funds")
    until = tx.now + DAYS_TO_WAIT_FOR_FUNDS * DAY
    tx.later(tx.now + DAY, "refund_waits_for_funds", refund=refund["id"], until=until)


def _send_to_card(tx: Tx, refund: Obj, charge: Obj) -> None:
    card = by_fingerprint(charge["payment_method_details"]["card"]["fingerprint"])
    way = refund["destination_details"]["card"]
    if card.refund == "pending":
        way["type"] = "pending"
        refund.update(status="pending", pending_reason="processing")
        tx.later(tx.now + MINUTE, "refund_arrives", refund=refund["id"])
        return
    refund["status"] = "succeeded"
    if card.refund == "fail":
        tx.later(tx.now + MINUTE, "refund_bounces", refund=refund["id"])
    elif way["type"] == "refund":
        tx.later(tx.now + DAY, "refund_gets_reference", refund=refund["id"])


def pay_from_balance(tx: Tx, refund: Obj, charge: Obj, given_back: int) -> bool:
    """Take the money from the balance if it is there; fees Stripe kept do not stand in the way."""
    amount, currency, rate = worth(refund["amount"], charge["currency"], given_back)
    if ledger.locked_totals(tx, currency)["gross"] < amount:
        return False
    paid = tx.get("balance_transaction", charge["balance_transaction"]) if charge["balance_transaction"] else None
    waits = paid is not None and paid["status"] == "pending"
    word = "refund" if refund["id"].startswith("re_") else "payment_refund"
    movement = ledger.post(
        tx,
        type=word,
        category="refund",
        source=refund["id"],
        amount=-amount,
        currency=currency,
        description=f"REFUND FOR {'CHARGE' if word == 'refund' else 'PAYMENT'}" + _of(charge["description"]),
        rate=rate,
        available_on=paid["available_on"] if paid and waits else None,
    )
    refund["balance_transaction"] = movement["id"]
    if charge["payment_method_details"]["type"] == "card":
        refund["destination_details"]["card"]["type"] = "reversal" if waits else "refund"
    return True


def worth(amount: int, currency: str, given_back: int) -> tuple[int, str, float | None]:
    """(amount, currency, rate) in the account's books. Counted from the total, so that the parts make up the whole."""
    home = settle(given_back + amount, currency)
    if home.rate is None:
        return amount, currency, None
    rate = minor_rate(currency, home.currency)
    return home.amount - converted(given_back, rate), home.currency, rate


def _ask_for_bank_details(tx: Tx, refund: Obj, email: str | None) -> None:
    expires = tx.now + DAYS_TO_GIVE_BANK_DETAILS * DAY
    refund.update(
        status="requires_action",
        instructions_email=email,
        next_action={
            "display_details": {"email_sent": {"email_sent_at": tx.now, "email_sent_to": email}, "expires_at": expires},
            "type": "display_details",
        },
    )
    tx.later(expires, "refund_gets_no_details", refund=refund["id"])


def give_up(tx: Tx, refund: Obj, charge: Obj, status: str, reason: str | None = None) -> None:
    """failed or canceled: the charge's sum shrinks, and money that had left the balance comes back."""
    before = {"status": refund["status"]}
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    refund.update(status=status, next_action=None)
    refund.pop("pending_reason", None)
    if reason:
        refund["failure_reason"] = reason
    if refund["balance_transaction"]:
        refund["failure_balance_transaction"] = _take_back(tx, refund)["id"]
    tx.put(charge)
    changed(tx, refund, before)
    if status == "failed":
        tx.emit("refund.failed", refund)


def changed(tx: Tx, refund: Obj, before: Obj) -> None:
    """refund.updated, charge.refund.updated"""
    tx.put(refund)
    tx.emit("refund.updated", refund, before)
    tx.emit("charge.refund.updated", refund, before)


def locked(tx: Tx, refund_id: str) -> tuple[Obj, Obj]:
    """The refund and its charge, both held; the charge first, as everywhere."""
    seen = tx.require("refund", refund_id, lock=False)
    charge = tx.require("charge", seen["charge"])
    return tx.require("refund", refund_id), charge


def _take_back(tx: Tx, refund: Obj) -> Obj:
    paid = tx.require("balance_transaction", refund["balance_transaction"], lock=False)
    return ledger.post(
        tx,
        type="refund_failure",
        category="refund_failure",
        source=refund["id"],
        amount=-paid["amount"],
        currency=paid["currency"],
        description="REFUND FAILURE",
        rate=paid["exchange_rate"],
        available_on=paid["available_on"] if paid["status"] == "pending" else None,
    )


def _of(description: str | None) -> str:
    return f" ({description})" if description else ""


def _blank(tx: Tx, charge: Obj, amount: int, reason: str | None, metadata: dict[str, str]) -> Obj:
    kind = charge["payment_method_details"]["type"]
    way: Obj = {"type": kind}
    if kind == "card":
        way["card"] = {
            "reference": None,
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        }
    return {
        "id": tx.new_id("re_" if kind == "card" else "pyr_"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": tx.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": way,
        "metadata": metadata,
        "next_action": None,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "presentment_details": None,
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
