"""Deciding that a person is erased. The ids of what is theirs are committed here; a job does the rest."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.customers.belongings import ids_of
from app.customers.erasing import obstacles
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.logs import redact
from app.mirror import erased
from app.mirror.erased import Mark
from app.models.customer import Customer
from app.models.erasure import RUNNING, Erasure

LONGEST = 1_000

_SWEEPING = text("UPDATE erased_objects SET swept_at = clock_timestamp() WHERE erasure_id = :id")


def check(customer_id: str, *, account_id: int, typed: str, forced: bool, forced_because: str) -> None:
    """Whether it can be asked for now.

    Raises:
        BadRequest: the id was not typed. ReasonMissing: forced without a reason. Conflict: something is in the way.
    """
    if typed.strip() != customer_id:
        raise BadRequest("Type the customer’s id exactly as it stands above: it is for good.")
    _check_obstacles(customer_id, account_id, in_words(forced_because) if forced else None)


def begin(  # noqa: PLR0913 - who, whose, why and why all the same: one decision
    erasure_id: UUID, customer_id: str, *, account_id: int, reason: str, forced_because: str | None, actor: Actor
) -> Erasure:
    """From now on the person is recognised and kept out; what is here already goes by and by. In a transaction of its own.

    Raises:
        Conflict: something is in the way, or it is under way already. Unknown: there is no such customer.
    """
    try:
        with transaction():
            return begin_within(
                erasure_id,
                customer_id,
                account_id=account_id,
                reason=reason,
                forced_because=forced_because,
                actor=actor,
            )
    except IntegrityError as error:
        raise Conflict("This person is being erased already.") from error


def begin_within(  # noqa: PLR0913 - as above
    erasure_id: UUID, customer_id: str, *, account_id: int, reason: str, forced_because: str | None, actor: Actor
) -> Erasure:
    """The same in the transaction that is open. The same `erasure_id` again is the same erasure."""
    said = in_words(reason)
    customer = db.session.get(Customer, customer_id, with_for_update=True, populate_existing=True)
    if customer is None or customer.account_id != account_id:
        raise Unknown("There is no customer with this id here.")
    if known := db.session.get(Erasure, erasure_id):
        return known
    under_way = select(Erasure.id).where(Erasure.customer_id == customer_id, Erasure.state == RUNNING)
    if db.session.scalar(under_way):
        raise Conflict("This person is being erased already.")
    found = _check_obstacles(customer_id, account_id, forced_because)
    erasure = Erasure(
        id=erasure_id,
        account_id=account_id,
        customer_id=customer_id,
        state=RUNNING,
        asked_by=actor.name,
        reason=said,
        forced_because=forced_because,
        obstacles=found,
        begun_at=clock.now(),
    )
    db.session.add(erasure)
    db.session.flush()
    erased.add(ids_of(customer_id, account_id), Mark(erasure_id, customer_id), account_id)
    db.session.execute(_SWEEPING, {"id": erasure_id})
    trail.record(
        actor,
        "customer.erase_begun",
        "customer",
        customer_id,
        account_id=account_id,
        reason=said,
        after={"erasure": erasure_id, "in_the_way": found, "forced": bool(found), "forced_because": forced_because},
    )
    return erasure


def facts(customer_id: str, account_id: int) -> Mapping[str, str]:
    """What is true now, for those who decide."""
    found = obstacles.of(customer_id, account_id)
    return {
        "Customer": customer_id,
        "Objects of Stripe": str(len(ids_of(customer_id, account_id))),
        "In the way": obstacles.sentence(found) or "Nothing",
    }


def in_words(written: str) -> str:
    """
    Raises:
        ReasonMissing: nothing was written. BadRequest: it is longer than can be kept.
    """
    said = redact(written.replace("\0", " ").encode("utf-8", "replace").decode().strip())
    if not said:
        raise ReasonMissing("Write a sentence on why.")
    if len(said) > LONGEST:
        raise BadRequest(f"This has {len(said)} characters; at most {LONGEST} can be kept.")
    return said


def _check_obstacles(customer_id: str, account_id: int, forced_because: str | None) -> list[str]:
    found = obstacles.of(customer_id, account_id)
    hard = [obstacle for obstacle in found if not obstacle.may_force]
    if hard:
        raise Conflict(f"{obstacles.sentence(hard)} Nothing was erased.")
    if found and not forced_because:
        raise Conflict(f"{obstacles.sentence(found)} Nothing was erased. Settle this first, or say why it cannot wait.")
    return [obstacle.words for obstacle in found]
