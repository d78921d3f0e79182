"""Where the copy was not what Stripe is, how the days add up, and one object read again."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.database import db
from app.errors import DomainError
from app.gateways.current import gateway
from app.mirror.kinds import KINDS
from app.models.drift import DaySum, Drift
from app.money import MinorUnits, Money
from app.sync import drift, single
from app.sync.single import Reread
from app.web import columns
from app.web.accounts import current_account_id
from app.web.admin import StaffView, expose, may
from app.web.filters import ChoiceFilter, DateFilter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor
from app.web.straight import straight_to

_MOST_SHOWN = 3
_KINDS = tuple((kind, kind.replace("_", " ").replace(".", " ").capitalize()) for kind in KINDS)
_NAMES = dict(_KINDS)


class DriftsView(ListView[Drift, Drift]):
    """/admin/sync"""

    model = Drift
    permission = Permission.JOB_READ
    endpoint = "sync"
    title = "Differences to Stripe"
    lead = "Found every night: all of the day before, and a sample of everything."
    group = "Machinery"
    icon = "scale"
    noun = ("difference", "differences")
    order = "found"
    empty_title = "Nothing differed"
    empty_text = "What is found stays here until it is healed, and after that as a record."
    template = "sync/list.html"
    columns = (
        columns.text("kind", "Kind", lambda one: _NAMES.get(one.kind, one.kind), priority=1),
        columns.code("object", "Object", lambda one: one.object_id),
        columns.text("field", "Field", lambda one: one.field or "The whole object", priority=1),
        columns.text("local", "Here", lambda one: one.local, align="end"),
        columns.text("remote", "At Stripe", lambda one: one.remote, align="end"),
        columns.status("state", "State", "drift", lambda one: "healed" if one.healed_at else "open"),
        columns.instant("found", "Found", lambda one: one.found_at, sort=Drift.found_at),
    )
    filters = (
        ChoiceFilter(name="kind", label="Kind", options=_KINDS, match=equals(Drift.kind)),
        ChoiceFilter(
            name="state",
            label="State",
            options=(("open", "Open"), ("healed", "Healed")),
            match=lambda value: Drift.healed_at.is_(None) if value == "open" else Drift.healed_at.is_not(None),
        ),
        TextFilter(name="object", label="Object id", match=equals(Drift.object_id)),
        DateFilter(name="found", label="Found", column=Drift.found_at),
    )

    def line_url(self, line: Drift) -> str | None:
        return url_for("sync.details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """Everything that differed of one object, side by side."""
        one = find(Drift, key, what="difference")
        of_object = select(Drift).where(
            Drift.account_id == one.account_id, Drift.kind == one.kind, Drift.object_id == one.object_id
        )
        found = db.session.scalars(of_object.order_by(Drift.id.desc()).limit(100)).all()
        return self.render(
            "sync/drift.html",
            one=one,
            kind=_NAMES.get(one.kind, one.kind),
            found=found,
            is_open=any(row.healed_at is None for row in found),
            object_url=straight_to(one.object_id),
            may_heal=may(Permission.SYNC),
        )

    @expose("/<key>/heal", methods=("POST",))
    @needs(Permission.SYNC)
    def heal(self, key: str) -> ResponseReturnValue:
        """Read the object again, and take Stripe's word for it."""
        one = find(Drift, key, what="difference")
        kind, object_id = one.kind, one.object_id
        try:
            ended = drift.heal(
                kind, object_id, account_id=current_account_id(), actor=current_actor(), gateway=gateway()
            )
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(
                f"Read again from Stripe: {ended} {'difference is' if ended == 1 else 'differences are'} healed.",
                "success",
            )
        return redirect(url_for(".details", key=key), 303)


class DaySumsView(ListView[DaySum, DaySum]):
    """/admin/sync/days"""

    model = DaySum
    permission = Permission.JOB_READ
    endpoint = "sync_days"
    section_url = "/admin/sync/days"
    title = "Days, here and at Stripe"
    lead = "Each day (UTC) counted and added up on both sides, before anything was healed."
    in_menu = False
    noun = ("sum", "sums")
    order = "day"
    empty_title = "No day was compared yet"
    empty_text = "The job that compares runs every night."
    columns = (
        columns.text("day", "Day", lambda one: f"{one.day:%-d %b %Y}", priority=1, sort=DaySum.day),
        columns.text("kind", "Kind", lambda one: _NAMES.get(one.kind, one.kind), priority=1),
        columns.status("even", "Result", "day_sum", lambda one: "even" if one.is_even else "uneven"),
        columns.number("count_here", "Here", lambda one: one.count_here),
        columns.number("count_there", "At Stripe", lambda one: one.count_there),
        columns.amount("amount_here", "Amount here", lambda one: _money(one, one.amount_here), priority=2),
        columns.amount("amount_there", "Amount at Stripe", lambda one: _money(one, one.amount_there), priority=2),
        columns.instant("compared", "Compared", lambda one: one.compared_at, priority=3),
    )
    filters = (
        ChoiceFilter(name="kind", label="Kind", options=_KINDS, match=equals(DaySum.kind)),
        ChoiceFilter(
            name="even",
            label="Result",
            options=(("uneven", "Uneven"),),
            match=lambda _: (DaySum.count_here != DaySum.count_there) | (DaySum.amount_here != DaySum.amount_there),
        ),
    )


class ReadAgainView(StaffView):
    """/admin/read-again: from a button on the page of an object, or by its id."""

    permission = Permission.SYNC
    endpoint = "read_again"
    section_url = "/admin/read-again"
    title = "Read one object again"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Ask for its id."""
        return self.render("sync/read_again.html", typed=request.args.get("object", "")[:255], error="")

    @expose("/", methods=("POST",))
    def read(self) -> ResponseReturnValue:
        """Ask Stripe how it stands, take that over, and say what was different."""
        object_id = request.form.get("object", "").strip()
        try:
            found = single.read_one(
                object_id, account_id=current_account_id(), actor=current_actor(), gateway=gateway()
            )
        except DomainError as refusal:
            return self.render("sync/read_again.html", typed=object_id[:255], error=str(refusal)), refusal.status
        page = straight_to(found.id)
        # Who may not open its page is not told what stands on it.
        flash(_words(found) if page else "It was read again.", "success")
        return redirect(page or url_for(".index_view", object=found.id), 303)


def _words(found: Reread) -> str:
    if found.state == "same":
        return "Read again: all was as it stands at Stripe."
    if found.state in {"new", "deleted"}:
        return (
            "Read again: it was not here." if found.state == "new" else "Read again: Stripe does not know it any more."
        )
    fields = [f"{name.replace('_', ' ')} was {_plain(name, here)} and is {_plain(name, there)}"
              for name, (here, there) in found.changes.items()]  # fmt: skip
    more = len(fields) - _MOST_SHOWN
    return f"Read again: {'; '.join(fields[:_MOST_SHOWN])}{f'; and {more} more' if more > 0 else ''}."


def _plain(name: str, value: object) -> str:
    shown = visible({name: value})[name]
    return "nothing" if shown is None else str(shown)[:80]


def _money(one: DaySum, amount: int) -> Money | None:
    return Money(MinorUnits(amount), one.currency) if one.currency else None
