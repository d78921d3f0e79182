"""The customers: a list that finds people by anything, and one page with all that belongs to one of them."""

from collections.abc import Sequence
from typing import ClassVar

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from app.customers import figures, queries
from app.mirror import raw
from app.models.customer import Customer
from app.remarks import queries as remarks
from app.remarks.queries import tag_filter
from app.web import columns
from app.web.admin import expose, may
from app.web.columns import personal
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, one_of
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import called, visible
from app.web.permissions import Permission


class CustomersView(ListView[Customer, Customer]):
    """/admin/customers"""

    permission = Permission.CUSTOMER_READ
    endpoint = "customers"
    title = "Customers"
    group = "People"
    icon = "users"
    menu_keys = "g c"
    model = Customer
    noun = ("customer", "customers")
    lead = "Everybody who has paid, or might."
    search_hint = "E-mail, name, last 4 digits, any id"
    order = "created"
    ids_lead_on = True
    empty_title = "No customers yet"
    empty_text = "They appear here with the first webhook or sync."
    filters: ClassVar[Sequence[Filter]] = (
        TextFilter(name="country", label="Country", match=lambda text: Customer.country == text.upper()),
        TextFilter(name="currency", label="Currency", match=lambda text: Customer.currency == text.lower()),
        ChoiceFilter(
            name="state",
            label="State",
            options=[("kept", "Active"), ("delinquent", "Behind with a payment"), ("deleted", "Deleted in Stripe")],
            match=one_of(
                {
                    "kept": Customer.deleted_at.is_(None),
                    "delinquent": Customer.delinquent.is_(True),
                    "deleted": Customer.deleted_at.is_not(None),
                }
            ),
        ),
        DateFilter(name="created", label="Day (UTC)", column=Customer.created_at),
        tag_filter(Customer),
    )
    columns = (
        columns.text("name", "Customer", called, priority=1),
        columns.email("email", "E-mail", lambda customer: customer.email),
        columns.text("country", "Country", lambda customer: customer.country, priority=3),
        columns.instant("created", "Since", lambda customer: customer.created_at, sort=Customer.created_at, priority=1),
        columns.code("id", "Id", lambda customer: customer.id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return queries.matching(text)

    def line_url(self, line: Customer) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """Everything about one customer, in at most twelve queries."""
        customer = find(Customer, key, what="customer")
        sees_persons = may(Permission.PERSONAL_READ)
        return self.render(
            "customers/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            customer=customer,
            title=called(customer),
            email=personal(customer.email),
            phone=customer.phone if sees_persons else None,
            description=visible(customer.description),
            labels=visible(customer.labels),
            worth=figures.worth(queries.movements(customer)),
            payments=queries.payments(customer),
            methods=queries.methods(customer),
            refunds=queries.refunds(customer),
            disputes=queries.disputes(customer),
            mandates=queries.mandates(customer),
            subscriptions=queries.subscriptions(customer),
            remarks=remarks.about(customer),
            may_note=may(Permission.NOTE_WRITE),
            raw=raw.unpack(customer.raw) if sees_persons else None,
        )
