"""A payment's state as an agent says it to a customer."""

from app.models.act import Act
from app.models.payment_intent import PaymentIntent

# Stripe's four reasons for canceling, and those it gives itself.
REASON_WORDS = {
    "requested_by_customer": "The customer asked for it",
    "duplicate": "Paid or ordered twice",
    "abandoned": "The customer never finished",
    "fraudulent": "Fraud",
}
_THEIR_REASONS = {
    "automatic": "Nobody captured it in time, so Stripe let it go.",
    "expired": "It was open for too long, so Stripe ended it.",
    "failed_invoice": "Its invoice could not be paid.",
    "void_invoice": "Its invoice was declared void.",
}

# status → (tone, what it means, what helps)
_STANDS = {
    "requires_payment_method": (
        "calm",
        "No money has moved.",
        "The customer has to choose a way to pay, or try another.",
    ),
    "requires_confirmation": ("calm", "No money has moved.", "The shop has to confirm the payment."),
    "requires_action": (
        "wait",
        "The customer has to act.",
        "Their bank asks them to confirm; send them the link again.",
    ),
    "processing": ("wait", "The bank is working on it.", "A debit takes some days; nothing has to be done."),
    "requires_capture": ("note", "The money is held, not taken.", "Capture it before the hold ends, or let it go."),
}


def stands(intent: PaymentIntent) -> tuple[str, str, str] | None:
    """(tone, title, text) of how it stands; None where the status says it all."""
    if intent.status == "canceled":
        why = REASON_WORDS.get(intent.cancellation_reason or "") or _THEIR_REASONS.get(intent.cancellation_reason or "")
        return ("calm", "Canceled.", why or "No reason was given.")
    return _STANDS.get(intent.status)


def of_act(act: Act | None) -> tuple[str, str, str] | None:
    """(tone, title, text) of the newest act, as long as somebody wants to know of it."""
    if act is None:
        return None
    what = "Capture" if act.kind == "payment.capture" else "Cancellation"
    match act.state:
        case "requested":
            return ("wait", f"{what} being sent.", "Stripe has been asked and has not answered yet.")
        case "being_checked":
            return (
                "wait",
                f"{what} being checked.",
                "No certain answer came; it is looked up before it is asked again.",
            )
        case "needs_person":
            return ("bad", f"{what} needs a person.", act.refusal or "")
        case "refused":
            return ("bad", f"Stripe refused the {what.lower()}.", f"{act.refusal or ''} Nothing was changed.")
    return None
