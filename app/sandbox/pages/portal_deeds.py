"""What a customer may do in the billing portal, each by the API call that Stripe's own portal stands for."""

from __future__ import annotations

from collections.abc import Callable

from app.sandbox.checkout.payer import Payer, mandate_data
from app.sandbox.errors import invalid
from app.sandbox.pages import checkout_form
from app.sandbox.pages.checkout_form import Entry
from app.sandbox.pages.visit import Visit
from app.sandbox.params import Obj, Params
from app.sandbox.resources.bank_accounts import DEBITS
from app.sandbox.resources.inside import call
from app.sandbox.tx import Tx

Deed = Callable[[Tx, Visit, Obj, Obj, Entry], str | None]
"""(tx, visit, session, features, form) → where to send the visitor, or None for the portal itself."""

DETAILS = ("name", "email", "phone")


def cancel(tx: Tx, _: Visit, session: Obj, features: Obj, entry: Entry) -> None:
    setting = _enabled(features, "subscription_cancel")
    subscription = _subscription(tx, session, entry)
    why: Params = {"feedback": entry.get("feedback")} if entry.get("feedback") else {}
    if setting["mode"] == "at_period_end":
        words: Params = {"cancel_at_period_end": "true", "cancellation_details": why}
        call(tx, "POST", f"/v1/subscriptions/{subscription['id']}", words)
    else:
        prorate = "false" if setting["proration_behavior"] == "none" else "true"
        words = {"cancellation_details": why, "prorate": prorate}
        call(tx, "DELETE", f"/v1/subscriptions/{subscription['id']}", words)


def keep(tx: Tx, _: Visit, session: Obj, features: Obj, entry: Entry) -> None:
    """Canceled for the end of the period, and thought better of it."""
    _enabled(features, "subscription_cancel")
    subscription = _subscription(tx, session, entry)
    call(tx, "POST", f"/v1/subscriptions/{subscription['id']}", {"cancel_at_period_end": "false"})


def switch(tx: Tx, _: Visit, session: Obj, features: Obj, entry: Entry) -> None:
    """Another price of what the shop lets its customers choose from."""
    setting = _enabled(features, "subscription_update")
    subscription = _subscription(tx, session, entry)
    wanted = entry.get("price")
    if wanted not in {price for product in setting["products"] or [] for price in product["prices"]}:
        raise invalid("This price cannot be chosen here.")
    item = subscription["items"]["data"][0]
    call(
        tx,
        "POST",
        f"/v1/subscriptions/{subscription['id']}",
        {"items": [{"id": item["id"], "price": wanted}], "proration_behavior": setting["proration_behavior"]},
    )


def add(tx: Tx, visit: Visit, session: Obj, features: Obj, entry: Entry) -> str | None:
    """Save a method; the bank may want to see the customer first."""
    _enabled(features, "payment_method_update")
    customer = tx.require("customer", session["customer"])
    method = checkout_form.new_method(tx, entry, customer["email"])
    words: Params = {
        "customer": customer["id"],
        "payment_method": method["id"],
        "allowed_payment_method_types": [method["type"]],
        "confirm": "true",
        "return_url": tx.page(f"/p/session/{session['id']}"),
    }
    if method["type"] in DEBITS:
        words["mandate_data"] = mandate_data(tx, Payer(method["id"], agent=visit.agent))
    intent = call(tx, "POST", "/v1/setup_intents", words)
    action = (intent["next_action"] or {}).get("redirect_to_url")
    if action:
        return str(action["url"])
    if customer["invoice_settings"]["default_payment_method"] is None:
        _make_default(tx, customer["id"], method["id"])
    return None


def default(tx: Tx, _: Visit, session: Obj, features: Obj, entry: Entry) -> None:
    _enabled(features, "payment_method_update")
    _make_default(tx, session["customer"], _method(tx, session, entry))


def remove(tx: Tx, _: Visit, session: Obj, features: Obj, entry: Entry) -> None:
    _enabled(features, "payment_method_update")
    call(tx, "POST", f"/v1/payment_methods/{_method(tx, session, entry)}/detach")


def details(tx: Tx, _: Visit, session: Obj, features: Obj, entry: Entry) -> None:
    setting = _enabled(features, "customer_update")
    words: Params = {
        name: entry.get(name) for name in DETAILS if name in setting["allowed_updates"] and name in entry.typed
    }
    call(tx, "POST", f"/v1/customers/{session['customer']}", words)


DEEDS: dict[str, Deed] = {
    "cancel": cancel,
    "keep": keep,
    "switch": switch,
    "add": add,
    "default": default,
    "remove": remove,
    "details": details,
}


def _enabled(features: Obj, name: str) -> Obj:
    setting: Obj = features[name]
    if not setting["enabled"]:
        raise invalid("The shop does not allow this here.")
    return setting


def _subscription(tx: Tx, session: Obj, entry: Entry) -> Obj:
    found = tx.get("subscription", entry.get("subscription"), lock=True)
    if found is None or found["customer"] != session["customer"]:
        raise invalid("This is not a subscription of yours.")
    return found


def _method(tx: Tx, session: Obj, entry: Entry) -> str:
    found = tx.get("payment_method", entry.get("method"))
    if found is None or found["customer"] != session["customer"]:
        raise invalid("This is not a payment method of yours.")
    return str(found["id"])


def _make_default(tx: Tx, customer: str, method: str) -> None:
    call(tx, "POST", f"/v1/customers/{customer}", {"invoice_settings": {"default_payment_method": method}})
