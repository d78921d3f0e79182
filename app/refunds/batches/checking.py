"""What a list of refunds would come to, line by line, before anything is asked of Stripe."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import defer, selectinload

from app.database import db
from app.errors import BadRequest, Conflict, CurrencyMismatch, DomainError, Unknown
from app.models.charge import Charge
from app.models.refund_batch import BAD, READY, RefundBatchRow
from app.money import Money
from app.refunds import reasons
from app.refunds.batches.reading import Line

_AT_ONCE = 1_000
_LONGEST_GIVEN = 100


def check(
    lines: Sequence[Line], *, batch_id: UUID, account_id: int, reason: str, words: str
) -> Iterator[RefundBatchRow]:
    """A row for each line: ready, or with the reason why not. reason, words: for lines that say nothing themselves."""
    charges = _charges(lines, account_id)
    codes = _codes()
    seen: dict[str, int] = {}
    for line in lines:
        row = RefundBatchRow(id=uuid4(), batch_id=batch_id, number=line.number, given=_shown(line.payment), state=BAD)
        try:
            _fill(row, line, charges.get(line.payment), seen)
            row.reason = codes.get((line.reason or reason).lower())
            if row.reason is None:
                raise BadRequest(f"There is no reason “{(line.reason or reason)[:40]}” to choose from.")
            row.words = reasons.in_words(line.words or words)
        except DomainError as why:
            row.why_not = str(why)
        else:
            row.state = READY
            seen[row.charge_id or ""] = line.number
        yield row


def _fill(row: RefundBatchRow, line: Line, charge: Charge | None, seen: Mapping[str, int]) -> None:
    """
    Raises:
        DomainError: why this payment cannot be given back, or not this much of it.
    """
    if charge is None:
        raise Unknown("There is no payment with this id here.")
    row.charge_id, row.currency = charge.id, charge.currency
    if line.surplus:
        raise BadRequest("The line has more cells than the table has columns. Write amounts with a point, like 12.50.")
    if charge.id in seen:
        raise Conflict(f"This payment stands in line {seen[charge.id]} already.")
    if line.currency and line.currency.lower() != charge.currency:
        raise CurrencyMismatch(
            f"This payment was made in {charge.currency.upper()}, not in {line.currency[:10].upper()}."
        )
    amount = Money.parse(line.amount, charge.currency) if line.amount else charge.refundable
    row.amount = amount.minor
    if obstacle := charge.refund_obstacle:
        raise obstacle
    charge.check_refund(amount)


def _charges(lines: Iterable[Line], account_id: int) -> dict[str, Charge]:
    """By the id that stood in the list: the charge's own, or that of its payment, of which the one that succeeded counts."""
    ids = sorted({line.payment for line in lines})
    found: dict[str, Charge] = {}
    for begin in range(0, len(ids), _AT_ONCE):
        few = ids[begin : begin + _AT_ONCE]
        for charge in _of(and_(Charge.payment_intent_id.in_(few), Charge.account_id == account_id)):
            found[charge.payment_intent_id or ""] = charge
        for charge in _of(and_(Charge.id.in_(few), Charge.account_id == account_id)):
            found[charge.id] = charge
    return found


def _of(condition: ColumnElement[bool]) -> Iterable[Charge]:
    every = select(Charge).where(condition, Charge.deleted_at.is_(None)).execution_options(populate_existing=True)
    every = every.options(defer(Charge.raw), selectinload(Charge.refunds), selectinload(Charge.disputes))
    return db.session.scalars(every.order_by(Charge.status == "succeeded", Charge.created_at))


def _codes() -> dict[str, str]:
    """Reasons by code and by their words, in small letters."""
    return {name.lower(): reason.code for reason in reasons.choices() for name in (reason.words, reason.code)}


def _shown(text: str) -> str:
    """What stood there, as far as it can be kept."""
    return text[:_LONGEST_GIVEN].encode("utf-8", "replace").decode()
