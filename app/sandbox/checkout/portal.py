"""The billing portal over the API: how it is set up, and a door to it for one customer."""

from __future__ import annotations

from typing import Any

from app.sandbox.errors import StripeError, invalid, missing, unknown
from app.sandbox.params import Obj, Params, allow, boolean, choice, hash_of, hashes_of, integer, list_of, metadata, text
from app.sandbox.resources.payment_methods import live_customer
from app.sandbox.routes import route
from app.sandbox.tx import Tx

CHANGEABLE = ("business_profile", "default_return_url", "features", "login_page", "metadata", "name")
FLOWS = (
    "customer_update", "payment_method_update", "subscription_cancel", "subscription_update",
    "subscription_update_confirm",
)  # fmt: skip
CHOICES = {
    "mode": ("at_period_end", "immediately"),
    "proration_behavior": ("always_invoice", "create_prorations", "none"),
    "trial_update_behavior": ("continue_trial", "end_trial"),
}


@route("POST", "/v1/billing_portal/configurations")
def configure(tx: Tx) -> Obj:
    allow(tx.params, *CHANGEABLE)
    if not hash_of(tx.params, "features"):
        raise missing("features")
    made = _blank(tx, on=False)
    _apply(tx.params, made)
    tx.put(made)
    tx.emit("billing_portal.configuration.created", made)
    return made


@route("POST", "/v1/billing_portal/configurations/{id}")
def change(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, *CHANGEABLE, "active")
    found = tx.require("billing_portal.configuration", id)
    before = dict(found)
    active = boolean(tx.params, "active")
    found["active"] = found["active"] if active is None else active
    _apply(tx.params, found)
    found["updated"] = tx.now
    tx.put(found)
    told = {name: old for name, old in before.items() if found[name] != old}
    tx.emit("billing_portal.configuration.updated", found, told)
    return found


@route("POST", "/v1/billing_portal/sessions")
def open_door(tx: Tx) -> Obj:
    """The page lets whoever has its address act for this customer."""
    params = tx.params
    allow(params, "configuration", "customer", "customer_account", "flow_data", "locale", "on_behalf_of", "return_url")
    if not params.get("customer"):
        raise missing("customer")
    customer = live_customer(tx, str(params["customer"]), lock=False)
    configuration = _chosen(tx, text(params, "configuration"))
    return_url = text(params, "return_url") or configuration["default_return_url"]
    if return_url is not None and not return_url.startswith(("http://", "https://")):
        raise StripeError("Not a valid URL", code="url_invalid", param="return_url")
    session_id = tx.new_id("bps_")
    session = {
        "id": session_id,
        "object": "billing_portal.session",
        "configuration": configuration["id"],
        "created": tx.now,
        "customer": customer["id"],
        "customer_account": None,
        "flow": _flow(tx, hash_of(params, "flow_data"), customer),
        "livemode": False,
        "locale": text(params, "locale"),
        "on_behalf_of": None,
        "return_url": return_url,
        "url": tx.page(f"/p/session/{session_id}"),
    }
    tx.put(session)
    tx.emit("billing_portal.session.created", session)
    return session


def _chosen(tx: Tx, named: str | None) -> Obj:
    if named:
        found = tx.require("billing_portal.configuration", named, param="configuration", lock=False)
        if not found["active"]:
            raise invalid("This configuration is not active.", param="configuration")
        return found
    default = tx.find("billing_portal.configuration", limit=1, is_default=True)
    if default:
        return default[0]
    made = {**_blank(tx, on=True), "is_default": True}
    tx.put(made)
    tx.emit("billing_portal.configuration.created", made)
    return made


def _flow(tx: Tx, given: Params, customer: Obj) -> Obj | None:
    if not given:
        return None
    allow(given, "type", "after_completion", *FLOWS)
    kind = choice(given, "type", FLOWS)
    if kind is None:
        raise missing("flow_data[type]")
    flow: Obj = {
        "after_completion": _after(hash_of(given, "after_completion")),
        **dict.fromkeys(FLOWS[2:]),
        "type": kind,
    }
    if kind.startswith("subscription_"):
        told = hash_of(given, kind)
        subscription = tx.get("subscription", str(told.get("subscription")))
        if subscription is None or subscription["customer"] != customer["id"]:
            raise invalid("The customer has no such subscription.", param=f"flow_data[{kind}][subscription]")
        flow[kind] = {"subscription": subscription["id"]}
        if kind == "subscription_cancel":
            flow[kind]["retention"] = None
        if kind == "subscription_update_confirm":
            items = hashes_of(told, "items")
            flow[kind] |= {"discounts": None, "items": [_item(one) for one in items]}
    return flow


