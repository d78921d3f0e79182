"""Keeping a view, changing it, sharing it, opening lists with it, throwing it away."""

from collections.abc import Collection, Mapping
from uuid import UUID

from psycopg2.errors import UniqueViolation
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, Unknown
from app.models.saved_view import LONGEST_NAME, SavedView, ViewDefault
from app.models.staff import ROLES


class NameTaken(Conflict):
    """One person's views of one list have different names, whatever their case."""


def keep(  # noqa: PLR0913 - what a view is, by name
    *, account_id: int, list_name: str, owner_id: UUID, name: str, asked: Mapping[str, str], actor: Actor
) -> SavedView:
    """Keep a view for oneself. asked: what the list understood of an address, `Asked.state`.

    Raises:
        BadRequest: no name, or no text that could be one. NameTaken: one has a view of this name.
    """
    name, now = checked_name(name), clock.now()
    if not account_id:
        raise Conflict("Views can be kept once something was read from Stripe.")
    view = SavedView(
        account_id=account_id, list_name=list_name, owner_id=owner_id, name=name, asked=dict(asked), shared_with=[],
        created_at=now, changed_at=now,
    )  # fmt: skip
    try:
        with transaction():
            db.session.add(view)
            db.session.flush()
            _record(actor, "view.kept", view, after={"name": name, "list": list_name})
    except IntegrityError as error:
        raise _why(error, name) from error
    return view


def keep_as_is(view_id: UUID, *, asked: Mapping[str, str], actor: Actor) -> None:
    """From now on the view is what the list shows at this moment; its address and its name stay."""
    with transaction():
        view = _locked(view_id)
        _check_shareable(view.shared_with, asked)
        changed = sorted(key for key in {*view.asked, *asked} if view.asked.get(key) != asked.get(key))
        view.asked, view.changed_at = dict(asked), clock.now()
        _record(actor, "view.changed", view, after={"name": view.name, "list": view.list_name, "changed": changed})


def settle(
    view_id: UUID, *, name: str, shared_with: Collection[str], default_of: Collection[str] | None, actor: Actor
) -> None:
    """Its name, the roles that see it, and the roles whose list opens with it; None leaves those as they are.

    A role that does not see it any more does not open with it either.

    Raises:
        BadRequest: no name, no such role, or a default of a role that does not see it; or it searches for one person.
        NameTaken: its owner has another of this name.
    """
    name = checked_name(name)
    roles = [role for role in ROLES if role in shared_with]
    if unknown := {*shared_with, *(default_of or ())} - set(ROLES):
        raise BadRequest(f"There is no role {min(unknown)[:40]}.")
    if set(default_of or ()) - set(roles):
        raise BadRequest("A role’s list can open only with a view that is shared with that role.")
    try:
        with transaction():
            view = _locked(view_id)
            _check_shareable(roles, view.asked)
            before = {"name": view.name, "shared_with": view.shared_with, "default_of": _roles_opening(view)}
            view.name, view.shared_with, view.changed_at = name, roles, clock.now()
            db.session.flush()
            wanted = before["default_of"] if default_of is None else default_of
            _open_roles_with(view, [role for role in roles if role in wanted])
            after = {"name": name, "shared_with": roles, "default_of": _roles_opening(view)}
            _record(actor, "view.settled", view, before=before, after={**after, "list": view.list_name})
    except IntegrityError as error:
        raise _why(error, name) from error


def open_with(view_id: UUID, *, staff_id: UUID, wanted: bool, actor: Actor) -> None:
    """This person's list opens with it from now on, or no longer."""
    with transaction():
        view = _locked(view_id)
        if wanted:
            _set_default(view, f"staff:{staff_id}")
        else:
            holder = ViewDefault.holder == f"staff:{staff_id}"
            db.session.execute(delete(ViewDefault).where(holder, ViewDefault.view_id == view.id))
        _record(
            actor,
            "view.opens" if wanted else "view.opens_no_more",
            view,
            after={"name": view.name, "list": view.list_name},
        )


def throw_away(view_id: UUID, *, actor: Actor) -> None:
    """Delete it; lists that opened with it show everything again."""
    with transaction():
        view = _locked(view_id)
        db.session.delete(view)
        db.session.flush()
        before = {"name": view.name, "list": view.list_name, "shared_with": view.shared_with}
        _record(actor, "view.deleted", view, before=before, after={"name": view.name, "list": view.list_name})


def checked_name(text: str) -> str:
    """The name as it is kept: one line, blanks in a row made one.

    Raises:
        BadRequest: nothing is left, it is too long, or holds what no name can.
    """
    name = " ".join(text.split())
    if not name:
        raise BadRequest("Give the view a name.")
    if len(name) > LONGEST_NAME:
        raise BadRequest(f"A name has at most {LONGEST_NAME} characters.")
    if not name.isprintable():
        raise BadRequest("A name is made of letters, digits and signs that can be seen.")
    return name


def _check_shareable(roles: Collection[str], asked: Mapping[str, object]) -> None:
    # Others may see addresses masked: a filter would show them one in full.
    if roles and any(isinstance(value, str) and "@" in value for value in asked.values()):
        raise BadRequest(
            "This view filters by somebody’s e-mail address, so it stays yours alone. Share one without it."
        )


def _roles_opening(view: SavedView) -> list[str]:
    holders = db.session.scalars(select(ViewDefault.holder).where(ViewDefault.view_id == view.id))
    return sorted(holder.removeprefix("role:") for holder in holders if holder.startswith("role:"))


def _open_roles_with(view: SavedView, roles: Collection[str]) -> None:
    holders = [f"role:{role}" for role in roles]
    of_roles = ViewDefault.holder.startswith("role:")
    db.session.execute(
        delete(ViewDefault).where(ViewDefault.view_id == view.id, of_roles, ViewDefault.holder.not_in(holders))
    )
    for holder in holders:
        _set_default(view, holder)
    # Who does not see it any more does not open with it; the owner always sees it.
    if not view.shared_with:
        people = ViewDefault.holder.startswith("staff:")
        db.session.execute(
            delete(ViewDefault).where(
                ViewDefault.view_id == view.id, people, ViewDefault.holder != f"staff:{view.owner_id}"
            )
        )


def _set_default(view: SavedView, holder: str) -> None:
    row = insert(ViewDefault).values(
        account_id=view.account_id, list_name=view.list_name, holder=holder, view_id=view.id
    )
    key = [ViewDefault.account_id, ViewDefault.list_name, ViewDefault.holder]
    db.session.execute(row.on_conflict_do_update(index_elements=key, set_={"view_id": row.excluded.view_id}))


def _locked(view_id: UUID) -> SavedView:
    view = db.session.get(SavedView, view_id, with_for_update=True, populate_existing=True)
    if view is None:
        raise Unknown("This view was deleted in the meantime.")
    return view


def _why(error: IntegrityError, name: str) -> Conflict:
    if isinstance(error.orig, UniqueViolation):
        return NameTaken(f"There is a view called “{name}” of this list already. Choose another name.")
    return Conflict("Something changed at the same time. Try once more.")


def _record(actor: Actor, action: str, view: SavedView, **fields: Mapping[str, object]) -> None:
    trail.record(actor, action, "view", str(view.id), account_id=view.account_id, **fields)  # type: ignore[arg-type]
