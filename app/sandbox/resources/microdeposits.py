"""American bank accounts typed in by hand: two cents arrive, and their owner says what came with them.

Test answers as at Stripe: the amounts 32 and 45 or the code SM11AA are right; 10 and 11 or SM33CC use up all tries at
once, 40 and 41 or SM44DD are too late. Accounts linked on a page of ours, and aliases, are verified already.
"""

from __future__ import annotations

from app.sandbox.errors import StripeError, invalid
from app.sandbox.params import Obj, allow, list_of, text
from app.sandbox.resources import bank_accounts
from app.sandbox.resources.intent_states import intent_kind
from app.sandbox.routes import route, timer
from app.sandbox.tx import Tx

DAY = 86_400
DAYS_TO_ANSWER = 10
RIGHT = ("32,45", "45,32", "SM11AA")
TOO_OFTEN = ("10,11", "11,10", "SM33CC")
TOO_LATE = ("40,41", "41,40", "SM44DD")


def needed(tx: Tx, method: Obj) -> bool:
    return method["type"] == "us_bank_account" and tx.get("sandbox.verified", method["id"]) is None


def trust(tx: Tx, method: Obj) -> None:
    """The customer signed in at their bank: nothing is left to verify."""
    if method["type"] == "us_bank_account":
        tx.put({"object": "sandbox.verified", "id": method["id"]})


def ask(tx: Tx, intent: Obj, method: Obj) -> None:
    """requires_action until somebody types in what arrived."""
    if not bank_accounts.behaviour(method).reachable:
        fail(tx, intent, method, "payment_method_microdeposit_failed", "Microdeposits to this account failed.")
        return
    arrival = (tx.now // DAY + 1) * DAY
    asked = {
        "arrival_date": arrival,
        "hosted_verification_url": tx.page(f"/verify/{intent['id']}"),
        "microdeposit_type": "descriptor_code",
    }
    intent.update(
        status="requires_action",
        payment_method=method["id"],
        next_action={"type": "verify_with_microdeposits", "verify_with_microdeposits": asked},
    )
    tx.put(intent)
    tx.emit(f"{intent['object']}.requires_action", intent)
    tx.later(tx.now + DAYS_TO_ANSWER * DAY, "microdeposits_time_out", intent=intent["id"])


@route("POST", "/v1/payment_intents/{id}/verify_microdeposits")
def verify_payment(tx: Tx, id: str) -> Obj:  # noqa: A002
    return _verify_over_api(tx, id)


@route("POST", "/v1/setup_intents/{id}/verify_microdeposits")
def verify_setup(tx: Tx, id: str) -> Obj:  # noqa: A002
    return _verify_over_api(tx, id)


def verify(tx: Tx, intent_id: str, said: str) -> Obj:
    """`said` is a code, or two amounts as `32,45`."""
    intent = tx.require(intent_kind(intent_id), intent_id)
    if (intent["next_action"] or {}).get("type") != "verify_with_microdeposits":
        raise StripeError(
            f"This {_called(intent)} does not wait for a verification with microdeposits.",
            code=f"{intent['object']}_unexpected_state",
        )
    method = tx.require("payment_method", intent["payment_method"])
    if said in TOO_OFTEN:
        fail(
            tx,
            intent,
            method,
            "payment_method_microdeposit_verification_attempts_exceeded",
            "You have exceeded the number of allowed verification attempts.",
        )
    elif said in TOO_LATE:
        _time_out(tx, intent, method)
    elif said not in RIGHT:
        word = "amounts" if "," in said else "descriptor_code"
        raise StripeError(
            f"The {word.replace('_', ' ')} you provided does not match what was sent to the bank account.",
            code=f"payment_method_microdeposit_verification_{word}_mismatch",
        )
    else:
        trust(tx, method)
        _go_on(tx, intent, method)
    return intent


@timer("microdeposits_time_out")
def microdeposits_time_out(tx: Tx, intent: str) -> None:
    found = tx.require(intent_kind(intent), intent)
    if (found["next_action"] or {}).get("type") == "verify_with_microdeposits":
        _time_out(tx, found, tx.require("payment_method", found["payment_method"]))


def fail(tx: Tx, intent: Obj, method: Obj, code: str, message: str) -> None:
    from app.sandbox.resources import attempts, setup_attempts  # they call us

    error = {
        "code": code,
        "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}",
        "message": message,
        "payment_method": method,
        "type": "invalid_request_error",
    }
    if intent["object"] == "setup_intent":
        setup_attempts.fail(tx, intent, method, error)
    else:
        attempts.fail(tx, intent, error, charge=None)


def _go_on(tx: Tx, intent: Obj, method: Obj) -> None:
    from app.sandbox.resources import debits, outcomes, setup_attempts

    intent["next_action"] = None
    if intent["object"] == "setup_intent":
        setup_attempts.succeed(tx, intent, method, None)
    else:
        kept = tx.find("mandate", payment_method=method["id"], limit=1)
        debits.start(tx, intent, method, kept[0]["id"] if kept else None)
    outcomes.tell(tx, intent)


def _time_out(tx: Tx, intent: Obj, method: Obj) -> None:
    code = "payment_method_microdeposit_verification_timeout"
    fail(tx, intent, method, code, "Microdeposit verification timed out.")


def _verify_over_api(tx: Tx, intent_id: str) -> Obj:
    allow(tx.params, "amounts", "descriptor_code", "client_secret")
    amounts = [str(one) for one in list_of(tx.params, "amounts")]
    code = text(tx.params, "descriptor_code")
    if bool(amounts) == bool(code):
        raise invalid("You must provide exactly one of amounts or descriptor_code.")
    return verify(tx, intent_id, code or ",".join(amounts))


def _called(intent: Obj) -> str:
    return "SetupIntent" if intent["object"] == "setup_intent" else "PaymentIntent"
