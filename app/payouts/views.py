"""The payouts: what went to the bank, and what is in it."""

from collections.abc import Sequence
from typing import ClassVar

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, select

from app.database import db
from app.mirror import raw
from app.models.balance_transaction import BalanceTransaction
from app.models.payout import Payout
from app.money import MinorUnits, Money
from app.remarks.queries import tag_filter
from app.web import columns, history, in_sql
from app.web.admin import expose
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.formatting import NOTHING, day
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import Permission

_STATUSES = [
    (word, word.replace("_", " ").capitalize()) for word in ("pending", "in_transit", "paid", "failed", "canceled")
]


class PayoutsView(ListView[Payout, Payout]):
    """/admin/payouts"""

    permission = Permission.PAYOUT_READ
    endpoint = "payouts"
    title = "Payouts"
    group = "Money"
    icon = "building-bank"
    menu_keys = "g o"
    model = Payout
    noun = ("payout", "payouts")
    lead = "Money on its way to the shop's bank, newest first."
    search_hint = "Payout id"
    order = "created"
    ids_lead_on = True
    empty_title = "No payouts yet"
    empty_text = "They appear here with the first webhook or sync."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="status", label="Status", options=_STATUSES, match=equals(Payout.status)),
        TextFilter(name="currency", label="Currency", match=lambda text: Payout.currency == text.lower()),
        DateFilter(name="created", label="Day (UTC)", column=Payout.created_at),
        tag_filter(Payout),
    )
    columns = (
        columns.amount(
            "amount",
            "Amount",
            lambda payout: Money(payout.amount, payout.currency),
            written=in_sql.amount(Payout.amount, Payout.currency),
        ),
        columns.status(
            "status", "Status", "payout", lambda payout: payout.status, written=(in_sql.words(Payout.status),)
        ),
        columns.Column(
            name="arrives",
            label="Arrives",
            show=lambda payout: day(payout.arrives_on) if payout.arrives_on else NOTHING,
            exports=(("Arrives on", lambda payout: payout.arrives_on),),
            written=(in_sql.plain(Payout.arrives_on),),
            priority=1,
        ),
        columns.instant(
            "created",
            "Made",
            lambda payout: payout.created_at,
            sort=Payout.created_at,
            written=(in_sql.instant(Payout.created_at),),
        ),
        columns.code("id", "Payout", lambda payout: payout.id, priority=3, written=(in_sql.words(Payout.id),)),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return Payout.id == text

    def line_url(self, line: Payout) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One payout."""
        payout = find(Payout, key, what="payout")
        return self.render(
            "payouts/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            payout=payout,
            contents=_contents(payout),
            timeline=history.newest_first(
                history.told([payout.id], without={"payout.created"}),
                [history.entry(payout.created_at, "Payout made", tone="note", icon="send")],
            ),
            raw=raw.unpack(payout.raw),
        )


def _contents(payout: Payout) -> list[tuple[str, int, Money]]:
    """What the payout is made of: category, how many lines, their net. Empty until Stripe was asked for them."""
    lines = BalanceTransaction
    net = func.sum(lines.net).cast(lines.net.type)
    grouped = (
        select(lines.reporting_category, func.count(), net)
        .where(lines.payout_id == payout.id, lines.account_id == payout.account_id, lines.type != "payout")
        .group_by(lines.reporting_category)
        .order_by(lines.reporting_category)
    )
    return [
        (category.replace("_", " ").capitalize(), number, Money(MinorUnits(net), payout.currency))
        for category, number, net in db.session.execute(grouped)
    ]
