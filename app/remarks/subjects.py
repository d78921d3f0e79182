"""What remarks can be made about. Read it like a table."""

from typing import Any, NamedTuple

from app.database import db
from app.errors import Unknown
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.dispute import Dispute
from app.models.invoice import Invoice
from app.models.payout import Payout
from app.models.refund import Refund
from app.models.subscription import Subscription
from app.web.permissions import Permission


class Kind(NamedTuple):
    """A kind of thing. `endpoint`: its page, which takes `key`; `permission`: who may see it; `noun`: what people call it."""

    model: Any
    endpoint: str
    permission: Permission
    noun: str


# By the name the audit trail has for it.
KINDS: dict[str, Kind] = {
    "customer": Kind(Customer, "customers.details", Permission.CUSTOMER_READ, "customer"),
    "charge": Kind(Charge, "charges.details", Permission.CHARGE_READ, "payment"),
    "refund": Kind(Refund, "refunds.details", Permission.REFUND_READ, "refund"),
    "dispute": Kind(Dispute, "disputes.details", Permission.DISPUTE_READ, "dispute"),
    "payout": Kind(Payout, "payouts.details", Permission.PAYOUT_READ, "payout"),
    "invoice": Kind(Invoice, "invoices.details", Permission.CUSTOMER_READ, "invoice"),
    "subscription": Kind(Subscription, "subscriptions.details", Permission.CUSTOMER_READ, "subscription"),
}


class Subject(NamedTuple):
    """One thing, by the name and id that remarks and the audit trail use."""

    account_id: int
    type: str
    id: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.type]


def subject_of(row: Any) -> Subject:
    """The subject that this row is."""
    kind = next(name for name, kind in KINDS.items() if isinstance(row, kind.model))
    return Subject(row.account_id, kind, str(row.id))


def customer_of(subject: Subject) -> Customer | None:
    """Whose thing it is, as far as that is known here."""
    row = db.session.get(subject.kind.model, subject.id)
    if row is None or row.account_id != subject.account_id:
        raise Unknown(f"There is no {subject.kind.noun} with this id here.")
    if isinstance(row, Customer):
        return row
    if isinstance(row, (Refund, Dispute)):
        row = db.session.get(Charge, row.charge_id) if row.charge_id else None
    customer_id = getattr(row, "customer_id", None)
    return db.session.get(Customer, customer_id) if customer_id else None
