"""Customers who are one person: linked here and parted again. Nothing of it is written to Stripe."""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.actor import Actor
from app.audit import trail
from app.customers.persons import MOST_LINKED, linked_ids
from app.database import db, transaction
from app.errors import BadRequest, Conflict, Unknown
from app.models.customer import Customer
from app.models.customer_link import CustomerLink


def link(customer_id: str, other_id: str, *, account_id: int, actor: Actor) -> None:
    """From now on these two count as one person.

    Raises:
        Unknown: one of them is not here. BadRequest: they are the same, or too many would hang together.
        Conflict: they are linked already.
    """
    if customer_id == other_id:
        raise BadRequest("This is the same customer. Choose another one.")
    with transaction():
        for key in (customer_id, other_id):
            _known(key, account_id)
        ours, theirs = linked_ids(customer_id, account_id), linked_ids(other_id, account_id)
        if other_id in ours:
            raise Conflict("These two count as one person already.")
        if len(ours) + len(theirs) > MOST_LINKED:
            raise BadRequest(f"At most {MOST_LINKED} customers can be one person. Part some of them first.")
        pair = _pair(customer_id, other_id)
        row = {"account_id": account_id, **pair, "linked_by": actor.name, "linked_at": clock.now()}
        db.session.execute(insert(CustomerLink).values(row).on_conflict_do_nothing())
        trail.record(
            actor, "customer.linked", "customer", customer_id, account_id=account_id, after={"other": other_id}
        )


def part(customer_id: str, other_id: str, *, account_id: int, actor: Actor) -> None:
    """Take back a link: each is a person of its own again, with what hangs on it by other links.

    Raises:
        Unknown: these two are not linked, or not directly.
    """
    with transaction():
        pair = _pair(customer_id, other_id)
        this = [
            CustomerLink.account_id == account_id,
            CustomerLink.one == pair["one"],
            CustomerLink.other == pair["other"],
        ]
        gone = db.session.execute(delete(CustomerLink).where(*this).returning(CustomerLink.one)).scalar()
        if gone is None:
            raise Unknown("These two are not linked to each other. Open the customer that stands between them.")
        trail.record(
            actor, "customer.unlinked", "customer", customer_id, account_id=account_id, after={"other": other_id}
        )


def _known(key: str, account_id: int) -> Customer:
    customer = db.session.get(Customer, key) if "\0" not in key else None
    if customer is None or customer.account_id != account_id:
        raise Unknown("There is no customer with this id here. Look at the id again.")
    return customer


def _pair(first: str, second: str) -> dict[str, str]:
    one, other = sorted((first, second), key=lambda key: key.encode())
    return {"one": one, "other": other}
