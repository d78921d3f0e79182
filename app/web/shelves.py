"""The views that are kept of a list, as far as this person sees them, and the one the address asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, null, or_, select
from sqlalchemy.sql.functions import coalesce

from app.database import db
from app.errors import BadRequest, Unknown
from app.models.saved_view import SavedView, ViewDefault
from app.models.staff import Staff
from app.web.accounts import current_account_id
from app.web.asked import EVERYTHING, Asked, AskedOf, Kept
from app.web.sessions import Person, current_person

# So many stand in the menu of a list; all of them are on the page of views.
IN_MENU = 30
_OF_THE_MOMENT = ("q", "size", "cursor")


@dataclass(frozen=True, slots=True)
class Shelf:
    """views: one's own first, then by name. default_id: what the list opens with, None for everything."""

    views: tuple[Kept, ...]
    default_id: UUID | None

    def find(self, key: str) -> Kept | None:
        return next((view for view in self.views if str(view.id) == key), None)


def role_of(person: Person) -> str:
    """Whose shared views they see: those of the role they look through."""
    return person.seen_as or person.role


def visible_to(person: Person) -> ColumnElement[bool]:
    """One's own views, and what is shared with one's role."""
    # By hand: the array's own operator is the one that means "contains".
    shared = SavedView.shared_with.contains([role_of(person)])
    return or_(SavedView.owner_id == person.id, shared)


def shelf_of(view: AskedOf, *, named: str = "") -> Shelf:
    """What stands in the list's menu, and the view with the id `named` wherever it stands. One question."""
    person = current_person()
    if person is None:
        return Shelf((), None)
    rows = db.session.execute(_question(person, view.endpoint, _uuid(named))).all()
    defaults = [row.id for kind in ("is_mine_by_default", "is_role_default") for row in rows if getattr(row, kind)]
    return Shelf(tuple(_kept(row) for row in rows), defaults[0] if defaults else None)


def ask(view: AskedOf, arguments: Mapping[str, str], *, by_default: bool) -> tuple[Asked, Shelf]:
    """What the address asks of the list, a kept view included: `view` is one as it was kept, `based_on` one that was changed.

    by_default: an address that says nothing asks for the person's own default view, else for their role's.

    Raises:
        Unknown: there is no such view, or not for this person.
        BadRequest: see `Asked.read`.
    """
    name = arguments.get("view", "")
    shelf = shelf_of(view, named=name or arguments.get("based_on", ""))
    if not arguments and by_default and shelf.default_id:
        name = str(shelf.default_id)
    has_default = shelf.default_id is not None
    if name and name != EVERYTHING:
        kept = shelf.find(name)
        if kept is None:
            raise Unknown("There is no such view for you here: it was deleted, or is no longer shared with your role.")
        state, lost = understood(view, kept.asked)
        moment = {key: arguments[key] for key in _OF_THE_MOMENT if key in arguments}
        asked = Asked.read(view, state | moment)
    else:
        kept = shelf.find(arguments.get("based_on", ""))
        state, lost = understood(view, kept.asked) if kept else ({}, ())
        asked = Asked.read(view, arguments)
        lost = ()
    return replace(asked, kept=kept, kept_state=state, has_default=has_default, lost=lost), shelf


def understood(view: AskedOf, stored: Mapping[str, object]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What of a kept view this list still knows, and in words what it does not."""
    texts = {key: value for key, value in stored.items() if isinstance(value, str)}
    state: dict[str, str] = {}
    lost = []
    known = {"sort", "dir", "cols"}
    for filter_ in view.filters:
        own = {name: texts[name] for name in filter_.parameters if texts.get(name)}
        known |= set(filter_.parameters)
        try:
            filter_.read(own)
        except BadRequest:
            lost.append(f"what it asks of “{filter_.label}”")
        else:
            state |= own
    lost += [f"the filter “{name[:40]}”" for name in texts if name not in known]
    columns = {column.name: column for column in view.columns}
    names = [name for name in texts.get("cols", "").split(",") if name]
    lost += [f"the column “{name[:40]}”" for name in names if name not in columns]
    if kept := [name for name in names if name in columns]:
        state["cols"] = ",".join(kept)
    if (
        (by := texts.get("sort", "")) in columns
        and columns[by].sort is not None
        and texts.get("dir") in {"asc", "desc"}
    ):
        state |= {"sort": by, "dir": texts["dir"]}
    elif by:
        lost.append(f"the order by “{by[:40]}”")
    return Asked.read(view, state).state, tuple(lost)


def _question(person: Person, list_name: str, named: UUID | None) -> Select[tuple[object, ...]]:
    account_id = current_account_id()
    mine, of_role = (
        select(literal(True))
        .where(
            ViewDefault.account_id == account_id,
            ViewDefault.list_name == list_name,
            ViewDefault.holder == holder,
            ViewDefault.view_id == SavedView.id,
        )
        .correlate(SavedView)
        .scalar_subquery()
        for holder in (f"staff:{person.id}", f"role:{role_of(person)}")
    )
    by_default, by_role = (
        coalesce(mine, False).label("is_mine_by_default"),
        coalesce(of_role, False).label("is_role_default"),
    )
    is_named = SavedView.id == named if named else null().is_not(None)
    # What a menu has no room for is found when it is asked for; what opens by itself always is.
    first = case((or_(is_named, by_default, by_role), 0), else_=1)
    return (
        select(
            SavedView.id,
            SavedView.name,
            SavedView.asked,
            SavedView.shared_with,
            (SavedView.owner_id == person.id).label("is_mine"),
            Staff.name.label("owner"),
            by_default,
            by_role,
        )
        .join(Staff, Staff.id == SavedView.owner_id)
        .where(and_(SavedView.account_id == account_id, SavedView.list_name == list_name, visible_to(person)))
        .order_by(first, (SavedView.owner_id == person.id).desc(), func.lower(SavedView.name), SavedView.id)
        .limit(IN_MENU)
    )


def _kept(row: Row[tuple[object, ...]]) -> Kept:
    return Kept(
        id=row.id,
        name=row.name,
        asked=row.asked,
        shared=bool(row.shared_with),
        is_mine=row.is_mine,
        owner=row.owner,
        opens=row.is_mine_by_default,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
