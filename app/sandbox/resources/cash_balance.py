"""Bank transfers: the customer sends money to a balance of their own, and payments that wait take it from there."""

from __future__ import annotations

from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.params import Obj, allow, integer, text
from app.sandbox.resources import charge_moves, outcomes
from app.sandbox.resources.currencies import known_currency
from app.sandbox.routes import route
from app.sandbox.tx import Tx

TRANSFERS = {"usd": "us", "gbp": "gb", "jpy": "jp", "mxn": "mx"}


def wait_for_transfer(tx: Tx, intent: Obj) -> None:
    """Confirmed with customer_balance: take what is there, ask for the rest."""
    if intent["customer"] is None:
        raise invalid("You must provide a customer to pay with customer_balance.", param="customer")
    cash = _locked(tx, intent["customer"])
    _ask_for(intent, intent["amount"])
    tx.put(
        {"object": "sandbox.awaited", "id": intent["id"], "customer": intent["customer"], "remaining": intent["amount"]}
    )
    tx.put(intent)
    tx.emit("payment_intent.requires_action", intent)
    _apply(tx, cash, intent)


@route("GET", "/v1/customers/{customer}/cash_balance")
def retrieve(tx: Tx, customer: str) -> Obj:
    tx.require("customer", customer, lock=False)
    return _shown(_locked(tx, customer))


@route("POST", "/v1/test_helpers/customers/{customer}/fund_cash_balance")
def fund(tx: Tx, customer: str) -> Obj:
    """A transfer arrives. It pays, oldest first, the intents that wait for one in its currency."""
    params = tx.params
    allow(params, "amount", "currency", "reference")
    amount = integer(params, "amount", least=1)
    if amount is None:
        raise missing("amount")
    if not params.get("currency"):
        raise missing("currency")
    currency = known_currency(str(params["currency"]))
    owner = tx.get("customer", customer, lock=True)
    if owner is None or owner.get("deleted"):
        raise no_such("customer", customer, param="customer")
    cash = _locked(tx, customer)
    reference = text(params, "reference")
    came = _move(tx, cash, "funded", amount, currency, funded={"bank_transfer": _sender(currency, reference)})
    tx.emit("cash_balance.funds_available", _shown(cash))
    for waiting in reversed(tx.find("sandbox.awaited", customer=customer)):
        intent = tx.require("payment_intent", waiting["id"])
        if intent["currency"] == currency and intent["status"] == "requires_action":
            _apply(tx, cash, intent)
            if intent["status"] == "succeeded":
                outcomes.tell(tx, intent)
    return came


def _apply(tx: Tx, cash: Obj, intent: Obj) -> None:
    """Move what the balance holds to the payment: all of it at last, or a part."""
    from app.sandbox.resources.attempts import succeed  # the attempt calls us

    currency = intent["currency"]
    waiting = tx.require("sandbox.awaited", intent["id"])
    paid = min(cash["available"].get(currency, 0), waiting["remaining"])
    if paid <= 0:
        return
    _move(tx, cash, "applied_to_payment", -paid, currency, applied_to_payment={"payment_intent": intent["id"]})
    waiting["remaining"] -= paid
    if waiting["remaining"]:
        tx.put(waiting)
        _ask_for(intent, waiting["remaining"])
        tx.put(intent)
        tx.emit("payment_intent.partially_funded", intent)
        return
    tx.remove("sandbox.awaited", waiting["id"])
    method = tx.require("payment_method", intent["payment_method"], lock=False)
    charge = charge_moves.make(tx, intent, method)
    charge_moves.pay(tx, charge, capture=True)
    intent.update(latest_charge=charge["id"], next_action=None)
    tx.put(charge)
    tx.emit("charge.succeeded", charge)
    succeed(tx, intent, charge["amount"])


def _move(tx: Tx, cash: Obj, kind: str, amount: int, currency: str, **details: Obj) -> Obj:
    cash["available"][currency] = cash["available"].get(currency, 0) + amount
    tx.put(cash)
    movement = {
        "id": tx.new_id("ccsbtxn_"),
        "object": "customer_cash_balance_transaction",
        "created": tx.now,
        "currency": currency,
        "customer": cash["customer"],
        "customer_account": None,
        "ending_balance": cash["available"][currency],
        "livemode": False,
        "net_amount": amount,
        "type": kind,
        **details,
    }
    tx.put(movement)
    tx.emit("customer_cash_balance_transaction.created", movement)
    return movement


def _locked(tx: Tx, customer: str) -> Obj:
    tx.cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sandbox.cash'), hashtext(%s))", (customer,))
    return tx.get("cash_balance", customer, lock=True) or {
        "id": customer,
        "object": "cash_balance",
        "available": {},
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }


def _shown(cash: Obj) -> Obj:
    """Stripe's cash_balance has no id, and no `available` while it is empty."""
    shown = {name: value for name, value in cash.items() if name != "id"}
    shown["available"] = {currency: amount for currency, amount in cash["available"].items() if amount} or None
    return shown


def _ask_for(intent: Obj, remaining: int) -> None:
    prefix = TRANSFERS.get(intent["currency"], "eu")
    intent.update(
        status="requires_action",
        next_action={
            "display_bank_transfer_instructions": {
                "amount_remaining": remaining,
                "currency": intent["currency"],
                "financial_addresses": [],
                "hosted_instructions_url": f"https://payments.stripe.com/bank_transfers/instructions/{intent['id']}",
                "reference": intent["id"][-12:].upper(),
                "type": f"{prefix}_bank_transfer",
            },
            "type": "display_bank_transfer_instructions",
        },
    )


def _sender(currency: str, reference: str | None) -> Obj:
    prefix = TRANSFERS.get(currency, "eu")
    return {"reference": reference, "type": f"{prefix}_bank_transfer"}
