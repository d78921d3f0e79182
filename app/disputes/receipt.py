"""The receipt of the disputed payment, printed by us: one click puts it into the evidence."""

from collections.abc import Callable

from app.actor import Actor
from app.database import db
from app.disputes import files
from app.errors import Unknown
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeFile

FIELD = "receipt"
# Name and bytes of the PDF; None where nothing was taken. Receipts are another room: the factory hands this over.
PrintReceipt = Callable[[Charge], tuple[str, bytes] | None]


def offered(dispute: Dispute, charge: Charge | None) -> bool:
    """Whether there is a receipt to offer: nothing stands in its field yet."""
    is_taken = charge is not None and charge.status == "succeeded" and bool(charge.amount_captured)
    return is_taken and not (dispute.evidence or {}).get(FIELD) and FIELD not in files.of(dispute.id)


def attach(dispute: Dispute, printed: PrintReceipt, *, actor: Actor) -> DisputeFile:
    """Print it and add it like a file that somebody chose, by the same rules.

    Raises:
        Unknown: there is no receipt of this payment. EvidenceTooLarge: it does not fit beside the other files.
        Conflict, DisputeClosed: no evidence is taken any more.
    """
    charge = db.session.get(Charge, dispute.charge_id) if dispute.charge_id else None
    paper = printed(charge) if charge else None
    if paper is None:
        raise Unknown("There is no receipt of this payment.")
    return files.attach(dispute.id, FIELD, paper[1], paper[0], actor=actor)
