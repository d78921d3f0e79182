"""The networks from where people may work here."""

from typing import ClassVar

from flask import flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.errors import DomainError, Unknown
from app.staff.networks import operations, queries, written
from app.staff.networks.operations import EVERYBODY
from app.web import proof
from app.web.admin import StaffView, expose, may
from app.web.permissions import ROLE_NAMES, Need, Permission, needs
from app.web.sessions import current_actor

LISTS = {EVERYBODY: "Everybody"} | ROLE_NAMES


class NetworksView(StaffView):
    """/admin/networks: a list for everybody, and one for each role, on top of it."""

    permission: ClassVar[Need] = Permission.STAFF_READ
    endpoint = "networks"
    title = "Allowed networks"
    icon = "map-pin"
    in_menu = False

    @expose("/")
    def index_view(self) -> str:
        """All lists at once."""
        every = queries.every()
        return self.render(
            "networks/index.html",
            lists=[(name, label, every.get(_role(name), ())) for name, label in LISTS.items()],
            anything=bool(every),
            address=request.remote_addr,
            may_manage=may(Permission.STAFF_MANAGE),
        )

    @expose("/<scope>", methods=("GET", "POST"))
    @needs(Permission.STAFF_MANAGE)
    def change(self, scope: str) -> ResponseReturnValue:
        """One list, to write."""
        if scope not in LISTS:
            raise Unknown("There is no such list.")
        if request.method != "POST":
            return self._form(scope, dict(proof.unfinished()))
        typed = {"lines": request.form.get("lines", ""), "version": request.form.get("version", "")[:16], "list": scope}
        kept = typed | {"lines": typed["lines"][: written.LONGEST]}
        if ask := proof.missing(self.get_url(".change", scope=scope), typed=kept):
            return ask
        try:
            operations.save(
                _role(scope),
                typed["lines"],
                version=typed["version"],
                own_role=current_user.role,
                address=request.remote_addr,
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._form(scope, kept, error=str(refusal)), refusal.status
        flash(f"{LISTS[scope]}: this holds from the next page on.{_shut_out()}", "success")
        return redirect(self.get_url(".index_view"), 303)

    def _form(self, scope: str, typed: dict[str, str], *, error: str = "") -> str:
        known = queries.networks_of(_role(scope))
        # What was typed for another list is not this one's.
        mine = typed.get("list") == scope
        return self.render(
            "networks/change.html",
            scope=scope,
            label=LISTS[scope],
            lines=typed["lines"] if mine else written.write(known),
            version=typed["version"] if mine else written.version_of(known),
            address=request.remote_addr,
            longest=written.LONGEST,
            error=error,
        )


def _role(scope: str) -> str | None:
    return None if scope == EVERYBODY else scope


def _shut_out() -> str:
    match queries.outside_now():
        case 0:
            return ""
        case 1:
            return " One person who is signed in now comes from elsewhere, and is shut out."
        case many:
            return f" {many} people who are signed in now come from elsewhere, and are shut out."
