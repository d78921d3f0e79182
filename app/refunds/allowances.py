"""How much somebody may give back without another person: by refund, and by day."""

from dataclasses import dataclass

from sqlalchemy import func, select, text

from app import clock
from app.actor import Actor
from app.audit import trail
from app.currencies import CURRENCIES
from app.database import db, transaction
from app.errors import BadRequest, DomainError, Unknown
from app.models.refund import DEAD, Refund
from app.models.refund_rules import EVERY, RefundLimit
from app.models.staff import Staff
from app.money import MinorUnits, Money
from app.web.permissions import ROLE_NAMES

_LIMIT = text("SELECT approval_from, per_day, rule FROM refund_limit_of(:who, :coin)")

# As refund_limit_of of migration 0012 does it for a person without a limit of their own.
_OF_ROLE = text("""
    SELECT CASE WHEN found.id IS NULL THEN 0 ELSE found.approval_from * worth.factor END,
           CASE WHEN found.id IS NULL THEN 0 ELSE found.per_day * worth.factor END,
           coalesce('role ' || found.name, 'no rule')
      FROM (VALUES (1)) one
      LEFT JOIN LATERAL (SELECT * FROM refund_limits l WHERE l.scope = 'role' AND l.name = :role
                            AND l.currency IN (:coin, '*') ORDER BY l.currency = :coin DESC LIMIT 1) found ON true
      CROSS JOIN LATERAL (SELECT CASE WHEN found.currency <> '*' THEN 1 WHEN :coin IN ('isk', 'ugx') THEN 100
                            WHEN :coin IN ('bhd', 'jod', 'kwd', 'omr', 'tnd') THEN 3 ELSE 1 END AS factor) worth
""")


class AboveLimit(DomainError):
    """This much is not given back without another person's word."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What holds for one person in one currency. `given`: what they gave back alone since the day (UTC) began."""

    approval_from: Money | None
    per_day: Money | None
    given: Money
    rule: str

    @property
    def left(self) -> Money | None:
        """What is left of the day; None: there is no end."""
        return None if self.per_day is None else max(self.per_day - self.given, Money.zero(self.given.currency))

    @property
    def words(self) -> str:
        """The limit as the audit trail keeps it."""
        each = f"below {self.approval_from} each" if self.approval_from is not None else "any amount"
        day = f"{self.per_day} a day, of which {self.given} were given" if self.per_day is not None else "no end a day"
        return f"{each}, {day} ({self.rule})"

    def check(self, amount: Money) -> None:
        """
        Raises:
            AboveLimit: with the limit and what is left of it.
        """
        if self.approval_from is not None and amount >= self.approval_from:
            raise AboveLimit(f"From {self.approval_from} on, another person has to agree.")
        if self.per_day is not None and self.given + amount > self.per_day:
            raise AboveLimit(
                f"This would be more than the {self.per_day} that you may give back a day without another person; "
                f"{self.left} of it is left today."
            )


def allowance_of_role(role: str, currency: str) -> Allowance:
    """What holds for anybody of this role who has no limit of their own and has given nothing back today."""
    each, day, rule = db.session.execute(_OF_ROLE, {"role": role, "coin": currency}).one()
    return Allowance(_money(each, currency), _money(day, currency), Money.zero(currency), rule)


def allowance(who: str, currency: str) -> Allowance | None:
    """What holds for this person; None for who is no person, like a job."""
    found = db.session.execute(_LIMIT, {"who": who, "coin": currency}).first()
    if found is None:
        return None
    each, day, rule = found
    return Allowance(_money(each, currency), _money(day, currency), _given_today(who, currency), rule)


def given_since(who: str, currency: str, since: object) -> Money:
    """What this person gave back, or may have, since an instant."""
    total = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.requested_by == who,
        Refund.currency == currency,
        Refund.requested_at > since,
        Refund.status.not_in(DEAD),
    )
    return Money(MinorUnits(int(db.session.scalar(total) or 0)), currency)


def every() -> list[RefundLimit]:
    found = select(RefundLimit).order_by(RefundLimit.scope.desc(), RefundLimit.name, RefundLimit.currency)
    return list(db.session.scalars(found))


def set_limit(  # noqa: PLR0913 - whose, in what, how much each and a day, and who says so
    scope: str,
    name: str,
    currency: str,
    *,
    approval_from: MinorUnits | None,
    per_day: MinorUnits | None,
    actor: Actor,
) -> RefundLimit:
    """From now on this holds for a role, or for one person instead of their role; None means no limit.

    Raises:
        BadRequest: no such role, person or currency.
    """
    name, currency = name.strip().lower(), currency.strip().lower()
    _check_scope(scope, name)
    if currency != EVERY and currency not in CURRENCIES:
        raise BadRequest("There is no such currency.")
    with transaction():
        same = select(RefundLimit).where(
            RefundLimit.scope == scope, RefundLimit.name == name, RefundLimit.currency == currency
        )
        limit = db.session.scalar(same.with_for_update().execution_options(populate_existing=True))
        before = _words(limit) if limit else None
        if limit is None:
            limit = RefundLimit(scope=scope, name=name, currency=currency)
            db.session.add(limit)
        limit.approval_from, limit.per_day = approval_from, per_day
        limit.set_at, limit.set_by = clock.now(), actor.name
        db.session.flush()
        trail.record(actor, "refund.limit_set", "refund_limit", name, before=before, after=_words(limit))
    return limit


def remove_limit(limit_id: int, *, actor: Actor) -> None:
    """The next rule holds instead: the role's for a person, that of every currency for one. Without any, all needs a word."""
    with transaction():
        limit = db.session.get(RefundLimit, limit_id, with_for_update=True, populate_existing=True)
        if limit is None:
            raise Unknown("This limit is gone already.")
        before = _words(limit)
        db.session.delete(limit)
        db.session.flush()
        trail.record(actor, "refund.limit_removed", "refund_limit", limit.name, before=before)


def _given_today(who: str, currency: str) -> Money:
    start = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    total = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.requested_by == who,
        Refund.currency == currency,
        Refund.approval_id.is_(None),
        Refund.requested_at >= start,
        Refund.status.not_in(DEAD),
    )
    return Money(MinorUnits(int(db.session.scalar(total) or 0)), currency)


def _money(minor: int | None, currency: str) -> Money | None:
    return Money(MinorUnits(minor), currency) if minor is not None else None


def _check_scope(scope: str, name: str) -> None:
    if scope == "role" and name in ROLE_NAMES:
        return
    if scope == "person" and db.session.scalar(select(Staff.id).where(Staff.email == name)):
        return
    raise BadRequest("Choose a role, or write the e-mail address of somebody who works here.")


def _words(limit: RefundLimit) -> dict[str, object]:
    return {
        "scope": limit.scope,
        "currency": limit.currency,
        "approval_from": limit.approval_from,
        "per_day": limit.per_day,
    }
