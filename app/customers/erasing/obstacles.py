"""What speaks against erasing a person now."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text

from app.customers.belongings import ids_of
from app.database import db
from app.models import approval, dispute


class Obstacle(NamedTuple):
    """`words`: what is in the way, in a sentence. `may_force`: with a reason it can be done all the same."""

    words: str
    may_force: bool = True


_UNDER_WAY = ("processing", "requires_capture", "requires_action")
# What counts, in words for one and for many; with a reason it may be passed over.
_OPEN = (
    ("dispute is open: its evidence would be erased", "disputes are open: their evidence would be erased",
     f"SELECT count(*) FROM disputes WHERE id = ANY(:ids) AND status IN {dispute.OPEN}"),
    ("invoice is not paid", "invoices are not paid",
     "SELECT count(*) FROM invoices WHERE id = ANY(:ids) AND status IN ('draft', 'open') AND deleted_at IS NULL"),
    ("payment is under way", "payments are under way",
     f"SELECT count(*) FROM payment_intents WHERE id = ANY(:ids) AND status IN {_UNDER_WAY}"),
    ("refund is under way at the bank", "refunds are under way at the bank",
     "SELECT count(*) FROM refunds WHERE id::text = ANY(:ids) AND status IN ('pending', 'requires_action')"),
    ("subscription still runs and would go on charging", "subscriptions still run and would go on charging",
     "SELECT count(*) FROM subscriptions WHERE id = ANY(:ids) AND status NOT IN ('canceled', 'incomplete_expired')"),
    ("request about this person waits for somebody’s word", "requests about this person wait for somebody’s word",
     f"SELECT count(*) FROM approvals WHERE object_id = ANY(:ids) AND state IN {approval.OPEN} AND act <> 'customer.erase'"),
)  # fmt: skip
# What would break if its words went: it ends by itself, within seconds or minutes.
_UNANSWERED = text("""
    SELECT (SELECT count(*) FROM acts WHERE object_id = ANY(:ids) AND status = 'requested')
         + (SELECT count(*) FROM refunds WHERE id::text = ANY(:ids) AND status = 'requested')
""")


def of(customer_id: str, account_id: int) -> list[Obstacle]:
    """Everything in the way, the worst first; empty when nothing is."""
    ids = {"ids": ids_of(customer_id, account_id)}
    found = []
    if unanswered := db.session.execute(_UNANSWERED, ids).scalar_one():
        said = "act has" if unanswered == 1 else "acts have"
        found.append(
            Obstacle(f"{unanswered} {said} no answer from Stripe yet. Try again in a minute.", may_force=False)
        )
    for one, many, query in _OPEN:
        if number := db.session.execute(text(query), ids).scalar_one():
            found.append(Obstacle(f"{number} {one if number == 1 else many}."))
    return found


def sentence(obstacles: Sequence[Obstacle]) -> str:
    return " ".join(obstacle.words for obstacle in obstacles)
