"""Every kind of object the mirror holds, and how to ask Stripe for it. Read it from top to bottom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from app.mirror import (
    balance_transactions,
    charges,
    checkout_sessions,
    credit_notes,
    customers,
    disputes,
    early_fraud_warnings,
    invoice_payments,
    invoices,
    mandates,
    payment_intents,
    payment_methods,
    payouts,
    prices,
    products,
    refunds,
    reviews,
    setup_intents,
    subscriptions,
)
from app.mirror.door import Door, Saved
from app.mirror.fields import Obj
from app.mirror.nested import Family
from app.mirror.news import News


class Listing(Enum):
    """How all objects of a kind can be had."""

    BY_CREATED = "newest first, within a window of creation times"
    BY_CUSTOMER = "only customer by customer"
    BY_ID = "only one by one: Stripe has no list"


@dataclass(frozen=True)
class Kind:
    """`object`: Stripe's name for it. `path`: the list, and with an id behind it the object. `parameters`: always sent with a list.

    `inside`: lists within the object that Stripe cuts after ten. `family`: children with a table of their own.
    `listed_while`: the condition, on our row, under which Stripe's list names it.
    """

    object: str
    path: str
    door: Door
    save_all: Callable[[Sequence[Obj], News | Sequence[News]], Saved]
    listing: Listing = Listing.BY_CREATED
    parameters: Mapping[str, str] | None = None
    inside: tuple[str, ...] = ()
    family: Family | None = None
    listed_while: str = "TRUE"

    @property
    def table(self) -> str:
        return self.door.table.name


_ALL = (
    Kind("customer", "/v1/customers", customers.DOOR, customers.save_all),
    Kind("product", "/v1/products", products.DOOR, products.save_all),
    Kind("price", "/v1/prices", prices.DOOR, prices.save_all),
    Kind("payment_intent", "/v1/payment_intents", payment_intents.DOOR, payment_intents.save_all),
    Kind("charge", "/v1/charges", charges.DOOR, charges.save_all, inside=("refunds",)),
    Kind("refund", "/v1/refunds", refunds.DOOR, refunds.save_all),
    Kind("dispute", "/v1/disputes", disputes.DOOR, disputes.save_all),
    # Stripe lists the open ones only.
    Kind("review", "/v1/reviews", reviews.DOOR, reviews.save_all, listed_while="open"),
    Kind(
        "radar.early_fraud_warning",
        "/v1/radar/early_fraud_warnings",
        early_fraud_warnings.DOOR,
        early_fraud_warnings.save_all,
    ),
    Kind("setup_intent", "/v1/setup_intents", setup_intents.DOOR, setup_intents.save_all),
    # Without `status` Stripe leaves the canceled ones out.
    Kind(
        "subscription",
        "/v1/subscriptions",
        subscriptions.DOOR,
        subscriptions.save_all,
        parameters={"status": "all"},
        inside=("items",),
        family=subscriptions.ITEMS,
    ),
    Kind("invoice", "/v1/invoices", invoices.DOOR, invoices.save_all, inside=("lines",), family=invoices.LINES),
    Kind("invoice_payment", "/v1/invoice_payments", invoice_payments.DOOR, invoice_payments.save_all),
    Kind("credit_note", "/v1/credit_notes", credit_notes.DOOR, credit_notes.save_all),
    Kind("checkout.session", "/v1/checkout/sessions", checkout_sessions.DOOR, checkout_sessions.save_all),
    Kind("balance_transaction", "/v1/balance_transactions", balance_transactions.DOOR, balance_transactions.save_all),
    Kind("payout", "/v1/payouts", payouts.DOOR, payouts.save_all),
    Kind(
        "payment_method",
        "/v1/payment_methods",
        payment_methods.DOOR,
        payment_methods.save_all,
        Listing.BY_CUSTOMER,
        listed_while="customer_id IS NOT NULL",
    ),
    Kind("mandate", "/v1/mandates", mandates.DOOR, mandates.save_all, Listing.BY_ID),
)

KINDS: dict[str, Kind] = {kind.object: kind for kind in _ALL}


def save_all(kind: str, objects: Sequence[Obj], news: News | Sequence[News]) -> Saved:
    """Save objects of one kind, in the transaction that is open.

    Raises:
        KeyError: this kind is not mirrored; ask `kind in KINDS` first.
    """
    return KINDS[kind].save_all(objects, news)
