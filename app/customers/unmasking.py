"""Showing one person's data in full to somebody whose role masks it: for ten minutes, in this session, with a reason on record."""

from collections.abc import Sequence

from sqlalchemy import select, update

from app import clock
from app.actor import Actor
from app.audit import trail
from app.customers.persons import linked_ids
from app.database import db, transaction
from app.errors import BadRequest, Conflict, Unknown
from app.logs import redact
from app.models.customer import Customer
from app.models.staff import StaffSession
from app.web import unmasked
from app.web.unmasked import Shown

SHORTEST, LONGEST = 4, 500


def show(customer_id: str, *, account_id: int, session_id: bytes, reason: str, actor: Actor) -> Shown:
    """Show this customer, and who counts as the same person, in full. Once more begins the ten minutes anew.

    Raises:
        BadRequest: there is no reason, or too much of one. Unknown: there is no such customer.
        Conflict: too many people are shown at once.
    """
    why = checked_reason(reason)
    with transaction():
        customer = db.session.get(Customer, customer_id)
        if customer is None or customer.account_id != account_id:
            raise Unknown("There is no customer with this id here.")
        session = _locked(session_id)
        now = clock.now()
        others = unmasked.without(session.unmasked, customer_id, now)
        if len(others) >= unmasked.AT_ONCE:
            raise Conflict(f"You see the data of {len(others)} people in full already. Hide one of them first.")
        shown = Shown(customer_id, now + unmasked.LASTS, frozenset(linked_ids(customer_id, account_id)))
        _keep(session_id, [*others, shown])
        linked = sorted(shown.ids - {customer_id})
        after = {"until": shown.until, **({"linked": linked} if linked else {})}
        trail.record(
            actor, "personal.unmasked", "customer", customer_id, account_id=account_id, reason=why, after=after
        )
    return shown


def hide(customer_id: str, *, account_id: int, session_id: bytes, actor: Actor) -> None:
    """Mask again before the time is up; nothing where nothing is shown."""
    with transaction():
        session, now = _locked(session_id), clock.now()
        left = unmasked.without(session.unmasked, customer_id, now)
        if len(left) == len(unmasked.still_shown(session.unmasked, now)):
            return
        _keep(session_id, left)
        trail.record(actor, "personal.hidden", "customer", customer_id, account_id=account_id)


def checked_reason(text: str) -> str:
    """What somebody wrote, without what nobody may read later.

    Raises:
        BadRequest: it is none.
    """
    said = redact(" ".join(text.replace("\0", " ").split()))
    if len(said) < SHORTEST:
        raise BadRequest("Say in a few words why you have to see it: it stands in the audit trail.")
    if len(said) > LONGEST:
        raise BadRequest(f"The reason has {len(said)} characters; at most {LONGEST} can be kept.")
    return said


def _locked(session_id: bytes) -> StaffSession:
    """Two tabs may ask at once."""
    mine = select(StaffSession).where(StaffSession.id == session_id, StaffSession.ended_at.is_(None))
    found = db.session.scalars(
        mine.with_for_update(of=StaffSession).execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise Conflict("Your session has ended. Sign in again.")
    return found


def _keep(session_id: bytes, shown: Sequence[Shown]) -> None:
    kept = unmasked.to_keep(shown) or None
    db.session.execute(update(StaffSession).where(StaffSession.id == session_id).values(unmasked=kept))