def _item(given: Params) -> Obj:
    return {"id": text(given, "id"), "price": text(given, "price"), "quantity": integer(given, "quantity", least=0)}


def _after(given: Params) -> Obj:
    kind = choice(given, "type", ("hosted_confirmation", "portal_homepage", "redirect")) or "portal_homepage"
    after: Obj = {"hosted_confirmation": None, "redirect": None, "type": kind}
    if kind == "redirect":
        url = text(hash_of(given, "redirect"), "return_url")
        if url is None or not url.startswith(("http://", "https://")):
            raise StripeError("Not a valid URL", code="url_invalid", param="flow_data[after_completion]")
        after["redirect"] = {"return_url": url}
    elif kind == "hosted_confirmation":
        after["hosted_confirmation"] = {"custom_message": text(hash_of(given, "hosted_confirmation"), "custom_message")}
    return after


def _apply(params: Params, found: Obj) -> None:
    for name in ("business_profile", "features", "login_page"):
        if name in params:
            found[name] = _merged(found[name], hash_of(params, name), name)
    update = found["features"]["subscription_update"]
    if "products" in hash_of(hash_of(params, "features"), "subscription_update"):
        update["products"] = [_product(one) for one in hashes_of(update, "products")] or None
    for name in ("default_return_url", "name"):
        if name in params:
            found[name] = text(params, name)
    found["metadata"] = metadata(params, found["metadata"])


def _product(given: Params) -> Obj:
    """A product with the prices that customers may switch to."""
    wish = hash_of(given, "adjustable_quantity")
    return {
        "adjustable_quantity": {
            "enabled": boolean(wish, "enabled") is True,
            "maximum": integer(wish, "maximum", least=1),
            "minimum": integer(wish, "minimum", least=0) or 1,
        },
        "prices": [str(one) for one in list_of(given, "prices")],
        "product": text(given, "product") or "",
    }


def _merged(old: Any, given: Any, param: str) -> Any:
    """The old settings with what the request says, each value read as what it was before."""
    leaf = param.rpartition("[")[2].rstrip("]")
    if isinstance(old, dict):
        told = hash_of({leaf: given}, leaf)
        strange = [name for name in told if name not in old]
        if strange:
            raise unknown(f"{param}[{strange[0]}]")
        return old | {name: _merged(old[name], value, f"{param}[{name}]") for name, value in told.items()}
    if isinstance(old, bool):
        return boolean({leaf: given}, leaf) is True
    if leaf == "products":
        return given
    if isinstance(old, list):
        return list_of({leaf: given}, leaf)
    if leaf in CHOICES:
        return choice({leaf: given}, leaf, CHOICES[leaf]) or old
    return text({leaf: given}, leaf)


def _blank(tx: Tx, *, on: bool) -> Obj:
    """Everything off, or (the account's own configuration) what a shop usually lets its customers do."""
    reasons = ["too_expensive", "missing_features", "switched_service", "unused", "other"]
    return {
        "id": tx.new_id("bpc_"),
        "object": "billing_portal.configuration",
        "active": True,
        "application": None,
        "business_profile": {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        "created": tx.now,
        "default_return_url": None,
        "features": {
            "customer_update": {"allowed_updates": ["name", "email", "phone"] if on else [], "enabled": on},
            "invoice_history": {"enabled": on},
            "payment_method_update": {"enabled": on, "payment_method_configuration": None},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": on, "feedback_options": None, "options": reasons if on else []},
                "enabled": on,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
            "subscription_update": {
                "billing_cycle_anchor": None,
                "default_allowed_updates": [],
                "enabled": False,
                "products": None,
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": False,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": {},
        "name": None,
        "updated": tx.now,
    }
