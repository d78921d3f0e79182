"""Early fraud warnings: the card network's word that a payment looks stolen, before any dispute."""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.tx import Tx


def warn_after_payment(tx: Tx, charge: Obj, fraud_type: str = "unauthorized_use_of_card") -> Obj:
    warning = {
        "id": tx.new_id("issfr_"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge["id"],
        "created": tx.now,
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": charge["payment_intent"],
    }
    tx.put(warning)
    tx.emit("radar.early_fraud_warning.created", warning)
    return warning


def no_longer_actionable(tx: Tx, charge_id: str) -> None:
    """Fully refunded or disputed: nothing can be done about the warning any more."""
    for warning in tx.find("radar.early_fraud_warning", charge=charge_id):
        if warning["actionable"]:
            warning["actionable"] = False
            tx.put(warning)
            tx.emit("radar.early_fraud_warning.updated", warning, {"actionable": True})
