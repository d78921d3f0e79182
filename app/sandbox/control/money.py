"""`/_control/money`: what customers, banks and nights do on their own, at the push of a button.

With "silent": true it happens without any event, as if every webhook had been lost for good.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from app.sandbox.ask import Ask
from app.sandbox.errors import invalid
from app.sandbox.params import Obj
from app.sandbox.resources import (
    customer_acts,
    dispute_cases,
    fraud_warnings,
    mandate_life,
    payout_moves,
    refund_moves,
    reviews,
)
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@contextlib.contextmanager
def acting(ask: Ask) -> Iterator[Tx]:
    with ask.sandbox.world.transaction() as tx:
        tx.silent = ask.given.get("silent") is True
        yield tx


@route("POST", "/_control/money/authenticate")
def authenticate(ask: Ask) -> Any:
    """{"id": "pi_… or seti_…", "outcome": "pass" | "fail"}: the customer comes back from the bank's page."""
    passed = ask.given.get("outcome", "pass") == "pass"
    with acting(ask) as tx:
        return customer_acts.authenticate(tx, str(ask.given["id"]), passed=passed)


@route("POST", "/_control/money/dispute")
def dispute(ask: Ask) -> Any:
    """{"charge": "ch_…", "cause": "fraudulent", "amount": 500}: the bank complains now. Causes: see dispute_cases."""
    cause = dispute_cases.CAUSES.get(str(ask.given.get("cause", "fraudulent")))
    if cause is None:
        raise invalid(f"Causes are {', '.join(dispute_cases.CAUSES)}.", param="cause")
    with acting(ask) as tx:
        charge = tx.require("charge", str(ask.given["charge"]))
        amount = ask.given.get("amount")
        return dispute_cases.open_case(tx, charge, cause, amount=None if amount is None else int(amount))


@route("POST", "/_control/money/decide")
def decide(ask: Ask) -> Any:
    """{"dispute": "du_…", "outcome": "won" | "lost" | "escalate" | "close" | "appeal"}: the bank's word, evidence or not."""
    moves = {
        "won": dispute_cases.win,
        "lost": dispute_cases.lose,
        "escalate": dispute_cases.escalate,
        "close": dispute_cases.close_inquiry,
        "appeal": dispute_cases.appeal,
    }
    move = moves.get(str(ask.given.get("outcome")))
    if move is None:
        raise invalid(f"Outcomes are {', '.join(moves)}.", param="outcome")
    with acting(ask) as tx:
        case, charge = dispute_cases.locked_case(tx, str(ask.given["dispute"]))
        move(tx, case, charge)
        return case


@route("POST", "/_control/money/warn")
def warn(ask: Ask) -> Any:
    """{"charge": "ch_…"}: an early fraud warning."""
    with acting(ask) as tx:
        return fraud_warnings.warn_after_payment(tx, tx.require("charge", str(ask.given["charge"])))


@route("POST", "/_control/money/review")
def review(ask: Ask) -> Any:
    """{"charge": "ch_…", "by": "rule" | "manual"}: somebody shall look at this payment."""
    with acting(ask) as tx:
        by = "manual" if ask.given.get("by") == "manual" else "rule"
        return reviews.open_review(tx, tx.require("charge", str(ask.given["charge"])), by=by)


@route("POST", "/_control/money/fail_refund")
def fail_refund(ask: Ask) -> Any:
    """{"refund": "re_…", "reason": "declined"}: it comes back, however late."""
    with acting(ask) as tx:
        refund, charge = refund_moves.locked(tx, str(ask.given["refund"]))
        if refund["status"] in ("failed", "canceled"):
            raise invalid(f"The refund is {refund['status']} already.")
        refund_moves.give_up(tx, refund, charge, "failed", str(ask.given.get("reason", "unknown")))
        return refund


@route("POST", "/_control/money/revoke_mandate")
def revoke_mandate(ask: Ask) -> Any:
    """{"mandate": "mandate_…", "reason": "account_closed"}: the customer or the bank takes the permission back."""
    with acting(ask) as tx:
        mandate = tx.require("mandate", str(ask.given["mandate"]))
        mandate_life.revoke(tx, mandate, str(ask.given.get("reason", "debit_not_authorized")))
        return mandate


@route("POST", "/_control/money/payout_schedule")
def payout_schedule(ask: Ask) -> Obj:
    """{"interval": "daily" | "manual"}: automatic payouts every night, or none."""
    daily = ask.given.get("interval", "daily") == "daily"
    with acting(ask) as tx:
        payout_moves.schedule(tx, daily=daily)
    return {"interval": "daily" if daily else "manual"}


@route("POST", "/_control/money/fail_payout")
def fail_payout(ask: Ask) -> Any:
    """{"payout": "po_…", "code": "account_closed"}: the bank sends it back, even after it was paid."""
    with acting(ask) as tx:
        payout = tx.require("payout", str(ask.given["payout"]))
        if payout["status"] in ("failed", "canceled"):
            raise invalid(f"The payout is {payout['status']} already.")
        payout_moves.fail(tx, payout, str(ask.given.get("code", "account_closed")))
        return payout
