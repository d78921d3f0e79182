"""Mandates: what customers allowed to be debited, under which name, and what was debited under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from app.audit import trail
from app.audit.sentences import sentence
from app.errors import DomainError
from app.gateways.current import gateway
from app.methods import operations, queries, words
from app.mirror import erased, raw
from app.mirror.fields import part
from app.models import debits
from app.models.mandate import Mandate
from app.settings import Settings
from app.web import columns, history
from app.web.admin import expose, may
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import Payer, called
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

_STATUSES = [("active", "Active"), ("pending", "Pending"), ("inactive", "Inactive")]
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Line:
    """A mandate with its customer, if that is known."""

    mandate: Mandate
    customer: Payer | None

    @property
    def title(self) -> str:
        """What the bank calls it; where it has no name, ours."""
        return self.mandate.reference or self.mandate.id


class MandatesView(ListView[Mandate, Line]):
    """/admin/mandates"""

    permission = Permission.CUSTOMER_READ
    endpoint = "mandates"
    title = "Mandates"
    group = "People"
    icon = "signature"
    model = Mandate
    noun = ("mandate", "mandates")
    lead = "What customers allowed to be debited. Stripe has no list of them: these are the ones that payments and set-ups named."
    search_hint = "Reference, e-mail, name, mandate id"
    order = "accepted"
    ids_lead_on = True
    empty_title = "No mandates yet"
    empty_text = "They appear here once a payment by debit, or a set-up of one, was seen."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="status", label="Status", options=_STATUSES, match=equals(Mandate.status)),
        ChoiceFilter(
            name="method",
            label="Method",
            options=[(name, label) for name, label in words.TYPES.items() if name not in {"paypal", "link"}],
            match=equals(Mandate.payment_method_type),
        ),
        ChoiceFilter(
            name="type",
            label="Good for",
            options=[(name, label) for name, label in words.USES.items() if name],
            match=equals(Mandate.type),
        ),
        DateFilter(name="accepted", label="Accepted (UTC)", column=Mandate.accepted_at),
        TextFilter(name="customer", label="Customer id", match=equals(Mandate.customer_id)),
    )
    columns = (
        columns.text("reference", "Reference", lambda line: line.title, priority=1),
        columns.status("status", "Status", "mandate", lambda line: line.mandate.status),
        columns.text("method", "Method", lambda line: words.method_type(line.mandate.payment_method_type)),
        columns.text("type", "Good for", lambda line: words.uses(line.mandate.type), priority=3),
        columns.text("customer", "Customer", lambda line: called(line.customer) if line.customer else None, priority=1),
        columns.instant(
            "accepted", "Accepted", lambda line: line.mandate.accepted_at, sort=Mandate.accepted_at, priority=1
        ),
        columns.code("id", "Mandate", lambda line: line.mandate.id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return queries.mandates_matching(text)

    def lines(self, rows: Sequence[Mandate]) -> Sequence[Line]:
        customers = queries.payers([mandate.customer_id for mandate in rows])
        return [Line(mandate, customers.get(mandate.customer_id or "")) for mandate in rows]

    def line_url(self, line: Line) -> str | None:
        return url_for(".details", key=line.mandate.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """What was allowed, by whom and how, and what was taken because of it."""
        mandate = find(Mandate, key, what="mandate")
        settings: Settings = current_app.extensions["settings"]
        customer = queries.payers([mandate.customer_id]).get(mandate.customer_id or "")
        whole = raw.unpack(mandate.raw)
        return self.render(
            "mandates/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            mandate=mandate,
            line=Line(mandate, customer),
            called=called,
            method=queries.methods([mandate.payment_method_id]).get(mandate.payment_method_id or ""),
            method_type=words.method_type(mandate.payment_method_type),
            uses=words.uses(mandate.type),
            network=words.NETWORK.get(mandate.network_status or "", mandate.network_status),
            revoked=words.REVOKED.get(mandate.revocation_reason or "", mandate.revocation_reason),
            once=whole.get("single_use") if isinstance(whole.get("single_use"), dict) else None,
            accepted=_accepted(mandate),
            link=words.safe_link(mandate.url, trusted=settings.stripe_api_base),
            payments=queries.payments_under(mandate),
            stops=debits.stops_about(mandate.account_id, subjects=[("mandate", mandate.id)]),
            timeline=_timeline(mandate),
            may_sync=may(Permission.SYNC),
            raw=whole if may(Permission.PERSONAL_READ) else None,
            is_erased=erased.knows(mandate.id),
        )

    @expose("/<key>/read-again", methods=("POST",))
    @needs(Permission.SYNC)
    def read_again(self, key: str) -> ResponseReturnValue:
        """Ask Stripe how it stands."""
        mandate = find(Mandate, key, what="mandate")
        try:
            changed = operations.read_again("mandate", mandate.id, actor=current_actor(), gateway=gateway())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(
                "Read again: something had changed." if changed else "Read again: all was as it stood here.", "success"
            )
        return redirect(url_for(".details", key=key), 303)


def _accepted(mandate: Mandate) -> dict[str, Any]:
    """How the customer agreed: `type`, and for an agreement online `ip` and `agent`, as this person may see them."""
    told = mandate.acceptance or {}
    online = part(told, "online")
    sees = may(Permission.PERSONAL_READ)
    return {
        "type": {"online": "Online", "offline": "On paper or by telephone"}.get(mandate.acceptance_type or ""),
        "online": mandate.acceptance_type == "online",
        **{
            name: value if sees or not value else _HIDDEN
            for name, value in (("ip", online.get("ip_address")), ("agent", online.get("user_agent")))
        },
    }


def _timeline(mandate: Mandate) -> list[history.Entry]:
    acts = [
        {"at": act.at, "title": sentence(act), "text": act.reason, "icon": "user", "tone": "note"}
        for act in trail.of("mandate", mandate.id)
    ]
    return history.newest_first(acts, history.told([mandate.id]))
