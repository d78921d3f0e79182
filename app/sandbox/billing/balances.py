"""The customer's balance: credit (below zero) or debt that the next invoice takes into account, with its history."""

from __future__ import annotations

from app.sandbox.billing.clocks import customer_in_time
from app.sandbox.errors import invalid, no_such
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow, integer, metadata, need, text
from app.sandbox.resources.currencies import known_currency
from app.sandbox.routes import route
from app.sandbox.store import equals
from app.sandbox.tx import Tx


def move(  # noqa: PLR0913
    tx: Tx,
    customer: Obj,
    amount: int,
    currency: str,
    type: str,  # noqa: A002 - Stripe's own word
    *,
    invoice: str | None = None,
    credit_note: str | None = None,
    description: str | None = None,
    notes: dict[str, str] | None = None,
) -> Obj:
    """Change the balance by `amount` (below zero is credit) and write it down; stores the customer."""
    customer["balance"] += amount
    customer["currency"] = customer["currency"] or currency
    movement = {
        "id": tx.new_id("cbtxn_"),
        "object": "customer_balance_transaction",
        "amount": amount,
        "checkout_session": None,
        "created": tx.now,
        "credit_note": credit_note,
        "currency": currency,
        "customer": customer["id"],
        "customer_account": None,
        "description": description,
        "ending_balance": customer["balance"],
        "invoice": invoice,
        "livemode": False,
        "metadata": dict(notes or {}),
        "type": type,
    }
    tx.put(customer)
    tx.put(movement)
    return movement


@route("POST", "/v1/customers/{customer}/balance_transactions")
def create(tx: Tx, customer: str) -> Obj:
    allow(tx.params, "amount", "currency", "description", "metadata")
    need(tx.params, "amount", "currency")
    amount = integer(tx.params, "amount") or 0
    currency = known_currency(str(tx.params["currency"]))
    owner = customer_in_time(tx, customer, lock=True)
    if owner["currency"] not in (None, currency):
        raise invalid(f"This customer's balance is kept in {owner['currency']}.", param="currency")
    before = {"balance": owner["balance"]}
    movement = move(
        tx,
        owner,
        amount,
        currency,
        "adjustment",
        description=text(tx.params, "description"),
        notes=metadata(tx.params),
    )
    tx.emit("customer.updated", owner, before)
    return movement


@route("GET", "/v1/customers/{customer}/balance_transactions")
def of_customer(tx: Tx, customer: str) -> Obj | RawJson:
    tx.require("customer", customer, lock=False)
    url = f"/v1/customers/{customer}/balance_transactions"
    return list_page(tx, "customer_balance_transaction", url=url, where=[equals("customer", customer)])


@route("GET", "/v1/customers/{customer}/balance_transactions/{id}")
def retrieve(tx: Tx, customer: str, id: str) -> Obj:  # noqa: A002
    found = tx.get("customer_balance_transaction", id)
    if found is None or found["customer"] != customer:
        raise no_such("customer balance transaction", id)
    return found
