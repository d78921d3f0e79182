"""3-D Secure: who must prove what, and the page that a browser would be sent to."""

from __future__ import annotations

from app.sandbox.params import Obj
from app.sandbox.resources.cards import TestCard
from app.sandbox.resources.declines import Decline
from app.sandbox.tx import Tx


def needs_customer(tx: Tx, card: TestCard, method: Obj, off_session: bool, wish: str) -> bool:
    """Whether the customer must authenticate before the bank pays."""
    rule = card.authentication
    if rule == "none":
        return False
    if rule == "optional":
        return wish in ("any", "challenge") and not off_session
    if off_session and rule == "set_up_already":
        return False
    if off_session and rule == "unless_set_up":
        return tx.get("sandbox.set_up", method["id"]) is None
    return True


def needs_customer_to_save(card: TestCard) -> bool:
    return card.authentication in ("always", "unless_set_up", "required")


def remember_set_up(tx: Tx, card: TestCard, method: Obj) -> None:
    """This card was authenticated for later: payments without the customer pass from now on."""
    if card.authentication == "unless_set_up":
        tx.put({"object": "sandbox.set_up", "id": method["id"]})


def ask_customer(tx: Tx, intent: Obj, return_url: str | None) -> Obj:
    """`next_action`: our page of a bank when the caller told where to come back to, else a job for Stripe's script."""
    if return_url:
        page = tx.page(f"/3ds/{intent['id']}")
        return {"redirect_to_url": {"return_url": return_url, "url": page}, "type": "redirect_to_url"}
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {
            "directory_server_encryption": {"algorithm": "RSA", "directory_server_id": "A000000003"},
            "directory_server_name": "visa",
            "one_click_authn": None,
            "server_transaction_id": "00000000-0000-4000-8000-000000000000",
            "three_d_secure_2_source": "src_sandbox",
            "three_ds_method_url": "",
            "three_ds_optimizations": "k",
            "type": "stripe_3ds2_fingerprint",
        },
    }


def unfinished(why: Decline, method: Obj) -> Obj:
    """`last_payment_error` of an authentication that never took place."""
    return {
        "code": why.code,
        **({"decline_code": why.decline_code} if why.decline_code else {}),
        "doc_url": f"https://stripe.com/docs/error-codes/{why.code.replace('_', '-')}",
        "message": why.message,
        "payment_method": method,
        "type": "card_error",
    }


def failed(message: str, code: str, method: Obj) -> Obj:
    """`last_payment_error` or `last_setup_error` after the customer failed at the bank's page."""
    return {
        "code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": method,
        "type": "invalid_request_error",
    }
