"""Cards that end soon while subscriptions count on them, and the customers who were asked for new ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from flask import current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, Select

from app import clock
from app.errors import DomainError
from app.methods import asking, queries
from app.methods.asking import Told
from app.models.card_update_link import CardUpdateLink
from app.models.payment_method import PaymentMethod
from app.settings import Settings
from app.web import columns
from app.web.accounts import current_account_id
from app.web.admin import expose
from app.web.filters import DateFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import Payer, called
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


@dataclass(frozen=True, slots=True)
class Line:
    """A card with whose it is, and what is known about asking for another one."""

    method: PaymentMethod
    customer: Payer | None
    told: Told

    @property
    def title(self) -> str:
        return f"{(self.method.brand or 'Card').replace('_', ' ').capitalize()} •••• {self.method.last4 or '????'}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A letter with whose it was, and what came of it."""

    link: CardUpdateLink
    customer: Payer | None
    state: str


class ExpiringCardsView(ListView[PaymentMethod, Line]):
    """/admin/expiring_cards"""

    permission = Permission.CUSTOMER_READ
    endpoint = "expiring_cards"
    title = "Cards ending soon"
    group = "People"
    icon = "calendar"
    model = PaymentMethod
    noun = ("card", "cards")
    lead = "Good for less than 60 days, and Stripe charges a subscription to them. The soonest first."
    search_hint = "Last 4 digits, e-mail, name, customer id"
    order = "expires"
    newest_first = False
    template = "methods/expiring.html"
    empty_title = "No card ends soon"
    empty_text = "Cards that subscriptions are charged to appear here 60 days before they end."
    filters: ClassVar[Sequence[Filter]] = (
        TextFilter(name="brand", label="Brand", match=lambda text: PaymentMethod.brand == text.lower()),
        DateFilter(name="ends", label="Ends (UTC)", column=PaymentMethod.expires_at),
    )
    columns = (
        columns.text("card", "Card", lambda line: line.title, priority=1),
        columns.status("state", "Asked?", "card_update", lambda line: line.told.state),
        columns.text("customer", "Customer", lambda line: called(line.customer) if line.customer else None, priority=1),
        columns.instant(
            "expires", "Ends", lambda line: line.method.expires_at, sort=PaymentMethod.expires_at, priority=1
        ),
        columns.instant("asked", "Last asked", lambda line: line.told.at, priority=3),
        columns.text("by", "By", lambda line: line.told.by, priority=3),
    )

    def rows(self) -> Select[PaymentMethod]:
        return super().rows().where(asking.ending(clock.now()))

    def search(self, text: str) -> ColumnElement[bool]:
        return queries.methods_matching(text)

    def lines(self, rows: Sequence[PaymentMethod]) -> Sequence[Line]:
        customers = queries.payers([method.customer_id for method in rows])
        told = asking.told_about(rows, customers, clock.now())
        return [Line(method, customers.get(method.customer_id or ""), told[method.id]) for method in rows]

    def line_url(self, line: Line) -> str | None:
        return url_for("methods.details", key=line.method.id)

    @expose("/<key>/ask", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def ask(self, key: str) -> ResponseReturnValue:
        """Mail one customer a link to give a new card."""
        method = find(PaymentMethod, key, what="card")
        try:
            asking.ask(method.id, account_id=method.account_id, domain=_domain(), actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("The letter is on its way.", "success")
        return redirect(url_for("methods.details", key=method.id), 303)

    @expose("/ask-all", methods=("POST",))
    @needs(Permission.METHOD_MANAGE)
    def ask_all(self) -> ResponseReturnValue:
        """Mail everybody who can be asked."""
        written, left = asking.ask_all(account_id=current_account_id(), domain=_domain(), actor=current_actor())
        letters = "1 letter is" if written == 1 else f"{written} letters are"
        flash(
            f"{letters} on the way."
            + (f" {left} were left out: asked lately, without an address, or they want no letters." if left else ""),
            "success" if written else "warning",
        )
        return redirect(url_for(".index_view"), 303)


class CardLinksView(ListView[CardUpdateLink, Asked]):
    """/admin/card_links"""

    permission = Permission.CUSTOMER_READ
    endpoint = "card_links"
    title = "Asked for a new card"
    group = "People"
    icon = "mail"
    in_menu = False
    model = CardUpdateLink
    noun = ("letter", "letters")
    lead = "Each letter, and whether a new card came of it."
    search_hint = "Customer or payment method id"
    order = "asked"
    empty_title = "Nobody was asked yet"
    empty_text = "Letters about cards that end soon are listed here."
    filters: ClassVar[Sequence[Filter]] = (
        DateFilter(name="asked", label="Day (UTC)", column=CardUpdateLink.asked_at),
        TextFilter(name="customer", label="Customer id", match=equals(CardUpdateLink.customer_id)),
    )
    columns = (
        columns.text(
            "customer",
            "Customer",
            lambda line: called(line.customer) if line.customer else line.link.customer_id,
            priority=1,
        ),
        columns.status("state", "What came of it", "card_update", lambda line: line.state),
        columns.instant("asked", "Asked", lambda line: line.link.asked_at, sort=CardUpdateLink.asked_at, priority=1),
        columns.instant("opened", "Opened", lambda line: line.link.opened_at),
        columns.text("by", "By", lambda line: line.link.asked_by, priority=3),
        columns.code("card", "Card", lambda line: line.link.payment_method_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return (CardUpdateLink.customer_id == text) | (CardUpdateLink.payment_method_id == text)

    def lines(self, rows: Sequence[CardUpdateLink]) -> Sequence[Asked]:
        customers, states = queries.payers([link.customer_id for link in rows]), asking.came_of(rows)
        return [Asked(link, customers.get(link.customer_id), states[link.id]) for link in rows]

    def line_url(self, line: Asked) -> str | None:
        return url_for("methods.details", key=line.link.payment_method_id)


def _domain() -> str:
    settings: Settings = current_app.extensions["settings"]
    return settings.domain
