"""Reviews: payments that Radar's rules or a person set aside for somebody to look at.

A review stays open until it is approved or the payment is refunded, disputed or canceled.
"""

from __future__ import annotations

from app.sandbox.errors import invalid
from app.sandbox.lists import RawJson, list_page
from app.sandbox.params import Obj, allow
from app.sandbox.routes import route
from app.sandbox.tx import Tx


@route("GET", "/v1/reviews")
def still_open(tx: Tx) -> Obj | RawJson:
    """Stripe lists open reviews only; a closed one is read by its id."""
    return list_page(tx, "review", where=[("body::jsonb->>'open' = %s", "true")])


@route("POST", "/v1/reviews/{id}/approve")
def approve(tx: Tx, id: str) -> Obj:  # noqa: A002
    allow(tx.params)
    review = tx.require("review", id)
    if not review["open"]:
        raise invalid(f"This review is closed already: {review['closed_reason']}.", code="review_not_open")
    return _close(tx, review, "approved")


def open_review(tx: Tx, charge: Obj, *, by: str = "rule") -> Obj:
    """review.opened; the payment and its charge name it from now on. `by` is rule or manual."""
    known = tx.get("review", charge["review"]) if charge["review"] else None
    if known and known["open"]:
        raise invalid(f"Charge {charge['id']} is under review already.", param="charge")
    if charge["status"] != "succeeded" or charge["refunded"] or charge["disputed"]:
        raise invalid(f"Nothing of charge {charge['id']} can be reviewed any more.", param="charge")
    address = charge["billing_details"]["address"] or {}
    review = {
        "id": tx.new_id("prv_"),
        "object": "review",
        "billing_zip": address.get("postal_code"),
        "charge": charge["id"],
        "closed_reason": None,
        "created": tx.now,
        "ip_address": "203.0.113.7",
        "ip_address_location": {"city": None, "country": "US", "latitude": None, "longitude": None, "region": None},
        "livemode": False,
        "open": True,
        "opened_reason": by,
        "payment_intent": charge["payment_intent"],
        "reason": by,
        "session": None,
    }
    tx.put(review)
    tx.put({**charge, "review": review["id"]})
    intent = tx.get("payment_intent", charge["payment_intent"], lock=True) if charge["payment_intent"] else None
    if intent:
        tx.put({**intent, "review": review["id"]})
    tx.emit("review.opened", review)
    return review


def settled(tx: Tx, charge: Obj, reason: str) -> None:
    """The payment ended in another way: its review is over. `charge` may be stored or not yet."""
    review = tx.get("review", charge["review"], lock=True) if charge["review"] else None
    if review and review["open"]:
        _close(tx, review, reason)


def _close(tx: Tx, review: Obj, reason: str) -> Obj:
    review.update(open=False, closed_reason=reason, reason=reason)
    tx.put(review)
    tx.emit("review.closed", review)
    return review
