"""The billing portal: a customer's subscriptions, payment methods, details and invoices."""

from __future__ import annotations

from dataclasses import dataclass

from app.sandbox.billing.subscription_shapes import items_of
from app.sandbox.errors import StripeError, no_such
from app.sandbox.http import Reply
from app.sandbox.pages import checkout_form, rendering
from app.sandbox.pages.checkout_form import FORMS, Entry
from app.sandbox.pages.fills import FILLS, typed
from app.sandbox.pages.portal_deeds import DEEDS
from app.sandbox.pages.visit import Visit, act
from app.sandbox.params import Obj
from app.sandbox.routes import route
from app.sandbox.tx import Tx

LIVE = ("active", "trialing", "past_due", "unpaid", "paused", "incomplete")
COMPLETES = {
    "payment_method_update": "add",
    "subscription_cancel": "cancel",
    "subscription_update": "switch",
    "subscription_update_confirm": "switch",
    "customer_update": "details",
}


@dataclass(frozen=True)
class Desk:
    """Everything the page shows of a customer."""

    session: Obj
    configuration: Obj
    customer: Obj
    subscriptions: list[Obj]
    methods: list[Obj]
    invoices: list[Obj]
    prices: list[Obj]

    @property
    def features(self) -> Obj:
        found: Obj = self.configuration["features"]
        return found

    @property
    def default(self) -> str | None:
        found: str | None = self.customer["invoice_settings"]["default_payment_method"]
        return found

    @property
    def flow(self) -> str | None:
        """The one thing this door was opened for."""
        return self.session["flow"]["type"] if self.session["flow"] else None

    def shows(self, name: str, *flows: str) -> bool:
        """Is this part of the page there: allowed, and (when the door is for one thing) about that thing?"""
        return bool(self.features[name]["enabled"] and (self.flow is None or self.flow in flows))


@route("GET", "/p/session/{id}")
def show(visit: Visit, id: str) -> Reply:  # noqa: A002
    desk = act(visit, lambda tx: _desk(tx, id))
    entry = Entry(typed(str(visit.asked.get("way", "card")), str(visit.asked.get("fill", ""))) or {"way": "card"})
    if visit.asked.get("redirect_status") == "failed":
        entry.wrong[""] = "Your bank did not confirm it. Try again, or use another card."
    return _page(desk, entry)


@route("POST", "/p/session/{id}")
def change(visit: Visit, id: str) -> Reply:  # noqa: A002
    entry = Entry({name: str(value) for name, value in visit.form.items()})
    desk = act(visit, lambda tx: _desk(tx, id))
    name = entry.get("act")
    deed = DEEDS.get(name)
    if deed is None:
        return rendering.trouble(400, "Nothing here is called so.")
    if name == "add":
        checkout_form.check_way(entry, list(FORMS))
    if entry.wrong:
        return _page(desk, entry)
    try:
        onward = act(visit, lambda tx: deed(tx, visit, desk.session, desk.features, entry))
    except StripeError as refusal:
        entry.blame(refusal)
        return _page(act(visit, lambda tx: _desk(tx, id)), entry)
    return rendering.redirect(onward or _after(desk, name))


def _after(desk: Desk, name: str) -> str:
    """The portal again, or where the shop wants people to go after the one thing they came for."""
    home = f"/p/session/{desk.session['id']}"
    if desk.flow is None or COMPLETES.get(desk.flow) != name:
        return home
    after = desk.session["flow"]["after_completion"]
    return str(after["redirect"]["return_url"]) if after["type"] == "redirect" else home


def _desk(tx: Tx, session_id: str) -> Desk:
    session = tx.get("billing_portal.session", session_id)
    if session is None:
        raise no_such("portal session", session_id)
    customer = tx.get("customer", session["customer"])
    if customer is None or customer.get("deleted"):
        raise no_such("customer", session["customer"])
    configuration = tx.require("billing_portal.configuration", session["configuration"], lock=False)
    products = configuration["features"]["subscription_update"]["products"] or []
    prices = [tx.get("price", one) for product in products for one in product["prices"]]
    return Desk(
        session,
        configuration,
        customer,
        [_shown(tx, one) for one in tx.find("subscription", customer=customer["id"]) if one["status"] in LIVE],
        tx.find("payment_method", customer=customer["id"], limit=20),
        [one for one in tx.find("invoice", customer=customer["id"], limit=24) if one["status"] != "draft"],
        [price for price in prices if price],
    )


def _shown(tx: Tx, subscription: Obj) -> Obj:
    """A subscription with its items in words."""
    items = [{**item, "product": tx.get("product", item["price"]["product"])} for item in items_of(tx, subscription)]
    ends = max((item["current_period_end"] for item in items), default=None)
    return {**subscription, "parts": items, "period_end": ends}


def _page(desk: Desk, entry: Entry) -> Reply:
    flow = desk.session["flow"] or {}
    after = flow.get("after_completion") or {}
    return rendering.page(
        "portal",
        title="Your billing",
        leads_to=[(after.get("redirect") or {}).get("return_url")],
        desk=desk,
        customer=desk.customer,
        features=desk.features,
        kinds=list(FORMS),
        entry=entry,
        fills=FILLS,
    )
