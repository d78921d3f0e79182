"""What happens to a payout on its way, and the nightly run that makes automatic ones."""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.resources import ledger
from app.sandbox.resources.currencies import SETTLED
from app.sandbox.routes import timer
from app.sandbox.tx import Tx

DAY = ledger.DAY
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "bank_account_restricted": "The bank account has restrictions on either the type or the number of payouts allowed.",
    "could_not_process": "The bank could not process this payout.",
    "declined": "The bank has declined this payout.",
    "insufficient_funds": "Your Stripe account has insufficient funds to cover the payout.",
    "invalid_account_number": "The routing number seems correct, but the account number is invalid.",
    "no_account": "The bank account details on file are probably incorrect.",
}
FAILING = "ba_failing_"
"""A destination `ba_failing_<failure code>` fails when the payout should arrive."""


def send(  # noqa: PLR0913
    tx: Tx,
    amount: int,
    currency: str,
    *,
    automatic: bool,
    method: str,
    description: str | None,
    statement_descriptor: str | None,
    destination: str | None,
    notes: dict[str, str],
    original: str | None = None,
) -> Obj:
    """payout.created; the bank has it two days later."""
    arrival = tx.now if method == "instant" else ledger.next_available(tx)
    payout: Obj = {
        "id": tx.new_id("po_"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "created": tx.now,
        "currency": currency,
        "description": description,
        "destination": destination or f"ba_sandbox_{currency}",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": notes,
        "method": method,
        "original_payout": original,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": statement_descriptor,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
    }
    movement = ledger.post(
        tx,
        type="payout",
        category="payout" if original is None else "payout_reversal",
        source=payout["id"],
        amount=-amount,
        currency=currency,
        description=description or "STRIPE PAYOUT",
        available_on=None,
    )
    payout["balance_transaction"] = movement["id"]
    tx.put(payout)
    tx.emit("payout.created", payout)
    tx.later(tx.now + DAY // 2, "payout_leaves", payout=payout["id"])
    tx.later(max(arrival, tx.now + 1), "payout_arrives", payout=payout["id"])
    return payout


def take_back(tx: Tx, payout: Obj, word: str) -> Obj:
    """The money returns to the balance: canceled or failed."""
    return ledger.post(
        tx,
        type=word,
        category="payout_reversal",
        source=payout["id"],
        amount=payout["amount"],
        currency=payout["currency"],
        description="STRIPE PAYOUT CANCEL" if word == "payout_cancel" else "STRIPE PAYOUT FAILURE",
    )


@timer("payout_leaves")
def payout_leaves(tx: Tx, payout: str) -> None:
    sent = tx.require("payout", payout)
    if sent["status"] == "pending":
        sent["status"] = "in_transit"
        tx.put(sent)
        tx.emit("payout.updated", sent, {"status": "pending"})


@timer("payout_arrives")
def payout_arrives(tx: Tx, payout: str) -> None:
    sent = tx.require("payout", payout)
    if sent["status"] not in ("pending", "in_transit"):
        return
    if sent["destination"].startswith(FAILING):
        fail(tx, sent, sent["destination"].removeprefix(FAILING))
        return
    sent["status"] = "paid"
    sent["trace_id"] = {"status": "supported", "value": sent["id"][-15:].upper()}
    if sent["automatic"]:
        sent["reconciliation_status"] = "completed"
    tx.put(sent)
    tx.emit("payout.paid", sent)
    if sent["automatic"]:
        tx.emit("payout.reconciliation_completed", sent)


def fail(tx: Tx, payout: Obj, code: str) -> None:
    """payout.failed, also days after it was paid; the money comes back."""
    known = code if code in FAILURES else "could_not_process"
    payout.update(
        status="failed",
        failure_code=known,
        failure_message=FAILURES[known],
        failure_balance_transaction=take_back(tx, payout, "payout_failure")["id"],
    )
    tx.put(payout)
    tx.emit("payout.failed", payout)


@timer("nightly_payouts")
def nightly_payouts(tx: Tx, run: str) -> None:
    """Pay out whatever is available, one payout a currency, and come back tomorrow. A newer schedule ends this one."""
    schedule = tx.get("sandbox.schedule", "payouts", lock=True)
    if schedule is None or schedule["run"] != run:
        return
    for currency in SETTLED:
        pay_out_everything(tx, currency)
    tx.later(tx.now + DAY, "nightly_payouts", run=run)


def pay_out_everything(tx: Tx, currency: str) -> Obj | None:
    """One automatic payout of the available balance; its balance transactions can be listed by `payout`."""
    payout = send_available(tx, currency)
    if payout is None:
        return None
    tx.flush()
    # Stripe's balance transactions have no such field: the link lives in the column that lists filter by.
    tx.cursor.execute(
        """UPDATE objects SET payout = %s WHERE kind = 'balance_transaction' AND currency = %s AND status = 'available'
           AND payout IS NULL""",
        (payout["id"], currency),
    )
    return payout


def send_available(tx: Tx, currency: str) -> Obj | None:
    """The automatic payout itself; which balance transactions are in it is the caller's to note."""
    amount = ledger.locked_totals(tx, currency)["available"]
    if amount <= 0:
        return None
    return send(
        tx,
        amount,
        currency,
        automatic=True,
        method="standard",
        description="STRIPE PAYOUT",
        statement_descriptor=None,
        destination=None,
        notes={},
    )


def schedule(tx: Tx, *, daily: bool) -> None:
    """Switch the nightly run on (first at ten past the next midnight UTC) or off."""
    run = tx.new_id("", 8)
    tx.put({"object": "sandbox.schedule", "id": "payouts", "run": run if daily else ""})
    if daily:
        tx.later(ledger.next_available(tx, 1) + 600, "nightly_payouts", run=run)
