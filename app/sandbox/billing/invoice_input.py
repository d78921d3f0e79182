"""What callers say about an invoice: who pays how and when, what is written on it, whether it advances by itself."""

from __future__ import annotations

from app.sandbox.billing import discounts, invoice_steps, paying
from app.sandbox.billing.tax_rates import rates, taxes
from app.sandbox.errors import invalid
from app.sandbox.params import Obj, Params, boolean, choice, hash_of, integer, list_of, metadata, moment, text
from app.sandbox.tx import Tx

CHANGEABLE = (
    "account_tax_ids", "application_fee_amount", "auto_advance", "automatic_tax", "automatically_finalizes_at",
    "collection_method", "custom_fields", "days_until_due", "default_payment_method", "default_source",
    "default_tax_rates", "description", "discounts", "due_date", "effective_at", "footer", "issuer", "metadata", "number",
    "on_behalf_of", "payment_settings", "rendering", "shipping_cost", "shipping_details", "statement_descriptor",
    "transfer_data",
)  # fmt: skip
LONGEST_DUE = 1_095
"""Days."""
METHODS = ("charge_automatically", "send_invoice")


def apply(tx: Tx, params: Params, invoice: Obj, customer: Obj) -> None:
    for name in ("description", "footer", "number", "statement_descriptor"):
        if name in params:
            invoice[name] = text(params, name)
    if "custom_fields" in params:
        invoice["custom_fields"] = list_of(params, "custom_fields") or None
    invoice["metadata"] = metadata(params, invoice["metadata"])
    invoice["collection_method"] = choice(params, "collection_method", METHODS) or invoice["collection_method"]
    if "default_payment_method" in params:
        named = text(params, "default_payment_method")
        owned = paying.owned(tx, named, customer, "default_payment_method") if named else None
        invoice["default_payment_method"] = owned["id"] if owned else None
    if "effective_at" in params:
        invoice["effective_at"] = moment(params, "effective_at")
    types = hash_of(params, "payment_settings").get("payment_method_types")
    if types:
        invoice["payment_settings"]["payment_method_types"] = [str(one) for one in types]
    invoice["discounts"] = discounts.given(tx, params, customer, invoice["discounts"], invoice=invoice["id"])
    if "default_tax_rates" in params:
        invoice["default_tax_rates"] = rates(tx, params.get("default_tax_rates"), "default_tax_rates")
    _apply_due(params, invoice, tx.now)
    _apply_advance(tx, params, invoice)


def _apply_due(params: Params, invoice: Obj, now: int) -> None:
    days, due = days_until_due(params), moment(params, "due_date")
    if (days is not None or due is not None) and invoice["collection_method"] != "send_invoice":
        raise invalid(
            "You cannot set `days_until_due` or `due_date` if `collection_method` is `charge_automatically`.",
            param="days_until_due" if days is not None else "due_date",
        )
    if days is not None and due is not None:
        raise invalid("You may only specify one of these parameters: days_until_due, due_date.")
    if days is not None:
        invoice["due_date"] = now + days * invoice_steps.DAY
    elif due is not None:
        invoice["due_date"] = due
    elif (
        invoice["collection_method"] == "send_invoice" and invoice["due_date"] is None and "collection_method" in params
    ):
        invoice["due_date"] = now + 30 * invoice_steps.DAY


def _apply_advance(tx: Tx, params: Params, invoice: Obj) -> None:
    wish = boolean(params, "auto_advance")
    if wish is None:
        return
    invoice["auto_advance"] = wish
    if invoice["status"] != "draft":
        return
    at = moment(params, "automatically_finalizes_at") or tx.now + invoice_steps.HOUR
    invoice["automatically_finalizes_at"] = at if wish else None
    if wish:
        tx.later(at, "invoice_finalizes", invoice=invoice["id"], when=at)


def days_until_due(params: Params) -> int | None:
    days = integer(params, "days_until_due", least=0)
    if days is not None and days > LONGEST_DUE:
        raise invalid(f"days_until_due can be at most {LONGEST_DUE}.", param="days_until_due")
    return days


def tax_again(every: list[Obj], old: list[Obj], new: list[Obj]) -> None:
    """Lines that were taxed by default are taxed by the new default."""
    before = [rate["id"] for rate in old]
    for one in every:
        if [tax["tax_rate_details"]["tax_rate"] for tax in one["taxes"]] == before:
            one["taxes"] = taxes(one["amount"], new)
