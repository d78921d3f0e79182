"""Which views there are for somebody, and what they are of."""

from uuid import UUID

from sqlalchemy import select

from app.database import db
from app.errors import Unknown
from app.models.saved_view import SavedView, ViewDefault
from app.models.staff import Staff
from app.web.figures import AnyList, lists
from app.web.lookup import find
from app.web.sessions import Person
from app.web.shelves import role_of


def open_lists(person: Person) -> dict[str, AnyList]:
    """Those this person may open."""
    return {name: view for name, view in lists().items() if person.may(view.permission)}


def visible(key: str, person: Person) -> SavedView:
    """The view, if it is this person's or shared with their role, and they may open its list.

    Raises:
        Unknown: it is not, or there is none.
    """
    view = find(SavedView, key, what="view")
    is_theirs = view.owner_id == person.id or role_of(person) in view.shared_with
    if not is_theirs or view.list_name not in open_lists(person):
        raise Unknown("There is no such view for you here: it was deleted, or is no longer shared with your role.")
    return view


def defaults_of(view: SavedView) -> list[str]:
    """Who the list opens with it for: "staff:<id>", "role:support"."""
    return list(db.session.scalars(select(ViewDefault.holder).where(ViewDefault.view_id == view.id)))


def owners(ids: set[UUID]) -> dict[UUID, str]:
    """Their names."""
    return {row.id: row.name for row in db.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(ids)))}
