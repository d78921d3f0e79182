"""A person: one customer of Stripe, or several that somebody here has linked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Text, column, select, text
from sqlalchemy.orm import aliased

from app.database import db
from app.errors import Unknown
from app.models.customer import Customer
from app.models.customer_link import LINKED, linked_with
from app.models.erasure import Erasure
from app.web.accounts import current_account_id

# More would be a mistake, and a page that sums a thousand customers is of no use.
MOST_LINKED = 20
_ALIKE = 5
# Those who hang together by links, whichever way round, and those who look like the same person.
_AROUND = f"""
    WITH RECURSIVE {LINKED}, alike (id, why) AS (
        (SELECT c.id, 'email' FROM customers AS me JOIN customers AS c ON email_key(c.email) = email_key(me.email)
          WHERE me.id = :id AND c.account_id = :account_id AND c.id <> me.id LIMIT {_ALIKE})
        UNION ALL
        (SELECT DISTINCT near.customer_id, 'card' FROM (
            SELECT p.customer_id FROM payment_methods AS own
              JOIN payment_methods AS p ON p.fingerprint = own.fingerprint AND p.account_id = own.account_id
             WHERE own.customer_id = :id AND own.account_id = :account_id AND p.customer_id <> :id LIMIT 50) AS near
          LIMIT {_ALIKE})
    )
    SELECT id, CASE WHEN id = :id THEN 'self' WHEN EXISTS (
            SELECT FROM customer_links WHERE account_id = :account_id AND (one, other) IN ((:id, mine.id), (mine.id, :id)))
        THEN 'linked' ELSE 'through' END AS why FROM mine
    UNION ALL
    SELECT id, min(why) FROM alike WHERE id NOT IN (SELECT id FROM mine) GROUP BY id
"""


# Only of whose page it is.
_ERASURE = (
    select(Erasure.id)
    .where(Erasure.customer_id == Customer.id)
    .order_by(Erasure.begun_at.desc())
    .limit(1)
    .correlate(Customer)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class Other:
    """A customer beside the one whose page it is. why: linked, through (another link), email, card."""

    customer: Customer
    why: str


class Erased(NamedTuple):
    """The erasure that took this person out, the newest if there were several. `done_at`: empty while it is under way."""

    id: UUID
    begun_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """`customer`: whose page it is. `linked`: who counts as the same person. `alike`: who might be."""

    customer: Customer
    linked: Sequence[Other]
    alike: Sequence[Other]
    erased: Erased | None = None

    @property
    def account_id(self) -> int:
        return self.customer.account_id

    @property
    def ids(self) -> list[str]:
        """All customers whose money and history are this person's."""
        return [self.customer.id, *(other.customer.id for other in self.linked)]


def person(key: str) -> Person:
    """The customer with everybody around, in one question; the rows stay readable after the transaction.

    Raises:
        Unknown: there is no such customer here.
    """
    if "\0" in key:
        raise Unknown("There is no customer with this id here. It may not have been synced yet.")
    newest = aliased(Erasure)
    around = text(_AROUND).columns(column("id", Text), column("why", Text)).subquery("around")
    asked = (
        select(Customer, around.c.why, newest.id, newest.begun_at, newest.done_at)
        .join(around, around.c.id == Customer.id)
        .outerjoin(newest, newest.id == _ERASURE)
        .where(Customer.account_id == current_account_id())
        .order_by(Customer.created_at.desc(), Customer.id)
    )
    rows = db.session.execute(asked, {"id": key, "account_id": current_account_id()}).all()
    found = [Other(row[0], row.why) for row in rows]
    erased = next((Erased(*row[2:]) for row in rows if row.why == "self" and row[2]), None)
    itself = next((other.customer for other in found if other.why == "self"), None)
    if itself is None:
        raise Unknown("There is no customer with this id here. It may not have been synced yet.")
    for other in found:
        db.session.expunge(other.customer)
    return Person(
        itself,
        [other for other in found if other.why in {"linked", "through"}],
        [other for other in found if other.why in {"email", "card"} and other.customer.deleted_at is None],
        erased,
    )


def linked_ids(customer_id: str, account_id: int) -> set[str]:
    """Everybody who hangs together with this customer, the customer included."""
    return set(db.session.scalars(linked_with(customer_id, account_id=account_id)))
