"""Fight or accept: what an answer is worth on average, reckoned from what became of disputes like it. It decides nothing.

worth = p(win) x amount - counter fee - minutes x cost of a minute. Two disputes are alike when reason, network and the number of
filled fields are; below twenty of them nobody should believe a share.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, literal, select, text

from app import clock
from app.actor import Actor
from app.audit import trail
from app.currencies import CURRENCIES
from app.database import db, transaction
from app.disputes.counting import COUNTED, NETWORK, called
from app.disputes.sheet import Sheet
from app.errors import BadAmount, BadRequest, Conflict
from app.models.dispute import Dispute
from app.models.fight_cost import MOST_MINUTES, FightCost
from app.money import LARGEST, MinorUnits, Money

ENOUGH = 20
# Filled fields, from and to: what tells strong answers from weak ones, and still leaves enough of each.
FULLNESS = ((0, 3), (4, 7), (8, 27))


@dataclass(frozen=True, slots=True)
class Advice:
    """decided, won: disputes like this one. fields: how many filled fields those have, from and to.

    cost: None where nobody set one.
    """

    amount: Money
    decided: int
    won: int
    fields: tuple[int, int]
    cost: FightCost | None

    @property
    def is_enough(self) -> bool:
        return self.decided >= ENOUGH

    @property
    def chance(self) -> str:
        """p(win) in percent, half up."""
        permille = (2_000 * self.won + self.decided) // (2 * self.decided) if self.decided else 0
        return f"{permille // 10}.{permille % 10} %"

    @property
    def expected(self) -> Money:
        """p(win) x amount, half up: of whole numbers, and not of the rounded percent."""
        share = (2 * self.won * self.amount.minor + self.decided) // (2 * self.decided) if self.decided else 0
        return Money(MinorUnits(share), self.amount.currency)

    @property
    def counter_fee(self) -> Money:
        return Money(self.cost.counter_fee if self.cost else MinorUnits(0), self.amount.currency)

    @property
    def work(self) -> Money:
        return self.cost.work if self.cost else Money.zero(self.amount.currency)

    @property
    def worth(self) -> Money:
        return self.expected - self.counter_fee - self.work


def advice(dispute: Dispute, sheet: Sheet) -> Advice | None:
    """What is known about answering it; None where nothing can be answered, or no money has moved."""
    if dispute.status != "needs_response" or dispute.answer_obstacle:
        return None
    fields = _fullness(sum(shown.is_filled for shown in sheet.shown))
    alike = (
        select(func.count(), func.count().filter(Dispute.status == "won"))
        .where(Dispute.account_id == dispute.account_id, COUNTED, Dispute.reason == dispute.reason)
        .where(called(NETWORK)(dispute.brand or dispute.method_type or "unknown"), _filled().between(*fields))
    )
    decided, won = db.session.execute(alike).one()
    return Advice(dispute.money, decided, won, fields, cost_of(dispute.account_id, dispute.currency))


def cost_of(account_id: int, currency: str) -> FightCost | None:
    return db.session.get(FightCost, (account_id, currency), populate_existing=True)


def costs(account_id: int) -> list[FightCost]:
    """What was set, by currency."""
    mine = select(FightCost).where(FightCost.account_id == account_id)
    return list(db.session.scalars(mine.order_by(FightCost.currency)))


def set_cost(account_id: int, form: Mapping[str, str], *, actor: Actor) -> None:
    """Set, or replace, what answering costs in one currency.

    Raises:
        BadRequest, BadAmount: a value makes no sense. Conflict: no account yet.
    """
    code, minutes = form.get("currency", "").strip().lower(), form.get("minutes", "").strip()
    if code not in CURRENCIES:
        raise BadRequest("There is no such currency. Write one like EUR.")
    if not (
        minutes.isascii()
        and minutes.isdigit()
        and len(minutes) <= len(str(MOST_MINUTES))
        and int(minutes) <= MOST_MINUTES
    ):
        raise BadRequest(f"Write the minutes as a whole number up to {MOST_MINUTES:,}.")
    minute, counter_fee = (Money.parse(form.get(name, ""), code).minor for name in ("minute", "counter_fee"))
    if max(minute * MOST_MINUTES, counter_fee) > LARGEST // 2:
        raise BadAmount("This amount is too large.")
    if not account_id:
        raise Conflict("Nothing was heard of Stripe yet. Run the first sync, then set this.")
    with transaction():
        cost = db.session.get(FightCost, (account_id, code), with_for_update=True)
        before = {"minute": cost.minute, "minutes": cost.minutes, "counter_fee": cost.counter_fee} if cost else None
        if cost is None:
            cost = FightCost(account_id=account_id, currency=code)
            db.session.add(cost)
        cost.minute, cost.minutes, cost.counter_fee = minute, int(minutes), counter_fee
        cost.set_by, cost.set_at = actor.name, clock.now()
        db.session.flush()
        after = {"minute": minute, "minutes": cost.minutes, "counter_fee": counter_fee}
        trail.record(actor, "fight_cost.set", "currency", code, account_id=account_id, before=before, after=after)


def _fullness(filled: int) -> tuple[int, int]:
    return next(band for band in FULLNESS if filled <= band[1])


def _filled() -> ColumnElement[int]:
    """How many fields of the evidence say something, as Stripe has it: texts and ids of files."""
    entries = func.jsonb_each(func.coalesce(Dispute.evidence, literal("{}", type_=Dispute.evidence.type))).table_valued(
        "key", "value"
    )
    says = text("jsonb_typeof(value) = 'string' AND value <> '\"\"'::jsonb")
    return select(func.count()).select_from(entries).where(says).correlate(Dispute).scalar_subquery()
