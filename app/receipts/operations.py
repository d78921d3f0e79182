"""Sending a receipt: the letter, the paper and the line in the trail are one promise."""

from uuid import UUID

from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.mail import letters, outbox
from app.mail.outbox import Attachment
from app.models.charge import Charge
from app.models.mail import Mail
from app.papers import printing
from app.receipts import sheets

KIND = "receipt.copy"


def send_receipt(charge_id: str, *, to: str, promise_id: UUID, actor: Actor) -> UUID:
    """Mail the receipt of a payment as a PDF; the id of the mail. The same form sent twice is one mail.

    Raises:
        NoReceipt: nothing was taken. BadAddress: `to` is not one e-mail address.
    """
    with transaction():
        charge = db.session.get_one(Charge, charge_id, populate_existing=True)
        sheet = sheets.of(charge)
        printed = printing.print_sheet(sheet)
        letter = letters.write(
            KIND,
            seller=sheet.sender[0],
            amount=printing.words(charge.taken),
            facts=sheet.facts,
            description=charge.description or "",
        )
        known = (
            db.session.query(Mail.id)
            .filter_by(account_id=charge.account_id, dedup_key=f"receipt:{promise_id}")
            .scalar()
        )
        mail_id = outbox.post(
            letter,
            to=to,
            account_id=charge.account_id,
            by=actor.name,
            dedup=f"receipt:{promise_id}",
            about=("charge", charge.id),
            customer_id=charge.customer_id,
            attachments=[Attachment(file_name(charge), "application/pdf", printed.content)],
        )
        if known is None:
            trail.record(
                actor,
                "receipt.sent",
                "charge",
                charge.id,
                account_id=charge.account_id,
                after={"mail": mail_id, "total": charge.taken},
            )
    return mail_id


def print_receipt(charge: Charge) -> tuple[str, bytes] | None:
    """The paper with its name, for whoever needs it; None when nothing was taken."""
    if sheets.obstacle(charge):
        return None
    return file_name(charge), printing.print_sheet(sheets.of(charge)).content


def file_name(charge: Charge) -> str:
    """As it lies in the customer's folder."""
    return f"receipt-{charge.id}.pdf"
