"""Erasing a person: what it means and what is in the way, how far it is, and what was erased before."""

from collections.abc import Sequence
from io import BytesIO
from typing import ClassVar
from uuid import UUID, uuid4

from flask import make_response, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, select

from app.audit import trail
from app.audit.sentences import sentence
from app.customers import persons
from app.customers.belongings import ids_of
from app.customers.erasing import agreed, certificate, obstacles, operations, running
from app.database import db
from app.errors import BadRequest, Conflict, DomainError
from app.models.customer import Customer
from app.models.erasure import DONE, ErasedObject, Erasure, ErasureStep
from app.papers import printing
from app.web import columns, proof, witness
from app.web.admin import expose
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.guard import unattended
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import called
from app.web.permissions import Permission
from app.web.sessions import current_actor

_STATES = (("running", "Under way"), ("done", "Erased"))


class ErasuresView(ListView[Erasure, Erasure]):
    """/admin/erasures"""

    permission = Permission.CUSTOMER_ERASE
    endpoint = "erasures"
    title = "Erasures"
    lead = "Persons who were taken out. The ledger stays."
    group = "People"
    icon = "trash"
    model = Erasure
    noun = ("erasure", "erasures")
    order = "begun"
    search_hint = "Customer id"
    empty_title = "Nobody was erased yet"
    empty_text = "A person is erased from their own page."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="state", label="State", options=_STATES, match=equals(Erasure.state)),
        TextFilter(name="by", label="Asked for by", match=lambda text: Erasure.asked_by == text.lower()),
        DateFilter(name="begun", label="Day (UTC)", column=Erasure.begun_at),
    )
    columns = (
        columns.code("customer", "Customer", lambda row: row.customer_id, priority=1),
        columns.status("state", "State", "erasure", lambda row: row.state),
        columns.text("by", "Asked for by", lambda row: row.asked_by, priority=2),
        columns.text("reason", "Why", lambda row: row.reason, priority=3),
        columns.instant("begun", "Begun", lambda row: row.begun_at, sort=Erasure.begun_at, priority=1),
        columns.instant("done", "Done", lambda row: row.done_at, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return Erasure.customer_id == text

    def line_url(self, line: Erasure) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/of/<customer_id>")
    def form(self, customer_id: str) -> ResponseReturnValue:
        """What erasing this person means, before anybody asks for it."""
        begun = dict(proof.unfinished()) if "again" in request.args else {}
        return self._form_page(find(Customer, customer_id, what="customer"), begun)

    @expose("/of/<customer_id>", methods=("POST",))
    def ask(self, customer_id: str) -> ResponseReturnValue:
        """Ask for it, or begin where no second person is needed."""
        customer = find(Customer, customer_id, what="customer")
        sent = {name: request.form.get(name, "") for name in ("typed", "reason", "force", "force_reason", "promise")}
        key, account_id, forced = customer.id, customer.account_id, sent["force"] == "yes"
        try:
            reason, erasure_id = operations.in_words(sent["reason"]), _uuid(sent["promise"])
            operations.check(
                key, account_id=account_id, typed=sent["typed"], forced=forced, forced_because=sent["force_reason"]
            )
            db.session.rollback()
            back = url_for(".form", customer_id=key, again="yes")
            if ask := proof.missing(back, typed=sent):
                return ask
            because = operations.in_words(sent["force_reason"]) if forced else None
            told = {"reason": reason, "forced_because": because, "actor": current_actor()}
            if agreed.is_needed():
                approval = agreed.ask_for(customer, erasure_id=erasure_id, **told)  # type: ignore[arg-type]
                return redirect(url_for("approvals.details", key=approval.id), 303)
            operations.begin(erasure_id, key, account_id=account_id, **told)  # type: ignore[arg-type]
        except DomainError as refusal:
            return self._form_page(
                find(Customer, key, what="customer"), sent, error=str(refusal), status=refusal.status
            )
        return redirect(url_for(".details", key=erasure_id), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """How far it is, and what was changed where."""
        erasure = find(Erasure, key, what="erasure")
        counted = running.counts(erasure.id)
        kept_out = select(func.count()).where(ErasedObject.erasure_id == erasure.id)
        return self.render(
            "customers/erasing/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            erasure=erasure,
            lines=[(certificate.named(table), number) for table, number in counted.items()],
            ids=db.session.scalar(kept_out),
            steps=_steps(erasure.id),
            timeline=_timeline(erasure),
        )

    @expose("/<key>/state")
    @unattended
    def state(self, key: str) -> ResponseReturnValue:
        """What the page of an erasure under way asks every few seconds."""
        erasure = find(Erasure, key, what="erasure")
        return {"state": f"{erasure.state} {_steps(erasure.id)}"}

    @expose("/<key>/certificate.pdf")
    def paper(self, key: str) -> ResponseReturnValue:
        """The paper for whoever asked to be forgotten, and for the file."""
        erasure = find(Erasure, key, what="erasure")
        if erasure.state != DONE:
            raise Conflict("It is not done yet. The paper is written when it is.")
        printed = printing.print_sheet(certificate.of(erasure))
        name = f"erasure-{str(erasure.id)[:8]}.pdf"
        witness.saw("file.taken", "erasure", str(erasure.id), after={"file": name})
        return send_file(BytesIO(printed.content), "application/pdf", as_attachment=True, download_name=name)

    def _form_page(
        self, customer: Customer, sent: dict[str, str], *, error: str = "", status: int = 200
    ) -> ResponseReturnValue:
        person = persons.person(customer.id)
        page = self.render(
            "customers/erasing/form.html",
            breadcrumbs=[
                ("Customers", url_for("customers.index_view")),
                (called(customer), url_for("customers.details", key=customer.id)),
            ],
            customer=customer,
            person=person,
            called=called,
            number=len(ids_of(customer.id, customer.account_id)),
            obstacles=obstacles.of(customer.id, customer.account_id),
            needs_another=agreed.is_needed(),
            waiting=agreed.waiting_for(customer.id),
            sent=sent,
            error=error,
            promise=sent.get("promise") or uuid4(),
        )
        return make_response(page, status)


def _steps(erasure_id: UUID) -> int:
    """How many steps are behind it."""
    done = select(func.count()).where(ErasureStep.erasure_id == erasure_id, ErasureStep.done_at.is_not(None))
    return db.session.scalar(done) or 0


def _timeline(erasure: Erasure) -> list[dict[str, object]]:
    entries = trail.of_any([("customer", erasure.customer_id), ("erasure", str(erasure.id))])
    return [
        {"at": act.at, "title": sentence(act), "text": act.reason, "icon": "trash", "tone": "note"}
        for act in entries
        if (act.after or {}).get("erasure") == str(erasure.id)
    ]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise BadRequest("This form is damaged. Open it again and start anew.") from error
