"""What became of the disputes that were fought: how many were won, and what that brought, told apart by what people can change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, select, true

from app.database import db
from app.disputes.counting import BAND, BANDS, COUNTED, ELSEWHERE, NETWORK, PERSON, REASON, SETTLED_IN
from app.models.balance_transaction import BalanceTransaction
from app.models.dispute import Dispute
from app.models.last_chance import JOB
from app.money import MinorUnits, Money

DIMENSIONS: dict[str, tuple[str, ColumnElement[Any]]] = {
    "reason": ("Reason", REASON),
    "network": ("Network", NETWORK),
    "person": ("Submitted by", PERSON),
    "band": ("Amount", BAND),
}
_ITS_OWN = ("dispute", "dispute_reversal")


@dataclass(frozen=True, slots=True)
class Result:
    """One line. recovered: what came back; fees: all that was booked for these disputes but the disputed amounts.

    unbooked: disputes whose lines of the ledger are not here yet, so that money of theirs is missing.
    """

    currency: str
    key: str
    won: int
    lost: int
    recovered: Money
    fees: Money
    unbooked: int

    @property
    def fought(self) -> int:
        return self.won + self.lost

    @property
    def net(self) -> Money:
        return self.recovered - self.fees

    @property
    def permille(self) -> int:
        """Won of a thousand, half up."""
        return (2_000 * self.won + self.fought) // (2 * self.fought) if self.fought else 0

    @property
    def rate(self) -> str:
        return f"{self.permille // 10}.{self.permille % 10} %" if self.fought else "—"


def results(account_id: int, by: str, *conditions: ColumnElement[bool]) -> dict[str, list[Result]]:
    """By settlement currency, the most fought first; two currencies are never added.

    conditions: on disputes, like a range of days.
    """
    key = DIMENSIONS[by][1].label("key")
    booked = _booked()
    grouped = (
        select(
            SETTLED_IN.label("currency"),
            key,
            func.count().filter(Dispute.status == "won").label("won"),
            func.count().filter(Dispute.status == "lost").label("lost"),
            func.coalesce(func.sum(booked.c.recovered), 0).label("recovered"),
            func.coalesce(func.sum(booked.c.fees), 0).label("fees"),
            func.count().filter(booked.c.lines == 0).label("unbooked"),
        )
        .select_from(Dispute)
        .join(booked, true())
        .where(Dispute.account_id == account_id, COUNTED, *conditions)
        .group_by(SETTLED_IN, key)
    )
    found: dict[str, list[Result]] = {}
    for row in db.session.execute(grouped):
        money = [Money(MinorUnits(int(amount)), row.currency) for amount in (row.recovered, row.fees)]
        found.setdefault(row.currency, []).append(
            Result(row.currency, row.key, row.won, row.lost, money[0], money[1], row.unbooked)
        )
    return {code: sorted(found[code], key=lambda one: (-one.fought, one.key)) for code in sorted(found)}


def total(lines: list[Result]) -> Result:
    """All lines of one currency in one."""
    first = lines[0]
    nothing = Result(first.currency, "", 0, 0, Money.zero(first.currency), Money.zero(first.currency), 0)
    for one in lines:
        nothing = Result(
            first.currency,
            "",
            nothing.won + one.won,
            nothing.lost + one.lost,
            nothing.recovered + one.recovered,
            nothing.fees + one.fees,
            nothing.unbooked + one.unbooked,
        )
    return nothing


def undated(account_id: int) -> int:
    """Fought disputes that were closed before they were known here; Stripe does not say when."""
    mine = (Dispute.account_id == account_id, COUNTED, Dispute.closed_at.is_(None))
    return db.session.scalar(select(func.count()).select_from(Dispute).where(*mine)) or 0


def label_of(by: str, key: str) -> str:
    """As people say it."""
    if by == "band":
        return BANDS[key][2] if key in BANDS else "—"
    if by == "person":
        return {JOB: "The last-chance rule", ELSEWHERE: "Not from here"}.get(key, key)
    return key.replace("_", " ").capitalize()


def behind(result: Result, by: str, status: str, days: Mapping[str, str]) -> dict[str, str]:
    """The words in the address of the list of exactly these disputes. An empty key: all of the currency."""
    asked = {"status": status, "fought": "yes", "settled": result.currency, **days}
    return asked | ({by: result.key} if result.key else {})


def _booked() -> Any:
    line = BalanceTransaction
    back = case((line.reporting_category == "dispute_reversal", line.amount), else_=literal(0))
    # A fee may be part of a line, or a line of its own.
    other = case((line.reporting_category.not_in(_ITS_OWN), -line.amount), else_=literal(0))
    its = and_(line.source_id == Dispute.id, line.account_id == Dispute.account_id, line.currency == SETTLED_IN)
    return (
        select(
            func.count().label("lines"),
            func.sum(back).label("recovered"),
            func.sum(line.fee + other).label("fees"),
        )
        .where(its)
        .correlate(Dispute)
        .lateral("booked")
    )
