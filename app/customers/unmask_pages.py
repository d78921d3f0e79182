"""Where somebody whose role masks persons says why they have to see one in full."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.customers import unmasking
from app.errors import DomainError
from app.models.customer import Customer
from app.web.admin import expose
from app.web.lookup import find
from app.web.people import called
from app.web.permissions import Permission, needs
from app.web.redirects import safe_path
from app.web.sessions import current_actor


class UnmaskPages:
    """Part of /admin/customers."""

    render: Callable[..., str]
    title: ClassVar[str]

    @expose("/<key>/unmask", methods=("GET",))
    @needs(Permission.PERSONAL_UNMASK)
    def unmask_form(self, key: str) -> ResponseReturnValue:
        """Why this person has to be seen in full."""
        return self._unmask_page(find(Customer, key, what="customer"), request.args)

    @expose("/<key>/unmask", methods=("POST",))
    @needs(Permission.PERSONAL_UNMASK)
    def unmask(self, key: str) -> ResponseReturnValue:
        """Show this person in full for ten minutes."""
        customer = find(Customer, key, what="customer")
        try:
            unmasking.show(
                customer.id,
                account_id=customer.account_id,
                session_id=current_user.session_id,
                reason=request.form.get("reason", ""),
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._unmask_page(customer, request.form, error=str(refusal)), refusal.status
        return redirect(self._after(customer), 303)

    @expose("/<key>/mask", methods=("POST",))
    @needs(Permission.PERSONAL_UNMASK)
    def mask(self, key: str) -> ResponseReturnValue:
        """Hide this person again before the time is up."""
        customer = find(Customer, key, what="customer")
        unmasking.hide(
            customer.id,
            account_id=customer.account_id,
            session_id=current_user.session_id,
            actor=current_actor(),
        )
        return redirect(self._after(customer), 303)

    def _unmask_page(self, customer: Customer, asked: Mapping[str, str], *, error: str = "") -> str:
        return self.render(
            "customers/unmask.html",
            breadcrumbs=[
                (self.title, url_for(".index_view")),
                (called(customer), url_for(".details", key=customer.id)),
            ],
            customer=customer,
            called=called(customer),
            reason=asked.get("reason", "")[: unmasking.LONGEST],
            longest=unmasking.LONGEST,
            back=safe_path(asked.get("back")) or url_for(".details", key=customer.id),
            error=error,
        )

    def _after(self, customer: Customer) -> str:
        """Back to the page where it was asked for."""
        return safe_path(request.form.get("back")) or url_for(".details", key=customer.id)
