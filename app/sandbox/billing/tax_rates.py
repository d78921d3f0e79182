"""Tax rates set by hand, and what they add to or find inside an amount."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.sandbox.billing.pricing import decimal, rounded
from app.sandbox.errors import invalid, missing, no_such
from app.sandbox.params import Obj, allow, boolean, metadata, need, text
from app.sandbox.routes import route
from app.sandbox.tx import Tx

TEXTS = ("country", "description", "display_name", "jurisdiction", "state", "tax_type")


@route("POST", "/v1/tax_rates")
def create(tx: Tx) -> Obj:
    params = tx.params
    allow(params, "active", "inclusive", "metadata", "percentage", *TEXTS)
    need(params, "display_name", "percentage")
    inclusive = boolean(params, "inclusive")
    if inclusive is None:
        raise missing("inclusive")
    percentage = float(decimal(params["percentage"], "percentage"))
    if not 0 <= percentage <= 100:
        raise invalid("percentage must be between 0 and 100.", param="percentage")
    rate = {
        "id": tx.new_id("txr_"),
        "object": "tax_rate",
        "active": boolean(params, "active") is not False,
        "created": tx.world_now,
        "effective_percentage": percentage,
        "flat_amount": None,
        "inclusive": inclusive,
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": metadata(params),
        "percentage": percentage,
        "rate_type": "percentage",
        **{name: text(params, name) for name in TEXTS},
    }
    tx.put(rate)
    tx.emit("tax_rate.created", rate)
    return rate


@route("POST", "/v1/tax_rates/{id}")
def update(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params, "active", "metadata", *TEXTS)
    rate = tx.require("tax_rate", id)
    before = dict(rate)
    for name in TEXTS:
        if name in tx.params:
            rate[name] = text(tx.params, name)
    if "active" in tx.params:
        rate["active"] = boolean(tx.params, "active") is not False
    rate["metadata"] = metadata(tx.params, rate["metadata"])
    tx.put(rate)
    tx.emit("tax_rate.updated", rate, {name: old for name, old in before.items() if rate[name] != old})
    return rate


def rates(tx: Tx, given: Any, param: str) -> list[Obj]:
    """Tax rates by their ids."""
    found = []
    for one in given if isinstance(given, list) else []:
        rate = tx.get("tax_rate", str(one))
        if rate is None:
            raise no_such("tax rate", str(one), param=param, status=400)
        found.append(rate)
    return found


def taxes(amount: int, wanted: Sequence[Obj]) -> list[Obj]:
    """`line.taxes` for an amount after discounts; inclusive rates share what is inside, exclusive ones come on top."""
    inside = sum((Decimal(str(rate["percentage"])) for rate in wanted if rate["inclusive"]), Decimal(0))
    net = Decimal(amount) * 100 / (100 + inside)
    return [
        {
            "amount": rounded(net * Decimal(str(rate["percentage"])) / 100),
            "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": rate["id"]},
            "taxability_reason": "not_available",
            "taxable_amount": rounded(net),
            "type": "tax_rate_details",
        }
        for rate in wanted
    ]
