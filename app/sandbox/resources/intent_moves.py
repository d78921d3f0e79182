"""Steps of a PaymentIntent after the charge: capturing and letting go of held money."""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.resources import charge_moves, refund_moves, reviews
from app.sandbox.resources.attempts import after_payment, succeed
from app.sandbox.resources.cards import by_fingerprint
from app.sandbox.routes import timer
from app.sandbox.tx import Tx


def capture(tx: Tx, intent: Obj, charge: Obj, amount: int) -> None:
    """charge.captured, payment_intent.succeeded; what is not captured is released."""
    rest = charge["amount"] - amount
    released = refund_moves.release(tx, charge, rest) if rest else None
    charge_moves.take(tx, charge, amount)
    tx.put(charge)
    tx.emit("charge.captured", charge)
    if released:
        tx.emit("refund.created", released)
    details = charge["payment_method_details"].get("card")
    after_payment(tx, charge, by_fingerprint(details["fingerprint"]) if details else None)
    succeed(tx, intent, amount)


def cancel_held(tx: Tx, intent: Obj, charge: Obj, *, reason: str | None, refund_reason: str | None = None) -> Obj:
    """Release everything and end the intent: refund.created, charge.refunded, payment_intent.canceled."""
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    released = refund_moves.release(tx, charge, charge["amount"], reason=refund_reason)
    tx.put(charge)
    tx.emit("refund.created", released)
    tx.emit("charge.refunded", charge, before)
    reviews.settled(tx, charge, "canceled")
    end(tx, intent, reason)
    return released


def end(tx: Tx, intent: Obj, reason: str | None) -> None:
    intent.update(
        status="canceled",
        canceled_at=tx.now,
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    tx.put(intent)
    tx.emit("payment_intent.canceled", intent)


@timer("authorisation_expires")
def authorisation_expires(tx: Tx, intent: str) -> None:
    """A week without capture: charge.expired, and the intent is canceled by Stripe itself."""
    payment = tx.require("payment_intent", intent)
    if payment["status"] != "requires_capture":
        return
    charge = tx.require("charge", payment["latest_charge"])
    released = refund_moves.release(tx, charge, charge["amount"], reason="expired_uncaptured_charge")
    tx.put(charge)
    tx.emit("charge.expired", charge)
    tx.emit("refund.created", released)
    end(tx, payment, "automatic")
