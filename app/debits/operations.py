"""Stopping debits by hand, taking that back, and closing the cases that stops open."""

from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.logs import redact
from app.models.customer import Customer
from app.models.debit_stop import DebitStop

LONGEST = 1_000


def stop_customer(customer_id: str, *, account_id: int, words: str, actor: Actor) -> int:
    """From now on nothing is debited from this customer; the number of the stop.

    Raises:
        ReasonMissing. Unknown: there is no such customer. Conflict: it is stopped already.
    """
    reason = written(words)
    try:
        with transaction():
            # Whoever is about to promise a debit holds this row: one of the two comes first.
            customer = db.session.get(Customer, customer_id, with_for_update=True) if "\0" not in customer_id else None
            if customer is None or customer.account_id != account_id:
                raise Unknown("There is no customer with this id here. Look at the id again.")
            now = clock.now()
            stop = DebitStop(
                account_id=account_id, subject_type="customer", subject_id=customer_id, customer_id=customer_id,
                reason="by_hand", words=reason, since=now, set_at=now, set_by=actor.name,
                worked_at=now, worked_by=actor.name, worked_words=reason,
            )  # fmt: skip
            db.session.add(stop)
            db.session.flush()
            number = stop.id
            trail.record(
                actor,
                "debit_stop.set",
                "customer",
                customer_id,
                account_id=account_id,
                reason=reason,
                after={"stop": number},
            )
    except IntegrityError as error:
        if "uq_debit_stops_standing" in str(error.orig):
            raise Conflict("Debits from this customer are stopped already.") from error
        raise
    return number


def lift(stop_id: int, *, account_id: int, words: str, actor: Actor) -> None:
    """Debits from the customer may go on.

    Raises:
        ReasonMissing. Conflict: it is lifted already, or it is Stripe's and ends when Stripe says so.
    """
    reason = written(words)
    with transaction():
        stop = _locked(stop_id, account_id)
        if not stop.is_by_hand:
            raise Conflict(
                "This stop says what Stripe says. It ends by itself when the customer gives a new mandate or method."
            )
        if stop.lifted_at is not None:
            raise Conflict("It is lifted already.")
        stop.lifted_at, stop.lifted_by = clock.now(), actor.name
        trail.record(
            actor,
            "debit_stop.lifted",
            "customer",
            stop.subject_id,
            account_id=account_id,
            reason=reason,
            after={"stop": stop.id},
        )


def close(stop_id: int, *, account_id: int, words: str, actor: Actor) -> None:
    """Somebody has seen to it: what was done is written down, and it waits for nobody any more. The stop stands.

    Raises:
        ReasonMissing. Conflict: it is closed already.
    """
    done = written(words)
    with transaction():
        stop = _locked(stop_id, account_id)
        if stop.state != "open":
            raise Conflict("This case is closed already. Open it again to see what was done.")
        stop.worked_at, stop.worked_by, stop.worked_words = clock.now(), actor.name, done
        trail.record(
            actor,
            "debit_stop.worked",
            stop.subject_type,
            stop.subject_id,
            account_id=account_id,
            reason=done,
            after={"stop": stop.id},
        )


def written(text: str) -> str:
    """What a person wrote, without what looks like a card number or a key.

    Raises:
        ReasonMissing, BadRequest: nothing was written, or more than can be kept.
    """
    words = redact(text.replace("\0", " ").strip())
    if not words:
        raise ReasonMissing("Write a few words: whoever looks at this later will read them.")
    if len(words) > LONGEST:
        raise BadRequest(f"The note has {len(words)} characters; at most {LONGEST} can be kept.")
    return words


def _locked(stop_id: int, account_id: int) -> DebitStop:
    stop = db.session.get(DebitStop, stop_id, with_for_update=True, populate_existing=True)
    if stop is None or stop.account_id != account_id:
        raise Unknown("There is no such stop.")
    return stop
