"""What can be asked of Stripe about a way to pay: to be taken first, or to go."""

from typing import Any

from app.acts.kinds import ActKind, on_object
from app.mirror.fields import Obj, part, ref
from app.models.act import Act


def _is_default(customer: Obj, act: Act) -> bool:
    wanted = act.form["invoice_settings"]["default_payment_method"]
    return bool(ref(part(customer, "invoice_settings").get("default_payment_method")) == wanted)


def _told_default(customer: Obj) -> dict[str, Any]:
    return {"status": "default", "customer": customer.get("id")}


def _told_detached(method: Obj) -> dict[str, Any]:
    return {"status": "attached" if method.get("customer") else "detached"}


DEFAULT = ActKind(
    "method.default", "Set as default", on_object(_is_default), keeps=("invoice_settings",), told=_told_default
)
DETACH = ActKind(
    "method.detach", "Detach", on_object(lambda body, _: body.get("customer") is None), told=_told_detached
)
ACTS = (DEFAULT, DETACH)


def lock_of(customer_id: str) -> str:
    """One change at a time among the ways to pay of one customer: what is detached cannot become the default meanwhile."""
    return f"methods:{customer_id}"
