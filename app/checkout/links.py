"""Payment links: made and closed by staff."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadAmount, BadRequest, Conflict, Unknown
from app.models.customer import Customer
from app.models.payment_link import MOST_USES, CheckoutVisit, PaymentLink
from app.money import Money
from app.web.tokens import new_token

# Stripe takes 8 digits for most currencies and says itself where it takes less.
LARGEST = 99_999_999
LONGEST_TITLE = 250


def make(  # noqa: PLR0913 - what a link is: all but its account by name
    *,
    promise: UUID,
    account_id: int,
    title: str,
    price: Money,
    customer_id: str | None,
    max_uses: int | None,
    expires_at: datetime | None,
    actor: Actor,
) -> UUID:
    """A new link; its id, which is the `promise` of the form: sent twice, it is one link.

    Raises:
        BadRequest, BadAmount: something about it makes no sense. Unknown: no such customer. Conflict: no account is known.
    """
    if not account_id:
        raise Conflict("Stripe has not been asked yet whose account this is. Synchronise once, then make the link.")
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_TITLE or not title.isprintable():
        raise BadRequest(f"Say what is paid for, in at most {LONGEST_TITLE} characters: the customer reads it.")
    if not 0 < price.minor <= LARGEST:
        raise BadAmount("Enter an amount above zero that Stripe takes: at most eight digits.")
    if max_uses is not None and not 1 <= max_uses <= MOST_USES:
        raise BadRequest(f"How many may pay is a number from 1 to {MOST_USES:,}, or left empty.")
    now = clock.now()
    if expires_at is not None and expires_at <= now:
        raise BadRequest("The link would be over before anybody could use it. Choose a later time.")
    with transaction():
        if _is_made(promise, account_id):
            return promise
        if customer_id is not None:
            _check_customer(customer_id, account_id)
        link = PaymentLink(
            id=promise, account_id=account_id, token=new_token(), title=title, amount=price.minor, currency=price.currency,
            customer_id=customer_id, max_uses=max_uses, expires_at=expires_at, created_by=actor.name, created_at=now,
        )  # fmt: skip
        db.session.add(link)
        db.session.flush()
        facts = {"amount": str(price), "max_uses": max_uses, "customer": customer_id}
        trail.record(
            actor, "payment_link.made", "payment_link", str(link.id), account_id=account_id, after=facts | _until(link)
        )
    return link.id


def close(link_id: UUID, *, account_id: int, words: str, actor: Actor) -> None:
    """Nobody pays by this link any more; pages of Stripe that are open are closed by a job.

    words: why.
    Raises:
        BadRequest: no words. Unknown: no such link. Conflict: it is closed already.
    """
    words = words.strip()
    if not words:
        raise BadRequest("Say why the link is closed: others will ask.")
    with transaction():
        link = db.session.scalar(
            select(PaymentLink)
            .where(PaymentLink.id == link_id, PaymentLink.account_id == account_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if link is None:
            raise Unknown("There is no such payment link.")
        if link.closed_at:
            raise Conflict(f"{link.closed_by} has closed it already.")
        link.closed_at, link.closed_by = clock.now(), actor.name
        trail.record(
            actor, "payment_link.closed", "payment_link", str(link.id), account_id=account_id, reason=words[:1000]
        )


def visits_of(link_id: UUID, *, limit: int) -> list[CheckoutVisit]:
    """Who was led to Stripe by this link, the newest first."""
    newest = select(CheckoutVisit).where(CheckoutVisit.link_id == link_id).order_by(CheckoutVisit.asked_at.desc())
    return list(db.session.scalars(newest.limit(limit)))


def _is_made(promise: UUID, account_id: int) -> bool:
    """Whether this form was sent before; whoever sends it at the same time waits here."""
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(promise), 7266305))))
    owner = db.session.scalar(select(PaymentLink.account_id).where(PaymentLink.id == promise))
    if owner not in {None, account_id}:
        raise BadRequest("This form is damaged. Open the page again and start anew.")
    return owner is not None


def _check_customer(customer_id: str, account_id: int) -> None:
    known = select(func.count()).where(
        Customer.id == customer_id, Customer.account_id == account_id, Customer.deleted_at.is_(None)
    )
    if not customer_id.isprintable() or not db.session.scalar(known):
        raise Unknown("There is no customer with this id. Leave it empty, and whoever pays becomes a new customer.")


def _until(link: PaymentLink) -> dict[str, str]:
    return {"expires_at": link.expires_at.isoformat()} if link.expires_at else {}
