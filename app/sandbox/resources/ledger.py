"""The account's books: every movement is a balance transaction, and the balance is always their sum.

Money is kept in the currencies the account settles (usd, eur, gbp); the rest is converted. Amounts in minor units.
Fees follow Stripe's price pages: by where the card is from, in the currency of settlement.
"""

from __future__ import annotations

from app.sandbox.codec import loads
from app.sandbox.params import Obj
from app.sandbox.resources.currencies import SETTLED
from app.sandbox.resources.fees import Fee
from app.sandbox.routes import route, timer
from app.sandbox.tx import Tx

DAY = 86_400
PENDING_DAYS = 2


def post(  # noqa: PLR0913 - one line of a ledger
    tx: Tx,
    *,
    type: str,  # noqa: A002 - Stripe's own word
    category: str,
    source: str,
    amount: int,
    currency: str,
    description: str | None = None,
    fees: tuple[Fee, ...] = (),
    rate: float | None = None,
    available_on: int | None = None,
) -> Obj:
    """Write one movement and move the balance with it. Pending until `available_on`, default at once.

    Always in the world's time: a test clock that runs ahead brings no money sooner.
    """
    fee = sum(part.amount for part in fees)
    due = tx.world_now if available_on is None else available_on
    status = "pending" if due > tx.world_now else "available"
    movement = {
        "id": tx.new_id("txn_"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": due,
        "balance_type": "payments",
        "created": tx.world_now,
        "currency": currency,
        "description": description,
        "exchange_rate": rate,
        "fee": fee,
        "fee_details": [part.details() for part in fees],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": status,
        "type": type,
    }
    tx.put(movement)
    totals = locked_totals(tx, currency)
    totals[status] += movement["net"]
    totals["gross"] += amount
    if status == "pending" and due not in totals["days"]:
        totals["days"].append(due)
        with tx.outside():
            tx.later(due, "funds_available", currency=currency, day=due)
    tx.put(totals)
    return movement


def locked_totals(tx: Tx, currency: str) -> Obj:
    """The running sums of one currency, held until this request ends.

    `available` and `pending` are sums of net; `gross` leaves fees out: it is what refunds may draw on, because Stripe
    bills a negative balance that only comes from fees to the bank account.
    """
    tx.hold("sandbox.balance", currency)
    return tx.get("sandbox.totals", currency, lock=True) or _empty(currency)


def next_available(tx: Tx, days: int = PENDING_DAYS) -> int:
    """Midnight UTC, `days` after today."""
    return (tx.world_now // DAY + days) * DAY


def balance(tx: Tx) -> Obj:
    """`GET /v1/balance`: the sums by currency, the account's first currency always among them."""
    found = {totals["id"]: totals for totals in tx.find("sandbox.totals")}
    shown = [
        found.get(currency, _empty(currency)) for currency in SETTLED if currency in found or currency == SETTLED[0]
    ]
    return {
        "object": "balance",
        "available": [_line(totals, totals["available"]) for totals in shown],
        "connect_reserved": [{"amount": 0, "currency": totals["id"]} for totals in shown],
        "instant_available": [_line(totals, max(totals["available"], 0)) for totals in shown],
        "livemode": False,
        "pending": [_line(totals, totals["pending"]) for totals in shown],
        "refund_and_dispute_prefunding": {
            "available": [_line(totals, 0) for totals in shown],
            "pending": [_line(totals, 0) for totals in shown],
        },
    }


def announce_available(tx: Tx) -> None:
    tx.emit("balance.available", balance(tx))


@route("GET", "/v1/balance")
def retrieve_balance(tx: Tx) -> Obj:
    return balance(tx)


@timer("funds_available")
def funds_available(tx: Tx, currency: str, day: int) -> None:
    """Midnight came: what was pending until now can be paid out."""
    totals = locked_totals(tx, currency)
    free(tx, totals, day, _due(tx, currency))


def free(tx: Tx, totals: Obj, day: int, movements: list[Obj]) -> None:
    """Pending movements whose `day` has come count as available from now on: balance.available."""
    totals["days"] = [other for other in totals["days"] if other != day]
    for movement in movements:
        tx.put({**movement, "status": "available"})
        totals["pending"] -= movement["net"]
        totals["available"] += movement["net"]
    tx.put(totals)
    if movements:
        announce_available(tx)


def _due(tx: Tx, currency: str) -> list[Obj]:
    tx.flush()
    tx.cursor.execute(
        """SELECT body FROM objects WHERE kind = 'balance_transaction' AND payout IS NULL AND status = 'pending'
           AND currency = %s AND created > %s AND (body::json->>'available_on')::bigint <= %s ORDER BY seq""",
        (currency, tx.now - 90 * DAY, tx.now),
    )
    return [loads(body) for (body,) in tx.cursor.fetchall()]


def _line(totals: Obj, amount: int) -> Obj:
    return {"amount": amount, "currency": totals["id"], "source_types": {"card": amount}}


def _empty(currency: str) -> Obj:
    return {
        "id": currency,
        "object": "sandbox.totals",
        "available": 0,
        "pending": 0,
        "gross": 0,
        "days": [],
    }
