"""What the words of Stripe about a refund mean, and what to do next."""

from app.models.refund import Refund

# refund.failure_reason, as Stripe's SDK lists it.
FAILURES = {
    "charge_for_pending_refund_disputed": "The customer disputed the payment while the refund was on its way. Answer the dispute.",
    "declined": "The customer's bank declined it. Give the money back in another way, for example by bank transfer.",
    "expired_or_canceled_card": "The card has expired or was canceled. Give the money back in another way.",
    "insufficient_funds": "The Stripe balance was too low. Top it up, then start a new refund.",
    "lost_or_stolen_card": "The card was reported lost or stolen. Give the money back in another way.",
    "merchant_request": "It was stopped at the shop's own request.",
    "unknown": "The bank gave no reason. Ask the customer how to give the money back.",
}
PENDING = {
    "charge_pending": "The payment itself has not settled yet; the refund follows it.",
    "insufficient_funds": "The Stripe balance is too low. It goes out once there is money, or after a top-up.",
    "processing": "The bank is working on it.",
}
STATES = {
    "requested": "It is on its way to Stripe. The answer usually takes a few seconds.",
    "being_checked": "Stripe has not answered for certain, so it is being looked up there. Do not start another one: "
    "this page changes by itself as soon as it is known.",
    "pending": "Stripe has it.",
    "requires_action": "The customer has to say where the money should go. Stripe has sent an e-mail.",
    "released": "It was only held on the card and never taken; the bank lets it go. No money has moved.",
    "succeeded": "The money is on its way. On a card it shows after 5 to 10 working days.",
    "failed": "The money did not arrive, and is back on the Stripe balance.",
    "canceled": "It was stopped before it went out. The amount can be refunded again.",
    "refused": "Stripe refused it. No money has moved, and the amount can be refunded again.",
}


def next_step(refund: Refund) -> str:
    """One or two sentences: what is happening, and what an agent can do."""
    if refund.needs_person or refund.status == "refused":
        return refund.refusal or STATES["refused"]
    more = {
        "failed": FAILURES.get(refund.failure_reason or "unknown"),
        "pending": PENDING.get(refund.pending_reason or "processing"),
    }
    known = STATES.get(refund.state, "Stripe has not explained this state yet.")
    return " ".join(filter(None, (known, more.get(refund.status))))


def tone(refund: Refund) -> str:
    """good, wait, bad or calm, as the notice on the page has it."""
    if refund.needs_person:
        return "bad"
    tones = {"released": "calm", "succeeded": "good", "failed": "bad", "refused": "bad", "canceled": "calm"}
    return tones.get(refund.state, "wait")
