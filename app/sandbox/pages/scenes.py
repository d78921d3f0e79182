"""What can be made to happen from the sandbox's own page: each button one scene, played by the same code as everything."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from app.sandbox.ask import Ask
from app.sandbox.control import delivery, money
from app.sandbox.errors import StripeError, invalid
from app.sandbox.pages.visit import Visit, act
from app.sandbox.params import Obj, Params
from app.sandbox.resources import payout_moves
from app.sandbox.resources.currencies import SETTLED, decimals
from app.sandbox.resources.inside import call
from app.sandbox.tx import Tx

Said = tuple[str, str | None]
"""What happened, in words; and where to go instead of back to the page."""

PAYMENTS = {
    "pays": "pm_card_visa",
    "declined": "pm_card_chargeDeclined",
    "no_funds": "pm_card_chargeDeclinedInsufficientFunds",
    "three_d_secure": "pm_card_authenticationRequired",
    "held": "pm_card_mastercard",
    "disputed": "pm_card_createDispute",
    "inquiry": "pm_card_createDisputeInquiry",
    "warning": "pm_card_createIssuerFraudRecord",
    "refund_fails": "pm_card_refundFail",
    "debit": "pm_sepaDebit_success_de",
    "debit_fails": "pm_sepaDebit_failed_de",
}
PEOPLE = ("Ana Silva", "Jenny Rosen", "Kofi Mensah", "Liv Berg", "Mateo Rossi", "Yuki Tanaka")
FAULTS: dict[str, Params] = {
    "down": {"path": "/v1/*", "times": 5, "status": 503},
    "slow": {"path": "/v1/*", "times": 20, "delay_before": 3},
    "rate_limit": {"path": "/v1/*", "times": 20, "status": 429},
    "lost_refund": {"method": "POST", "path": "/v1/refunds", "times": 1, "when": "after", "reset": True},
}
HOUR, DAY = 3_600, 86_400


def pay(visit: Visit, form: dict[str, str]) -> Said:
    """Somebody pays in a way of your choice; a decline is what was wished for, and no trouble."""
    how, currency = form.get("how", "pays"), form.get("currency", "usd")
    if how not in PAYMENTS:
        raise invalid("There is no such payment.")
    if PAYMENTS[how].startswith("pm_sepa"):
        currency = "eur"
    amount = random.randint(9, 240) * 10 ** decimals(currency)  # noqa: S311 - play money
    try:
        intent = act(visit, lambda tx: _payment(tx, PAYMENTS[how], amount, currency, held=how == "held"))
    except StripeError as refusal:
        if not refusal.commit:
            raise
        return f"The bank declined: {refusal.message}", None
    action = (intent["next_action"] or {}).get("redirect_to_url")
    return f"{intent['id']} is {intent['status'].replace('_', ' ')}.", action["url"] if action else None


def _payment(tx: Tx, method: str, amount: int, currency: str, *, held: bool) -> Obj:
    words: Params = {
        "amount": str(amount),
        "currency": currency,
        "customer": _somebody(tx),
        "confirm": "true",
        "payment_method": method,
        "allowed_payment_method_types": ["sepa_debit" if method.startswith("pm_sepa") else "card"],
        "return_url": tx.page("/_control/"),
        "capture_method": "manual" if held else "automatic_async",
    }
    if method.startswith("pm_sepa"):
        words["mandate_data"] = {"customer_acceptance": {"type": "offline"}}
    return call(tx, "POST", "/v1/payment_intents", words)


def _somebody(tx: Tx) -> str:
    known = tx.find("customer", limit=25)
    if known:
        return str(random.choice(known)["id"])  # noqa: S311
    name = random.choice(PEOPLE)  # noqa: S311
    email = f"{name.split()[0].lower()}@example.com"
    return str(call(tx, "POST", "/v1/customers", {"name": name, "email": email})["id"])


def checkout(visit: Visit, form: dict[str, str]) -> Said:
    """A basket, and the page to pay it on."""
    mode, currency = form.get("mode", "payment"), form.get("currency", "usd")

    def begin(tx: Tx) -> Obj:
        words: Params = {"mode": mode, "success_url": tx.page("/_control/"), "cancel_url": tx.page("/_control/")}
        if mode == "setup":
            words |= {"customer": _somebody(tx), "currency": currency}
        else:
            price: Params = {"currency": currency, "unit_amount": "2400", "product_data": {"name": "Tea, 500 g"}}
            if mode == "subscription":
                price["recurring"] = {"interval": "month"}
            words["line_items"] = [{"price_data": price, "quantity": "2"}]
        return call(tx, "POST", "/v1/checkout/sessions", words)

    session = act(visit, begin)
    return f"{session['id']} is open.", str(session["url"])


def portal(visit: Visit, form: dict[str, str]) -> Said:
    customer = form.get("customer", "")
    words: Params = {"customer": customer}
    door = act(
        visit,
        lambda tx: call(tx, "POST", "/v1/billing_portal/sessions", words | {"return_url": tx.page("/_control/")}),
    )
    return f"{door['id']} is open.", str(door["url"])


def dispute(visit: Visit, form: dict[str, str]) -> Said:
    made = money.dispute(Ask(visit.sandbox, {"charge": form.get("charge"), "cause": form.get("cause")}))
    return f"The bank complains: {made['id']} is {made['status'].replace('_', ' ')}.", None


def decide(visit: Visit, form: dict[str, str]) -> Said:
    made = money.decide(Ask(visit.sandbox, {"dispute": form.get("dispute"), "outcome": form.get("outcome")}))
    return f"{made['id']} is {made['status'].replace('_', ' ')}.", None


def warn(visit: Visit, form: dict[str, str]) -> Said:
    made = money.warn(Ask(visit.sandbox, {"charge": form.get("charge")}))
    return f"The network warns of {made['charge']}: {made['id']}.", None


def review(visit: Visit, form: dict[str, str]) -> Said:
    made = money.review(Ask(visit.sandbox, {"charge": form.get("charge")}))
    return f"{made['charge']} is under review: {made['id']}.", None


def fail_refund(visit: Visit, form: dict[str, str]) -> Said:
    reason = "expired_or_canceled_card"
    made = money.fail_refund(Ask(visit.sandbox, {"refund": form.get("refund"), "reason": reason}))
    return f"The refund came back: {made['id']}.", None


def payout(visit: Visit, _: dict[str, str]) -> Said:
    made = act(visit, lambda tx: [payout_moves.pay_out_everything(tx, currency) for currency in SETTLED])
    ids = [one["id"] for one in made if one]
    return (
        f"On its way to the bank: {', '.join(ids)}." if ids else "No money is available yet. Let two days pass.",
        None,
    )


def fail_payout(visit: Visit, form: dict[str, str]) -> Said:
    made = money.fail_payout(Ask(visit.sandbox, {"payout": form.get("payout"), "code": "account_closed"}))
    return f"The bank sent it back: {made['id']}.", None


def revoke(visit: Visit, form: dict[str, str]) -> Said:
    made = money.revoke_mandate(Ask(visit.sandbox, {"mandate": form.get("mandate")}))
    return f"{made['id']} allows nothing any more.", None


def wait(visit: Visit, form: dict[str, str]) -> Said:
    """Time passes; everything that falls due on the way happens."""
    now = visit.world.now
    to = {
        "hour": now + HOUR,
        "day": now + DAY,
        "week": now + 7 * DAY,
        "month_end": _next_month(now),
    }.get(form.get("how_long", ""), now)
    done = visit.sandbox.timers.advance(to)
    return f"It is {datetime.fromtimestamp(visit.world.now, UTC):%d.%m.%Y, %H:%M} UTC. {done} things fell due.", None


def _next_month(now: int) -> int:
    """One hour into the next month: the last night is booked by then."""
    today = datetime.fromtimestamp(now, UTC)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)
    return int(datetime(year, month, 1, 1, tzinfo=UTC).timestamp())


def webhooks(visit: Visit, form: dict[str, str]) -> Said:
    mode = form.get("mode", "off")
    delivery.switch(Ask(visit.sandbox, {"mode": mode}))
    words = {"hold": "No webhook leaves now.", "release": "What was held is on its way."}
    return words.get(mode, "Webhooks leave as they should."), None


def trouble(visit: Visit, form: dict[str, str]) -> Said:
    kind = form.get("kind", "")
    if kind in FAULTS:
        visit.sandbox.faults.add(dict(FAULTS[kind]))
        return "Now try something.", None
    visit.sandbox.faults.clear()
    return "Everything works again.", None


@dataclass(frozen=True)
class Scene:
    """One card of the page. `fields` are names of choices that the page fills (see `people`)."""

    title: str
    text: str
    button: str
    fields: tuple[str, ...]
    play: Callable[[Visit, dict[str, str]], Said]


SCENES: dict[str, Scene] = {
    "pay": Scene("A customer pays", "One of your customers, or a first one.", "Let them pay", ("how", "currency"), pay),
    "checkout": Scene(
        "Checkout", "Sit down before the payment page yourself.", "Open it", ("mode", "currency"), checkout
    ),
    "portal": Scene("Billing portal", "What this customer sees of it.", "Open it", ("customer",), portal),
    "dispute": Scene(
        "A bank complains", "Chargeback, inquiry or one of their kin.", "Complain", ("charge", "cause"), dispute
    ),
    "decide": Scene("A bank decides", "Evidence or not: it is your word.", "Decide", ("dispute", "outcome"), decide),
    "warn": Scene("Early fraud warning", "The network thinks a payment was stolen.", "Warn", ("charge",), warn),
    "review": Scene("Review", "Somebody should look at this payment.", "Set aside", ("charge",), review),
    "fail_refund": Scene(
        "A refund comes back", "The card is closed, however late.", "Send it back", ("refund",), fail_refund
    ),
    "payout": Scene("Payout", "All that is available goes to the bank.", "Pay out", (), payout),
    "fail_payout": Scene("A payout fails", "The bank account is closed.", "Send it back", ("payout",), fail_payout),
    "revoke": Scene("A mandate is revoked", "The customer went to their bank.", "Revoke it", ("mandate",), revoke),
    "wait": Scene("Time passes", "Everything due on the way happens.", "Wait", ("how_long",), wait),
    "webhooks": Scene("Webhooks", "Hold them back, let them go.", "Do it", ("webhooks",), webhooks),
    "trouble": Scene("Stripe has a bad day", "The next calls of the shop go wrong.", "Do it", ("kind",), trouble),
}
