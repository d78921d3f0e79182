"""What a receipt says: what was paid, how, and what of it went back."""

from sqlalchemy import select

from app.database import db
from app.errors import DomainError
from app.models.account import Account
from app.models.charge import Charge
from app.models.customer import Customer
from app.papers.sheets import Line, Sheet, Total


class NoReceipt(DomainError):
    """Nothing was taken, so there is nothing to give a receipt for."""


def obstacle(charge: Charge) -> NoReceipt | None:
    """Why there is no receipt for this payment; None when there is one."""
    if charge.status == "succeeded" and charge.captured and charge.amount_captured:
        return None
    return NoReceipt("Nothing was taken with this payment, so there is no receipt for it.")


def of(charge: Charge) -> Sheet:
    """The receipt of a payment: its total is what was taken.

    Raises:
        NoReceipt: nothing was.
    """
    if why_not := obstacle(charge):
        raise why_not
    day = f"{charge.created_at:%-d %B %Y}" if charge.created_at else "—"
    totals = [Total("Total paid", charge.taken, strong=True)]
    if charge.given_back:
        totals += [Total("Given back", -charge.given_back), Total("Left", charge.taken - charge.given_back)]
    seller = seller_of(charge)
    return Sheet(
        title="Receipt",
        sender=[seller],
        receiver=_payer(charge),
        facts=[("Paid on", day), ("Paid with", _method(charge)), ("Payment", charge.id)],
        lines=[Line(charge.description or "Payment", charge.taken)],
        totals=totals,
        notes=[f"On the statement it appears as {charge.statement_descriptor}."] if charge.statement_descriptor else [],
        foot=seller,
        made_at=charge.created_at,
    )


def seller_of(charge: Charge) -> str:
    """The name of the shop, as Stripe has it."""
    name = db.session.scalar(select(Account.name).where(Account.id == charge.account_id))
    return name or charge.statement_descriptor or "Receipt"


def _payer(charge: Charge) -> list[str]:
    customer = db.session.get(Customer, charge.customer_id) if charge.customer_id else None
    billing = charge.billing_details or {}
    name = billing.get("name") or (customer.name if customer else None)
    email = charge.receipt_email or billing.get("email") or (customer.email if customer else None)
    return [part for part in (name, email) if isinstance(part, str) and part]


def address_of(charge: Charge) -> str:
    """Where the receipt goes unless somebody says otherwise; empty when no address is known."""
    customer = db.session.get(Customer, charge.customer_id) if charge.customer_id else None
    billing = (charge.billing_details or {}).get("email")
    return (
        charge.receipt_email
        or (billing if isinstance(billing, str) else None)
        or (customer.email if customer else None)
        or ""
    )


def _method(charge: Charge) -> str:
    kind = (charge.brand or charge.method_type or "payment").replace("_", " ").capitalize()
    return f"{kind} •••• {charge.last4}" if charge.last4 else kind
