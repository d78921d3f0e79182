"""Payouts: the balance goes to the bank account, by hand or every night.

Stripe's states: pending → in_transit → paid (or failed, even after paid), pending → canceled.
"""

from __future__ import annotations

from datetime import UTC, datetime

from app.sandbox.errors import invalid, missing
from app.sandbox.params import Obj, allow, choice, integer, metadata, text
from app.sandbox.resources import ledger, payout_moves
from app.sandbox.resources.currencies import SETTLED, known_currency
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("POST", "/v1/payouts")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(
        params, "amount", "currency", "description", "destination", "metadata", "method", "payout_method", "source_type",
        "statement_descriptor",
    )  # fmt: skip
    amount = integer(params, "amount", least=1)
    if amount is None:
        raise missing("amount")
    if not params.get("currency"):
        raise missing("currency")
    currency = known_currency(str(params["currency"]))
    if currency not in SETTLED:
        raise invalid(f"You do not have a bank account that takes {currency}.", param="currency")
    if ledger.locked_totals(tx, currency)["available"] < amount:
        raise invalid(
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your available "
            "balance by creating Charges using the 4000000000000077 test card. You can use the the /v1/balance endpoint to "
            "view your Stripe balance (for more details, see stripe.com/docs/api#balance).",
            code="balance_insufficient",
        )
    method = choice(params, "method", ("standard", "instant")) or "standard"
    return payout_moves.send(
        tx,
        amount,
        currency,
        automatic=False,
        method=method,
        description=text(params, "description"),
        statement_descriptor=text(params, "statement_descriptor"),
        destination=text(params, "destination"),
        notes=metadata(params),
    )


@route("POST", "/v1/payouts/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "metadata")
    payout = tx.require("payout", id)
    before = {"metadata": payout["metadata"]}
    payout["metadata"] = metadata(tx.params, payout["metadata"])
    tx.put(payout)
    tx.emit("payout.updated", payout, before)
    return payout


@route("POST", "/v1/payouts/{id}/cancel")
def cancel(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    payout = tx.require("payout", id)
    if payout["status"] != "pending" or payout["automatic"]:
        raise invalid(
            f"Payouts can only be canceled while pending; this one is {payout['status']}.", code="payout_not_cancelable"
        )
    payout["status"] = "canceled"
    payout["failure_balance_transaction"] = payout_moves.take_back(tx, payout, "payout_cancel")["id"]
    tx.put(payout)
    tx.emit("payout.canceled", payout)
    return payout


@route("POST", "/v1/payouts/{id}/reverse")
def reverse(tx: Tx, id: str) -> Obj:  # noqa: A002
    """A paid payout comes back as a payout of its own with a negative amount."""
    allow(tx.params, "metadata")
    payout = tx.require("payout", id)
    if payout["status"] != "paid" or payout["reversed_by"]:
        raise invalid(
            "Only a paid payout that was not reversed yet can be reversed.", code="payout_reversal_not_allowed"
        )
    back = payout_moves.send(
        tx,
        -payout["amount"],
        payout["currency"],
        automatic=False,
        method="standard",
        description=f"Reversal of {datetime.fromtimestamp(payout['created'], UTC):%Y-%m-%d}",
        statement_descriptor=None,
        destination=payout["destination"],
        notes=metadata(tx.params),
        original=payout["id"],
    )
    payout["reversed_by"] = back["id"]
    tx.put(payout)
    return back
