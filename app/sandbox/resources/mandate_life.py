"""What banks and customers do to a mandate after it was given: mandate.updated each time.

No other event tells of it, and a mandate cannot be listed.
"""

from __future__ import annotations

from app.sandbox.errors import invalid
from app.sandbox.params import Obj
from app.sandbox.resources import bank_accounts
from app.sandbox.routes import timer
from app.sandbox.tx import Tx

REVOCATIONS = (
    "account_closed", "bank_account_restricted", "bank_ownership_changed", "could_not_process", "debit_not_authorized",
)  # fmt: skip


@timer("network_reads_mandate")
def network_reads_mandate(tx: Tx, mandate: str) -> None:
    """Bacs: the network accepts a new mandate or refuses it."""
    found = tx.require("mandate", mandate)
    if found["status"] != "pending":
        return
    method = tx.require("payment_method", found["payment_method"], lock=False)
    accepted = bank_accounts.behaviour(method).mandate == "accepted"
    change(tx, found, "active" if accepted else "inactive", network="accepted" if accepted else "refused")


def revoke(tx: Tx, mandate: Obj, reason: str) -> None:
    """The customer or the bank takes the permission back."""
    if reason not in REVOCATIONS:
        raise invalid(f"Reasons are {', '.join(REVOCATIONS)}.", param="reason")
    if mandate["status"] == "inactive":
        raise invalid(f"The mandate {mandate['id']} is inactive already.")
    change(tx, mandate, "inactive", network="revoked", reason=reason)


def end(tx: Tx, charge: Obj, why: str) -> None:
    """A debit failed in a way that ends the permission it stood on."""
    kind = charge["payment_method_details"]["type"]
    mandate_id = charge["payment_method_details"][kind].get("mandate")
    mandate = tx.get("mandate", mandate_id, lock=True) if mandate_id else None
    if mandate and mandate["status"] != "inactive":
        change(tx, mandate, "inactive", network="revoked", reason=why if why in REVOCATIONS else "could_not_process")


def change(tx: Tx, mandate: Obj, status: str, *, network: str, reason: str | None = None) -> None:
    before: Obj = {"status": mandate["status"]} if mandate["status"] != status else {}
    written = mandate["payment_method_details"].get("bacs_debit")
    if written:
        before["payment_method_details"] = {"bacs_debit": {"network_status": written["network_status"]}}
        written.update(network_status=network, revocation_reason=reason)
    mandate["status"] = status
    tx.put(mandate)
    tx.emit("mandate.updated", mandate, before)
