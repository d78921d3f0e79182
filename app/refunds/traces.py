"""The trace number of a refund, told to the customer: their bank finds the money by it when it does not show."""

from uuid import UUID

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing
from app.logs import redact
from app.mail import addresses, letters, outbox
from app.models.account import Account
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.mail import Mail
from app.models.refund import Refund

KIND = "refund.trace"
LONGEST_REASON = 1_000
_AT_ONCE = 100
_JOB = Actor.job("settle_refunds")


def tell_new() -> int:
    """Write to the customers of refunds whose trace number has come, once each. Returns how many letters were written."""
    untold = select(Refund.id).where(
        Refund.trace_reference.is_not(None), Refund.trace_told_at.is_(None), Refund.requested_by.is_not(None)
    )
    waiting = list(db.session.scalars(untold.order_by(Refund.requested_at).limit(_AT_ONCE)))
    db.session.rollback()
    return sum(_tell(refund_id) for refund_id in waiting)


def send_again(refund_id: UUID, *, promise_id: UUID, actor: Actor) -> UUID:
    """Write to the customer once more; the form sent twice is one letter.

    Raises:
        Conflict: there is no trace number yet. BadRequest: no address of the customer is known.
    """
    return _send(refund_id, promise_id, actor, to=None, reason=None)


def send_elsewhere(refund_id: UUID, to: str, *, promise_id: UUID, words: str, actor: Actor) -> UUID:
    """Write to an address that neither the payment nor the customer has, because somebody says why.

    to: as a person typed it twice. The trail keeps the reason and the number of the mail, which knows the address.

    Raises:
        Conflict: there is no trace number yet. ReasonMissing: nobody said why. BadRequest: it is no address.
    """
    reason = redact(words.replace("\0", " ").strip())[:LONGEST_REASON]
    if not reason:
        raise ReasonMissing("Write a sentence on why it goes there.")
    return _send(refund_id, promise_id, actor, to=addresses.checked(to), reason=reason)


def _send(refund_id: UUID, promise_id: UUID, actor: Actor, *, to: str | None, reason: str | None) -> UUID:
    with transaction():
        refund = _locked(refund_id)
        if not refund.trace_reference:
            raise Conflict("There is no trace number yet. Banks give it after a few days.")
        key = f"{KIND}:{refund_id}:{promise_id}"
        known = db.session.scalar(select(Mail.id).where(Mail.account_id == refund.account_id, Mail.dedup_key == key))
        if known:
            return known
        mail_id = _post(refund, key, actor, to=to)
        if mail_id is None:
            raise BadRequest("No e-mail address of this customer is known, neither here nor with the payment.")
        # What went elsewhere does not count as having told the customer.
        refund.trace_told_at = refund.trace_told_at if to else clock.now()
        _record(refund, mail_id, actor, reason=reason)
    return mail_id


def _tell(refund_id: UUID) -> bool:
    with transaction():
        refund = _locked(refund_id)
        if refund.trace_told_at:
            return False
        refund.trace_told_at = clock.now()
        mail_id = _post(refund, f"{KIND}:{refund_id}", _JOB)
        if mail_id:
            _record(refund, mail_id, _JOB)
    return mail_id is not None


def _post(refund: Refund, key: str, actor: Actor, *, to: str | None = None) -> UUID | None:
    """Into the outbox; None when it is not known where to. to: another address than the customer's own."""
    charge = db.session.get(Charge, refund.charge_id) if refund.charge_id else None
    address = to or (_address(charge) if charge else "")
    if charge is None or not address:
        return None
    letter = letters.write(
        KIND,
        seller=db.session.scalar(select(Account.name).where(Account.id == refund.account_id)) or "",
        amount=f"{refund.money.grouped} {refund.currency.upper()}",
        day=f"{refund.since:%-d %B %Y}",
        card=charge.last4 or "",
        trace=refund.trace_reference,
    )
    about = ("refund", str(refund.id))
    more = {"dedup": key, "about": about, "customer_id": charge.customer_id}
    try:
        return outbox.post(letter, to=address, account_id=refund.account_id, by=actor.name, **more)  # type: ignore[arg-type]
    except BadRequest:
        return None


def _address(charge: Charge) -> str:
    customer = db.session.get(Customer, charge.customer_id) if charge.customer_id else None
    billing = (charge.billing_details or {}).get("email")
    known = (charge.receipt_email, billing, customer.email if customer else None)
    return next((one for one in known if isinstance(one, str) and one), "")


def _locked(refund_id: UUID) -> Refund:
    return db.session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)


def _record(refund: Refund, mail_id: UUID, actor: Actor, *, reason: str | None = None) -> None:
    db.session.flush()
    action = "refund.trace_sent_elsewhere" if reason else "refund.trace_sent"
    after = {"mail": mail_id}
    trail.record(actor, action, "refund", str(refund.id), account_id=refund.account_id, reason=reason, after=after)
