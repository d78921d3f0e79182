"""Disputes and fraud warnings: raised by the bank, answered or not, and decided in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.sandbox.params import Obj
from app.sandbox.resources import dispute_cases, disputes, fraud_warnings
from app.sandbox.resources.dispute_cases import CAUSES, Cause
from app.sandbox.seed.shop import DAY, HOUR

if TYPE_CHECKING:
    from app.sandbox.seed.shop import Shop

_REASONS = {
    "fraudulent": 46,
    "product_not_received": 18,
    "product_unacceptable": 11,
    "unrecognized": 8,
    "credit_not_processed": 7,
    "duplicate": 5,
    "general": 2,
}
"""Why people complain, of a hundred complaints about an order."""
_STILL_CHARGED = 60
"""Beside those, when the charge was for a subscription."""

# Each network numbers its reasons; where a row says nothing, Visa's code from CAUSES stands.
_CODES = {
    "mastercard": {
        "fraudulent": "4837",
        "unrecognized": "4837",
        "product_not_received": "4853",
        "product_unacceptable": "4853",
        "credit_not_processed": "4853",
        "subscription_canceled": "4853",
        "general": "4853",
        "duplicate": "4834",
    },
    "amex": {
        "fraudulent": "F29",
        "unrecognized": "F29",
        "product_not_received": "C08",
        "product_unacceptable": "C31",
        "credit_not_processed": "C02",
        "subscription_canceled": "C28",
        "general": "C31",
        "duplicate": "P08",
    },
    "discover": {
        "fraudulent": "UA02",
        "unrecognized": "UA02",
        "product_not_received": "RG",
        "product_unacceptable": "RM",
        "credit_not_processed": "RN2",
        "subscription_canceled": "AP",
        "general": "RM",
        "duplicate": "DP",
    },
}

STORIES = {
    "won": 26,
    "lost": 26,
    "unanswered": 14,
    "accepted": 9,
    "inquiry": 11,
    "inquiry_ignored": 3,
    "inquiry_escalates": 3,
    "prevented": 5,
    "appeal": 3,
}
"""How it goes on, of a hundred disputes."""


def complain(shop: Shop, charge_id: str) -> None:
    """The customer goes to the bank about this charge, unless somebody was quicker or the money is back already."""
    charge = shop.stage.require("charge", charge_id)
    if charge["disputed"] or charge["amount_refunded"] or not charge["captured"]:
        return
    if charge["payment_method_details"]["type"] != "card":
        dispute_cases.open_case(shop.stage, charge, CAUSES["debit"])
        return
    story = shop.rng.choices(list(STORIES), list(STORIES.values()))[0]
    case = dispute_cases.open_case(shop.stage, charge, _cause(shop, charge, story))
    _go_on(shop, case["id"], story)


def complain_about_newest(shop: Shop, story: str, ends: tuple[tuple[float, str], ...] = (), tries: int = 12) -> None:
    """A case with a fixed course, so that even a small shop has every kind: after so many days this, then that."""
    for charge_id in reversed(shop.paid):
        charge = shop.stage.require("charge", charge_id)
        if charge["payment_method_details"]["type"] != "card" or shop.now - charge["created"] < HOUR:
            continue
        if charge["disputed"] or charge["amount_refunded"] or not charge["captured"]:
            continue
        case = dispute_cases.open_case(shop.stage, charge, _cause(shop, charge, story))
        for days, step in ends:
            shop.after(days * DAY, STEPS[step], case["id"])
        return
    if tries:  # nobody has paid yet
        shop.after(6 * HOUR, complain_about_newest, story, ends, tries - 1)


def warn(shop: Shop, charge_id: str) -> None:
    """An early fraud warning; nearly half of them become disputes."""
    charge = shop.stage.require("charge", charge_id)
    if charge["disputed"] or charge["refunded"] or charge["payment_method_details"]["type"] != "card":
        return
    kinds = ("unauthorized_use_of_card", "made_with_stolen_card", "made_with_lost_card", "card_never_received", "misc")
    fraud_warnings.warn_after_payment(shop.stage, charge, shop.rng.choices(kinds, (70, 12, 8, 4, 6))[0])
    if shop.rng.random() < 0.4:
        shop.after(shop.rng.uniform(2, 20) * DAY, complain, charge_id)


def warn_about_newest(shop: Shop) -> None:
    for charge_id in reversed(shop.paid):
        charge = shop.stage.require("charge", charge_id)
        if not charge["disputed"] and not charge["refunded"] and charge["payment_method_details"]["type"] == "card":
            fraud_warnings.warn_after_payment(shop.stage, charge)
            return


def _cause(shop: Shop, charge: Obj, story: str) -> Cause:
    if story == "prevented":
        return CAUSES["prevented"]
    renewing = str(charge["description"]).startswith("Subscription")
    weights = _REASONS | {"subscription_canceled": _STILL_CHARGED if renewing else 0}
    reason = shop.rng.choices(list(weights), list(weights.values()))[0]
    brand = charge["payment_method_details"]["card"]["brand"]
    network = "discover" if brand in ("diners", "jcb") else brand
    cause = CAUSES[reason]
    cause = replace(cause, code=_CODES.get(network, {}).get(reason, cause.code))
    if story.startswith("inquiry"):
        return replace(cause, case_type="inquiry", status="warning_needs_response")
    return cause


def _go_on(shop: Shop, case: str, story: str) -> None:
    rng = shop.rng
    answered = rng.uniform(0.5, 6.5) * DAY
    decided = answered + rng.uniform(18, 68) * DAY
    if story in ("won", "lost", "appeal", "inquiry"):
        shop.after(answered, answer, case)
    if story == "won":
        shop.after(decided, win, case)
    elif story in ("lost", "appeal"):
        shop.after(decided, lose, case)
    if story == "appeal":
        shop.after(decided + rng.uniform(1, 5) * DAY, appeal, case)
        shop.after(decided + rng.uniform(6, 11) * DAY, answer, case)
    elif story == "accepted":
        shop.after(answered, accept, case)
    elif story == "inquiry":
        shop.after(decided, settle_inquiry, case)
    elif story == "inquiry_escalates":
        shop.after(answered, escalate, case)
        shop.after(answered + rng.uniform(1, 6) * DAY, answer, case)
        shop.after(answered + rng.uniform(20, 60) * DAY, lose, case)


def answer(shop: Shop, case: str) -> None:
    """Evidence, submitted."""
    if _of(shop, case)["status"] in disputes.ANSWERABLE:
        shop.stage.call(disputes.update, {"evidence": _evidence(shop, case), "submit": "true"}, id=case)


def accept(shop: Shop, case: str) -> None:
    shop.stage.call(disputes.close, {}, id=case)


def win(shop: Shop, case: str) -> None:
    _decide(shop, case, ("under_review", "appeal_under_review"), dispute_cases.win)


def lose(shop: Shop, case: str) -> None:
    _decide(shop, case, ("under_review", "appeal_under_review"), dispute_cases.lose)


def appeal(shop: Shop, case: str) -> None:
    _decide(shop, case, ("lost",), dispute_cases.appeal)


def escalate(shop: Shop, case: str) -> None:
    _decide(shop, case, ("warning_needs_response", "warning_under_review"), dispute_cases.escalate)


def settle_inquiry(shop: Shop, case: str) -> None:
    _decide(shop, case, ("warning_needs_response", "warning_under_review"), dispute_cases.close_inquiry)


STEPS: dict[str, Callable[..., None]] = {
    "answer": answer,
    "accept": accept,
    "win": win,
    "lose": lose,
    "appeal": appeal,
    "settle_inquiry": settle_inquiry,
}


def _decide(shop: Shop, case: str, while_in: tuple[str, ...], move: Callable[..., None]) -> None:
    dispute, charge = dispute_cases.locked_case(shop.stage, case)
    if dispute["status"] in while_in:
        move(shop.stage, dispute, charge)


def _of(shop: Shop, case: str) -> Obj:
    return shop.stage.require("dispute", case)


def _evidence(shop: Shop, case: str) -> dict[str, Any]:
    """What a desk would write."""
    charge = shop.stage.require("charge", _of(shop, case)["charge"])
    home = charge["billing_details"]
    bought = datetime.fromtimestamp(charge["created"], UTC)
    sent = datetime.fromtimestamp(charge["created"] + 2 * DAY, UTC)
    return {
        "product_description": str(charge["description"]),
        "customer_name": home["name"],
        "customer_email_address": home["email"],
        "customer_purchase_ip": f"198.51.100.{shop.rng.randint(1, 254)}",
        "shipping_carrier": "Parcel Post",
        "shipping_tracking_number": f"PP{shop.rng.randrange(10**9):09d}",
        "shipping_date": f"{sent:%Y-%m-%d}",
        "service_date": f"{bought:%Y-%m-%d}",
        "uncategorized_text": "The parcel was signed for at the address the customer gave us.",
    }
