"""Saved views: all that somebody sees, and one with its name, whom it is shared with, and who opens with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement, Select

from app.errors import BadRequest, Conflict, DomainError
from app.models.saved_view import LONGEST_NAME, SavedView
from app.saved_views import operations, queries
from app.web import columns
from app.web.accounts import current_account_id
from app.web.admin import expose, may
from app.web.asked import Asked
from app.web.figures import AnyList, lists
from app.web.filters import ChoiceFilter, Filter, equals
from app.web.listing import ListView
from app.web.permissions import ROLE_NAMES, SIGNED_IN, Permission, needs
from app.web.sessions import current_actor, current_person
from app.web.shelves import understood, visible_to


@dataclass(frozen=True, slots=True)
class Line:
    """A view, what its list is called, and whose it is."""

    view: SavedView
    of: str
    owner: str


class SavedViewsView(ListView[SavedView, Line]):
    """/admin/views"""

    permission: ClassVar = SIGNED_IN
    endpoint = "views"
    title = "Saved views"
    icon = "filter"
    in_menu = False
    model = SavedView
    noun = ("view", "views")
    lead = "Filters, order and columns that were kept by name: your own, and those shared with your role."
    search_hint = "Name"
    order = "made"
    empty_title = "No views yet"
    empty_text = "Filter a list as you need it, then keep it under “View”."
    columns = (
        columns.text("name", "Name", lambda line: line.view.name, priority=1),
        columns.text("list", "List", lambda line: line.of, priority=1),
        columns.text("owner", "Whose", lambda line: line.owner, priority=1),
        columns.text("shared", "Shared with", lambda line: _roles(line.view.shared_with) or "Not shared", priority=2),
        columns.instant("made", "Made", lambda line: line.view.created_at, sort=SavedView.created_at, priority=3),
    )

    @property
    def filters(self) -> Sequence[Filter]:  # type: ignore[override] # what one may choose depends on who asks
        return (ChoiceFilter(name="list", label="List", options=_list_names, match=equals(SavedView.list_name)),)

    def rows(self) -> Select[Any]:
        person = current_user._get_current_object()
        return super().rows().where(visible_to(person), SavedView.list_name.in_(queries.open_lists(person)))

    def search(self, text: str) -> ColumnElement[bool]:
        return SavedView.name.icontains(text, autoescape=True)

    def lines(self, rows: Sequence[SavedView]) -> Sequence[Line]:
        owners, known = queries.owners({row.owner_id for row in rows}), lists()
        return [Line(row, known[row.list_name].title, owners[row.owner_id]) for row in rows]

    def line_url(self, line: Line) -> str | None:
        return url_for(".details", key=line.view.id)

    @expose("/new", methods=("POST",))
    @needs(SIGNED_IN)
    def keep(self) -> ResponseReturnValue:
        """Keep what a list shows under a name."""
        view = queries.open_lists(_person()).get(request.form.get("list", ""))
        if view is None:
            raise BadRequest("There is no such list for you.")
        asked = _state(view)
        try:
            kept = operations.keep(
                account_id=current_account_id(),
                list_name=view.endpoint,
                owner_id=current_user.id,
                name=request.form.get("name", ""),
                asked=asked,
                actor=current_actor(),
            )
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(url_for(f"{view.endpoint}.index_view", _external=False, **asked), 303)
        flash(f"Kept as “{kept.name}”. Only you see it until you share it.", "success")
        return redirect(url_for(f"{view.endpoint}.index_view", view=kept.id), 303)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One view."""
        return self._page(queries.visible(key, _person()))

    @expose("/<key>", methods=("POST",))
    @needs(SIGNED_IN)
    def settle(self, key: str) -> ResponseReturnValue:
        """Its name, whom it is shared with, and which roles open with it."""
        view = queries.visible(key, _person())
        typed = (request.form.get("name", ""), request.form.getlist("role"), request.form.getlist("default"))
        try:
            _check_mine(view)
            operations.settle(
                view.id,
                name=typed[0],
                shared_with=typed[1],
                default_of=typed[2] if _may_set_for_roles() else None,
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._page(view, error=str(refusal), typed=typed), refusal.status
        flash("It is kept like this.", "success")
        return redirect(url_for(".details", key=view.id), 303)

    @expose("/<key>/as-shown", methods=("POST",))
    @needs(SIGNED_IN)
    def keep_as_shown(self, key: str) -> ResponseReturnValue:
        """Make the view what its list shows now."""
        view = queries.visible(key, _person())
        asked = _state(lists()[view.list_name])

        def act() -> None:
            _check_mine(view)
            operations.keep_as_is(view.id, asked=asked, actor=current_actor())

        return self._act(
            act, f"“{view.name}” is kept as it looks now.", url_for(f"{view.list_name}.index_view", view=view.id)
        )

    @expose("/<key>/open-with", methods=("POST",))
    @needs(SIGNED_IN)
    def open_with(self, key: str) -> ResponseReturnValue:
        """One's own list opens with it, or no longer."""
        view, wanted = queries.visible(key, _person()), request.form.get("wanted") == "yes"
        done = "Your list opens with it from now on." if wanted else "Your list opens as before."
        return self._act(
            lambda: operations.open_with(view.id, staff_id=current_user.id, wanted=wanted, actor=current_actor()),
            done,
            url_for(".details", key=view.id),
        )

    @expose("/<key>/delete", methods=("POST",))
    @needs(SIGNED_IN)
    def delete(self, key: str) -> ResponseReturnValue:
        """Throw it away."""
        view = queries.visible(key, _person())

        def act() -> None:
            _check_mine(view)
            operations.throw_away(view.id, actor=current_actor())

        return self._act(
            act,
            f"“{view.name}” is deleted.",
            url_for(f"{view.list_name}.index_view"),
            else_to=url_for(".details", key=view.id),
        )

    def _act(self, act: Callable[[], None], done: str, to: str, *, else_to: str | None = None) -> ResponseReturnValue:
        try:
            act()
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(else_to or to, 303)
        flash(done, "success")
        return redirect(to, 303)

    def _page(self, view: SavedView, *, error: str = "", typed: tuple[str, list[str], list[str]] | None = None) -> str:
        list_view = lists()[view.list_name]
        state, lost = understood(list_view, view.asked)
        asked = Asked.read(list_view, state)
        holders = queries.defaults_of(view)
        default_of = [holder.removeprefix("role:") for holder in holders if holder.startswith("role:")]
        name, shared_with, opening = typed or (view.name, view.shared_with, default_of)
        return self.render(
            "saved_views/details.html",
            breadcrumbs=[
                (list_view.title, url_for(f"{view.list_name}.index_view")),
                (self.title, url_for(".index_view")),
            ],
            view=view,
            list_title=list_view.title,
            list_url=url_for(f"{view.list_name}.index_view", view=view.id),
            owner=queries.owners({view.owner_id})[view.owner_id],
            is_mine=view.owner_id == current_user.id,
            may_change=_is_mine(view),
            may_set_for_roles=_may_set_for_roles(),
            asks=[choice.words for _, choice in asked.chosen],
            order=next(column.label for column in list_view.columns if column.name == asked.sort),
            descending=asked.descending,
            shows=[column.label for column in asked.columns],
            lost=lost,
            opens=f"staff:{current_user.id}" in holders,
            roles=list(ROLE_NAMES.items()),
            typed={"name": name, "shared_with": shared_with, "default_of": opening},
            shared_words=_roles(view.shared_with),
            default_words=_roles(default_of),
            longest=LONGEST_NAME,
            error=error,
        )


def _state(view: AnyList) -> dict[str, str]:
    """What the list understands of the state that came in a form."""
    return Asked.read(view, dict(parse_qsl(request.form.get("asked", "")[:20_000]))).state


def _is_mine(view: SavedView) -> bool:
    """Their owner changes views; those that are shared also who makes the rules here: owners leave."""
    return bool(view.owner_id == current_user.id or (view.shared_with and _may_set_for_roles()))


def _check_mine(view: SavedView) -> None:
    if not _is_mine(view):
        raise Conflict("This view is somebody else’s. Open it, and keep a copy of your own.")


def _may_set_for_roles() -> bool:
    return may(Permission.RULES_MANAGE) or may(Permission.STAFF_MANAGE)


def _person() -> Any:
    return current_person()


def _list_names() -> list[tuple[str, str]]:
    found = queries.open_lists(_person()).items()
    return sorted(((name, view.title) for name, view in found), key=lambda pair: pair[1])


def _roles(names: Sequence[str]) -> str:
    return ", ".join(ROLE_NAMES[name] for name in ROLE_NAMES if name in names)
