"""A dispute in two sentences: what has happened, and what somebody can do."""

from datetime import datetime, timedelta
from typing import NamedTuple

from app import clock
from app.models.charge import Charge
from app.models.dispute import FINAL_METHODS, Dispute

_DEBITS = FINAL_METHODS | {"us_bank_account": "bank debits", "acss_debit": "bank debits"}


class Explained(NamedTuple):
    """tone: of the notice. what: in bold. next: what to do."""

    tone: str
    what: str
    next: str


_STATES: dict[str, Explained] = {
    "needs_response": Explained(
        "bad",
        "The customer’s bank took this money back.",
        "Send evidence before the deadline, once, or accept. Without an answer it is lost.",
    ),
    "under_review": Explained("wait", "The evidence is with the bank.", "It decides within about 75 days."),
    "won": Explained("good", "Won.", "The money is back on the balance; the fee for the dispute is not."),
    "lost": Explained("bad", "Lost.", "The money and the fee stay with the bank. A refund is not possible any more."),
    "warning_needs_response": Explained(
        "wait",
        "An inquiry: the bank asks, and no money has moved.",
        "Answer with evidence, or refund the whole payment: that closes it without a fee. Without an answer it may become a "
        "chargeback.",
    ),
    "warning_under_review": Explained("wait", "An inquiry: the answer is with the bank.", "No money has moved."),
    "warning_closed": Explained("calm", "The inquiry is closed.", "No money has moved, and there was no fee."),
    "prevented": Explained(
        "calm",
        "Settled early.",
        "The payment was given back before it became a chargeback (rapid resolution). It counts neither as won nor as lost.",
    ),
    "appeal_needs_response": Explained(
        "bad",
        "It was lost, but the network would look again.",
        "Write why before the deadline; this, too, is sent once.",
    ),
    "appeal_under_review": Explained("wait", "The appeal is with the network.", "Nothing can be added."),
}


def explained(dispute: Dispute, charge: Charge | None) -> Explained:
    """What this status means for this payment."""
    debit = _DEBITS.get(dispute.method_type or (charge.method_type if charge else None) or "")
    if debit and (dispute.is_final or (dispute.status == "lost" and dispute.due_at is None)):
        return Explained(
            "calm",
            f"Disputes of {debit} are final.",
            "The bank gives the money back without asking and takes no evidence, so there is no form to fill in. "
            "Settle it with the customer, and ask for another way to pay.",
        )
    if dispute.is_settled_early and not dispute.is_open:
        return _STATES["prevented"]
    if dispute.is_past_due:
        return Explained(
            "bad",
            "The deadline has passed.",
            "Nothing can be sent any more: without evidence in time the bank decides for the customer. What was written stays.",
        )
    if dispute.status == "needs_response" and dispute.due_at is None:
        return Explained("calm", "No response is possible.", "The bank takes no evidence for this dispute.")
    return _STATES.get(
        dispute.status,
        Explained(
            "calm",
            f"Stripe calls it “{dispute.status.replace('_', ' ')}”.",
            "This program does not know what that asks for; look into Stripe’s dashboard.",
        ),
    )


def urgency(due_at: datetime | None) -> str:
    """The tone of a deadline: bad within a day, wait within three."""
    left = due_at - clock.now() if due_at else timedelta.max
    return "bad" if left < timedelta(days=1) else "wait" if left < timedelta(days=3) else "calm"
