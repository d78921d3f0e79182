"""The customers: a list that finds people by anything, and one page with all that belongs to one of them."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement

from app.customers import agreed, duplicates, figures, handing_out, operations, persons, places, queries, timeline
from app.customers.unmask_pages import UnmaskPages
from app.errors import BadRequest, DomainError, ReasonMissing, Unknown
from app.mirror import raw
from app.models.customer import Customer
from app.remarks import queries as remarks
from app.remarks.queries import tag_filter
from app.web import columns, in_sql, people_in_sql, proof, witness
from app.web.admin import expose, may, sees
from app.web.columns import personal
from app.web.export import csv_answer, file_answer
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, one_of
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import called, visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

NEWEST_HAPPENINGS = 12


class CustomersView(UnmaskPages, ListView[Customer, Customer]):
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
        columns.text("name", "Customer", called, priority=1, written=(people_in_sql.called(Customer),)),
        columns.email("email", "E-mail", lambda customer: customer.email, written=(in_sql.words(Customer.email),)),
        columns.text(
            "country",
            "Country",
            lambda customer: customer.country,
            priority=3,
            written=(in_sql.words(Customer.country),),
        ),
        columns.instant(
            "created",
            "Since",
            lambda customer: customer.created_at,
            sort=Customer.created_at,
            priority=1,
            written=(in_sql.instant(Customer.created_at),),
        ),
        columns.code("id", "Id", lambda customer: customer.id, priority=3, written=(in_sql.words(Customer.id),)),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return queries.matching(text)

    def line_url(self, line: Customer) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """Everything about one person, in at most twelve queries. Who opens it is put on record."""
        person = persons.person(key)
        customer, sees_persons = person.customer, sees(person.customer.id)
        witness.saw("personal.read" if sees_persons else "personal.opened", "customer", customer.id)
        methods, mandates, stops = queries.ways_to_pay(person)
        return self.render(
            "customers/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            person=person,
            customer=customer,
            title=called(customer, here=True),
            called=called,
            email=personal(customer.email, of=customer.id),
            phone=customer.phone if sees_persons else None,
            description=visible(customer.description, of=customer.id),
            labels=visible(customer.labels, of=customer.id),
            worth=figures.worth(queries.movements(person)),
            definition=figures.DEFINITION,
            payments=queries.payments(person),
            methods=methods,
            mandates=mandates,
            stops=stops,
            may_manage_methods=may(Permission.METHOD_MANAGE),
            refunds=queries.refunds(person),
            disputes=queries.disputes(person),
            subscriptions=queries.subscriptions(person),
            invoices=queries.invoices(person),
            remarks=remarks.about(customer, of=customer.id),
            timeline=timeline.page(person.ids, person.account_id, size=NEWEST_HAPPENINGS, here=True),
            may_note=may(Permission.NOTE_WRITE),
            may_link=may(Permission.CUSTOMER_LINK),
            may_hand_out=may(Permission.CUSTOMER_EXPORT),
            may_erase=may(Permission.CUSTOMER_ERASE),
            raw=raw.unpack(customer.raw) if sees_persons else None,
        )

    @expose("/<key>/timeline")
    def timeline(self, key: str) -> ResponseReturnValue:
        """All that happened, newest first, a page at a time."""
        person = persons.person(key)
        kind, kinds = _kinds(request.args.get("kind", ""))
        after = places.line_after(request.args.get("after", ""))
        lines = timeline.page(
            person.ids, person.account_id, kinds=kinds, after=after, size=timeline.PAGE + 1, here=True
        )
        more = lines[timeline.PAGE - 1] if len(lines) > timeline.PAGE else None
        return self.render(
            "customers/timeline.html",
            breadcrumbs=[
                (self.title, url_for(".index_view")),
                (called(person.customer, here=True), url_for(".details", key=key)),
            ],
            customer=person.customer,
            title=called(person.customer, here=True),
            lines=lines[: timeline.PAGE],
            kind=kind,
            kinds=timeline.KINDS,
            first_url=url_for(".timeline", key=key, kind=kind or None) if after else None,
            next_url=url_for(".timeline", key=key, kind=kind or None, after=places.of_line(more)) if more else None,
            export_url=url_for(".timeline_csv", key=key, kind=kind or None) if may(Permission.EXPORT) else None,
        )

    @expose("/<key>/timeline.csv")
    @needs(Permission.EXPORT)
    def timeline_csv(self, key: str) -> ResponseReturnValue:
        """The same rows as a file."""
        person = persons.person(key)
        kind, kinds = _kinds(request.args.get("kind", ""))
        after = {"kind": kind} if kind else None
        witness.saw("timeline.exported", "customer", person.customer.id, after=after)
        heading = ["When (UTC)", "Kind", "What", "By", "Text", "About", "Id"]
        batches = (
            [[line.at, line.kind, line.title, line.actor, line.text, line.source, line.key] for line in lines]
            for lines in timeline.every(person.ids, person.account_id, kinds=kinds, size=500)
        )
        return csv_answer(f"timeline-{person.customer.id}", heading, batches)

    @expose("/<key>/link", methods=("POST",))
    @needs(Permission.CUSTOMER_LINK)
    def link(self, key: str) -> ResponseReturnValue:
        """These two are one person."""
        return self._pair(key, operations.link, "They count as one person now. Stripe knows nothing of it.")

    @expose("/<key>/part", methods=("POST",))
    @needs(Permission.CUSTOMER_LINK)
    def part(self, key: str) -> ResponseReturnValue:
        """They are not."""
        return self._pair(key, operations.part, "Each is a person of its own again.")

    @expose("/<key>/hand-out", methods=("POST",))
    @needs(Permission.CUSTOMER_EXPORT)
    def hand_out(self, key: str) -> ResponseReturnValue:
        """Everything that is kept of this customer, as one file."""
        customer = find(Customer, key, what="customer")
        if ask := proof.missing(url_for(".details", key=key)):
            return ask
        if agreed.is_needed() and not agreed.is_agreed(customer, current_person_id=current_user.id):
            return self._ask_to_hand_out(customer)
        pieces = handing_out.hand_out(customer, actor=current_actor())
        return file_answer(f"{customer.id}.zip", pieces, mimetype="application/zip")

    def _ask_to_hand_out(self, customer: Customer) -> ResponseReturnValue:
        """Others have to agree first."""
        try:
            approval = agreed.ask_for(customer, reason=request.form.get("reason", ""), actor=current_actor())
        except ReasonMissing:
            return self._reason_page(customer)
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(url_for(".details", key=customer.id), 303)
        return redirect(url_for("approvals.details", key=approval.id), 303)

    def _reason_page(self, customer: Customer) -> ResponseReturnValue:
        """Who has to agree wants to know why."""
        return self.render(
            "customers/hand_out.html",
            breadcrumbs=[
                (self.title, url_for(".index_view")),
                (called(customer), url_for(".details", key=customer.id)),
            ],
            customer=customer,
            title=called(customer),
        )

    def _pair(self, key: str, act: Callable[..., None], done: str) -> ResponseReturnValue:
        customer, other = find(Customer, key, what="customer"), request.form.get("other", "").strip()
        back = url_for(".duplicates") if request.form.get("back") == "duplicates" else url_for(".details", key=key)
        try:
            act(customer.id, other, account_id=customer.account_id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(done, "success")
        return redirect(back, 303)

    @expose("/duplicates")
    def duplicates(self) -> ResponseReturnValue:
        """Customers who look like one person, in pairs."""
        by: duplicates.By = "card" if request.args.get("by") == "card" else "email"
        after = places.pair_after(request.args.get("after", ""))
        pairs = duplicates.pairs(by, after=after)
        more = pairs[duplicates.PAGE - 1] if len(pairs) > duplicates.PAGE else None
        return self.render(
            "customers/duplicates.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            pairs=pairs[: duplicates.PAGE],
            by=by,
            called=called,
            personal=personal,
            first_url=url_for(".duplicates", by=by) if after else None,
            next_url=url_for(".duplicates", by=by, after=places.sign([more.key, more.second.id])) if more else None,
            may_link=may(Permission.CUSTOMER_LINK),
        )

    @expose("/instruments/<fingerprint>")
    def instrument(self, fingerprint: str) -> ResponseReturnValue:
        """Everybody who pays with one card or account."""
        owners = duplicates.owners_of(fingerprint)
        if not owners:
            raise Unknown("Nobody here has paid with this.")
        return self.render(
            "customers/instrument.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            fingerprint=fingerprint,
            owners=owners,
            called=called,
            personal=personal,
            at_most=duplicates.MOST_OWNERS,
        )


def _kinds(asked: str) -> tuple[str, Sequence[str]]:
    if asked and asked not in timeline.KINDS:
        raise BadRequest("The timeline has no such kind.")
    return asked, [asked] if asked else timeline.USUAL
