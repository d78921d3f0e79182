"""Taking a way to pay first, and letting one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import defer

from app.actor import Actor
from app.acts.kinds import Promise
from app.acts.operations import Asks, perform
from app.database import db
from app.errors import BadRequest, Conflict, ReasonMissing, Unknown
from app.logs import redact
from app.methods.acts import DEFAULT, DETACH, lock_of
from app.models import charged_by
from app.models.act import Act
from app.models.charged_by import CHARGES, Step
from app.models.customer import Customer
from app.models.payment_method import PaymentMethod
from app.models.subscription import Subscription

LONGEST = 1_000


class NotAttached(Conflict):
    """It belongs to no customer any more, so there is nothing to change about it."""


class LastMethod(Conflict):
    """A subscription would be left with nothing to pay with, and nobody said that this is meant."""


@dataclass(frozen=True, slots=True)
class Use:
    """A subscription that Stripe charges to the method. `step`: why it does; `instead`: what it would take without it."""

    subscription: Subscription
    step: Step
    instead: Step | None

    @property
    def is_left_without(self) -> bool:
        return self.instead is None


def uses_of(method: PaymentMethod, customer: Customer | None) -> list[Use]:
    """The subscriptions that Stripe charges to this method now; one query."""
    if customer is None:
        return []
    found = []
    for subscription in _charged(customer):
        step = charged_by.taken(subscription, customer)
        if step and step.method_id == method.id:
            found.append(Use(subscription, step, charged_by.taken(subscription, customer, without=method.id)))
    return found


def set_default(method_id: str, *, promise_id: UUID, words: str, actor: Actor, gateway: Asks) -> Act:
    """From now on Stripe takes it for whatever names no other way to pay.

    Raises:
        NotAttached: it belongs to nobody. Conflict: it is the default already, or another change has no answer yet.
    """

    def prepare() -> Promise:
        method, customer = _locked(method_id)
        if customer.default_payment_method_id == method.id:
            raise Conflict("This is the default already. Nothing was changed.")
        return Promise(
            account_id=method.account_id,
            object_type="payment_method",
            object_id=method.id,
            path=f"/v1/customers/{customer.id}",
            form={"invoice_settings": {"default_payment_method": method.id}},
            lock=lock_of(customer.id),
            before={"default": customer.default_payment_method_id},
            after={"default": method.id, "customer": customer.id},
        )

    reason = in_words(words)
    return perform(DEFAULT, prepare, promise_id=promise_id, actor=actor, reason=reason, gateway=gateway)


def detach(  # noqa: PLR0913 - what, why, who, and that it is meant: all of it belongs to one act
    method_id: str, *, promise_id: UUID, words: str, also_last: bool, actor: Actor, gateway: Asks
) -> Act:
    """Take it off its customer. It cannot be attached again: the customer would have to give it once more.

    also_last: somebody said that subscriptions may be left without a way to pay.

    Raises:
        ReasonMissing: `words` are empty. NotAttached: it belongs to nobody.
        LastMethod: a subscription has no other, and `also_last` was not said.
        Conflict: another change among this customer's ways to pay has no answer yet.
    """
    reason = in_words(words)
    if reason is None:
        raise ReasonMissing("Write why it goes: whoever wonders later will read it.")

    def prepare() -> Promise:
        method, customer = _locked(method_id)
        uses = uses_of(method, customer)
        left = [use.subscription.id for use in uses if use.is_left_without]
        if left and not also_last:
            raise LastMethod(_warning(len(left)))
        return Promise(
            account_id=method.account_id,
            object_type="payment_method",
            object_id=method.id,
            path=f"/v1/payment_methods/{method.id}/detach",
            form={},
            lock=lock_of(customer.id),
            before={"customer": customer.id, "subscriptions": [use.subscription.id for use in uses]},
            after={"customer": None, "left_without": left},
        )

    return perform(DETACH, prepare, promise_id=promise_id, actor=actor, reason=reason, gateway=gateway)


def in_words(text: str) -> str | None:
    """What a person wrote beside the act, without what looks like a card number or a key; None when nothing was.

    Raises:
        BadRequest: it is longer than can be kept.
    """
    written = redact(text.replace("\0", " ").strip())
    if len(written) > LONGEST:
        raise BadRequest(f"The note has {len(written)} characters; at most {LONGEST} can be kept.")
    return written or None


def _warning(number: int) -> str:
    which = "A subscription has" if number == 1 else f"{number} subscriptions have"
    return f"{which} nothing else to pay with. Tick that this is meant, or set another way to pay first. Nothing was changed."


def _charged(customer: Customer) -> Sequence[Subscription]:
    theirs = select(Subscription).where(
        Subscription.customer_id == customer.id, Subscription.account_id == customer.account_id, CHARGES
    )
    newest = theirs.order_by(Subscription.created_at.desc(), Subscription.id).options(
        defer(Subscription.raw, raiseload=True)
    )
    return db.session.scalars(newest).all()


def _locked(method_id: str) -> tuple[PaymentMethod, Customer]:
    """The method and whose it is, held so that neither moves while the rules are asked."""
    method = db.session.get(PaymentMethod, method_id, with_for_update=True)
    if method is None or method.deleted_at:
        raise Unknown("There is no such payment method.")
    customer = db.session.get(Customer, method.customer_id, with_for_update=True) if method.customer_id else None
    if customer is None or customer.account_id != method.account_id:
        raise NotAttached("It belongs to no customer any more. Nothing was changed.")
    return method, customer
