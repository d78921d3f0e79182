"""The receipt of one payment: the form that mails it, and the paper itself."""

from io import BytesIO
from uuid import UUID, uuid4

from flask import flash, make_response, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.database import db
from app.errors import BadRequest, DomainError
from app.models.charge import Charge
from app.models.mail import Mail
from app.papers import printing
from app.receipts import sheets
from app.receipts.operations import KIND, file_name, send_receipt
from app.web import witness
from app.web.admin import StaffView, expose
from app.web.lookup import find
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_SHOWN = 20


class ReceiptsView(StaffView):
    """/admin/receipts/<payment>: reached from the page of a payment."""

    permission = Permission.CHARGE_READ
    endpoint = "receipts"
    title = "Receipts"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """A receipt belongs to a payment: they are found there."""
        return redirect(url_for("charges.index_view"), 303)

    @expose("/<key>")
    @needs(Permission.RECEIPT_SEND)
    def form(self, key: str) -> ResponseReturnValue:
        """The form, filled with the address that is known."""
        charge = find(Charge, key, what="payment")
        return self._page(charge, to=sheets.address_of(charge), promise=str(uuid4()))

    @expose("/<key>", methods=("POST",))
    @needs(Permission.RECEIPT_SEND)
    def send(self, key: str) -> ResponseReturnValue:
        """Mail it."""
        charge = find(Charge, key, what="payment")
        to, promise = request.form.get("to", ""), request.form.get("promise", "")
        try:
            mail_id = send_receipt(charge.id, to=to, promise_id=_uuid(promise), actor=current_actor())
        except DomainError as refusal:
            return self._page(charge, to=to, promise=promise, error=str(refusal), status=refusal.status)
        flash("The receipt is on its way.", "success")
        return redirect(url_for("mails.details", key=mail_id), 303)

    @expose("/<key>/receipt.pdf")
    @needs(Permission.RECEIPT_SEND)
    def paper(self, key: str) -> ResponseReturnValue:
        """The paper as a download."""
        charge = find(Charge, key, what="payment")
        printed = printing.print_sheet(sheets.of(charge))
        witness.saw("file.taken", "charge", charge.id, after={"file": file_name(charge)})
        return send_file(
            BytesIO(printed.content), "application/pdf", as_attachment=True, download_name=file_name(charge)
        )

    def _page(
        self, charge: Charge, *, to: str, promise: str, error: str = "", status: int = 200
    ) -> ResponseReturnValue:
        page = self.render(
            "receipts/form.html",
            breadcrumbs=[
                ("Payments", url_for("charges.index_view")),
                (charge.id, url_for("charges.details", key=charge.id)),
            ],
            charge=charge,
            obstacle=sheets.obstacle(charge),
            to=to,
            promise=promise,
            error=error,
            sent=_sent(charge),
        )
        return make_response(page, status)


def _sent(charge: Charge) -> list[Mail]:
    """The receipts that were mailed, newest first."""
    of_charge = select(Mail).where(Mail.account_id == charge.account_id, Mail.about_id == charge.id, Mail.kind == KIND)
    return list(db.session.scalars(of_charge.order_by(Mail.queued_at.desc()).limit(_SHOWN)))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest("This form is damaged. Open the payment again and start anew.") from error
