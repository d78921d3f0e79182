"""Where the money of one payment went, added up from the lines of Stripe's ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.currencies import currency
from app.models.balance_transaction import BalanceTransaction
from app.models.charge import Charge
from app.money import MinorUnits, Money

WORDS = {
    "charge": "Paid",
    "charge_failure": "Payment failed later",
    "refund": "Refunded",
    "refund_failure": "Refund failed, money back",
    "partial_capture_reversal": "Not captured",
    "dispute": "Disputed",
    "dispute_reversal": "Dispute won, money back",
    "fee": "Fee",
}


@dataclass(frozen=True, slots=True)
class Account:
    """The lines of one settlement currency as on a receipt. `sums`: {label, minor, currency, total?}; they add up to `net`."""

    sums: list[dict[str, Any]]
    net: Money


def strip(charge: Charge, lines: Sequence[BalanceTransaction]) -> list[dict[str, Any]]:
    """The figures on top of the page: what was paid, what went back, what is left, what the shop keeps."""
    figures: list[dict[str, Any]] = [_figure("Amount", charge.total)]
    if charge.captured and charge.taken != charge.total:
        figures.append(_figure("Captured", charge.taken))
    if charge.released:
        figures.append(_figure("Released", charge.released, hint="held, never taken"))
    if charge.given_back:
        figures.append(_figure("Refunded", charge.given_back, tone="wait", hint=_in_refunds(charge)))
    if blocking := next((dispute for dispute in charge.disputes if dispute.blocks_refund), None):
        figures.append(_figure("Disputed", blocking.money, tone="bad", hint=blocking.status.replace("_", " ")))
    elif charge.captured and charge.status == "succeeded":
        figures.append(_figure("Left to refund", charge.refundable))
    return figures + [_net(account.net) for account in accounts(lines)]


def accounts(lines: Sequence[BalanceTransaction]) -> list[Account]:
    """One receipt for each settlement currency; usually there is exactly one."""
    currencies = sorted({line.currency for line in lines})
    return [_account(currency, [line for line in lines if line.currency == currency]) for currency in currencies]


def exchange(charge: Charge, lines: Sequence[BalanceTransaction]) -> str | None:
    """`1 USD = 0.9132 EUR`, when the payment was settled in another currency.

    Stripe's rate is between smallest units, so that of 1 JPY and of 1 KWD has to be moved by the decimals of both currencies.
    """
    line = next((line for line in lines if line.source_id == charge.id and line.exchange_rate is not None), None)
    if line is None or line.exchange_rate is None:
        return None
    rate = line.exchange_rate.scaleb(currency(charge.currency).decimals - currency(line.currency).decimals)
    return f"1 {charge.currency.upper()} = {rate.normalize():f} {line.currency.upper()}"


def _account(currency: str, lines: Sequence[BalanceTransaction]) -> Account:
    sums = [row for line in lines for row in _rows(line)]
    net = Money(MinorUnits(sum(line.amount - line.fee for line in lines)), currency)
    return Account([*sums, {"label": "Net", "minor": net.minor, "currency": currency, "total": True}], net)


def _rows(line: BalanceTransaction) -> list[dict[str, Any]]:
    """The line itself, and each fee in it."""
    label = WORDS.get(line.reporting_category, line.reporting_category.replace("_", " ").capitalize())
    own = [] if line.reporting_category == "fee" and not line.amount else [_row(label, line.amount, line.currency)]
    return own + _fees(line)


def _fees(line: BalanceTransaction) -> list[dict[str, Any]]:
    details: Any = line.fee_details if isinstance(line.fee_details, list) else []
    known = [_row(detail.get("description") or "Fee", -detail["amount"], line.currency) for detail in details]
    if sum(row["minor"] for row in known) == -line.fee:
        return [row for row in known if row["minor"]]
    return [_row("Fees", -line.fee, line.currency)]


def _row(label: str, minor: int, currency: str) -> dict[str, Any]:
    return {"label": label, "minor": minor, "currency": currency}


def _figure(label: str, money: Money, **more: str) -> dict[str, Any]:
    return {"label": label, "minor": money.minor, "currency": money.currency, **more}


def _net(net: Money) -> dict[str, Any]:
    return _figure("Net", net, hint="after fees", tone="good" if net.minor > 0 else "bad")


def _in_refunds(charge: Charge) -> str:
    live = sum(refund.is_live and not refund.is_release for refund in charge.refunds)
    return f"in {live} refunds" if live > 1 else "in one refund" if live else "as Stripe says"
