"""Who works here: the list, one person, the table of roles, and one's own sessions."""

from collections.abc import Callable
from typing import ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement, or_

from app.actor import Actor
from app.audit import trail
from app.audit.sentences import sentence
from app.errors import DomainError, Unknown
from app.models.staff import Staff
from app.staff import agreed, devices, operations, queries, roles, sign_in
from app.staff.factors import operations as factor_operations
from app.staff.factors.queries import factors_of
from app.staff.forms import RoleForm
from app.web import columns, proof
from app.web.admin import StaffView, expose
from app.web.filters import ChoiceFilter, equals, one_of
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import ADMINS_KEEP, ROLE_NAMES, ROLES, SIGNED_IN, Permission, needs
from app.web.sessions import current_actor, device_token


class StaffListView(ListView[Staff, Staff]):
    """Everybody who may sign in, or could once."""

    model = Staff
    permission = Permission.STAFF_READ
    endpoint = "staff"
    title = "Staff"
    lead = "Who may sign in, and as what."
    template = "staff/list.html"
    group = "Oversight"
    icon = "user-shield"
    noun = ("person", "people")
    of_account = False
    order = "email"
    newest_first = False
    search_hint = "E-mail address or name"
    columns = (
        columns.text("email", "E-mail", lambda person: person.email, sort=Staff.email, priority=1),
        columns.text("name", "Name", lambda person: person.name),
        columns.text("role", "Role", lambda person: ROLE_NAMES[person.role], priority=1),
        columns.status("status", "Access", "staff", lambda person: "active" if person.is_active else "disabled"),
        columns.instant("last_sign_in", "Last sign-in", lambda person: person.last_sign_in_at, priority=3),
    )
    filters = (
        ChoiceFilter(name="role", label="Role", options=tuple(ROLE_NAMES.items()), match=equals(Staff.role)),
        ChoiceFilter(
            name="access",
            label="Access",
            options=(("active", "Active"), ("ended", "Ended")),
            match=one_of({"active": Staff.deactivated_at.is_(None), "ended": Staff.deactivated_at.is_not(None)}),
        ),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Staff.email.contains(text.lower(), autoescape=True), Staff.name.icontains(text, autoescape=True))

    def line_url(self, line: Staff) -> str:
        return self.get_url(".details", staff_id=line.id)  # type: ignore[no-any-return]

    @expose("/roles")
    def roles(self) -> str:
        """The matrix as it holds at this moment."""
        return self.render(
            "staff/roles.html",
            permissions=list(Permission),
            roles=roles.matrix(),
            role_names=ROLE_NAMES,
            enforced=roles.enforced(),
            may_manage=current_user.may(Permission.STAFF_MANAGE),
        )

    @expose("/roles/<role>", methods=("GET", "POST"))
    @needs(Permission.STAFF_MANAGE)
    def role(self, role: str) -> ResponseReturnValue:
        """What one role may, to tick and untick."""
        if role not in ROLES:
            raise Unknown("There is no such role.")
        back = self.get_url(".role", role=role)
        if request.method != "POST":
            return self.render(
                "staff/role.html",
                role=role,
                name=ROLE_NAMES[role],
                permissions=list(Permission),
                held=roles.matrix()[role],
                preset=ROLES[role],
                fixed=ADMINS_KEEP if role == "admin" else frozenset(),
                second_factor=role in roles.enforced(),
            )
        if ask := proof.missing(back):
            return ask
        ticked = {permission for permission in Permission if permission in request.form.getlist("permission")}
        wanted = ticked | (ADMINS_KEEP if role == "admin" else frozenset())
        roles.change(role, wanted, second_factor="second_factor" in request.form, actor=current_actor())
        flash(f"{ROLE_NAMES[role]}: this holds from everybody's next page on.", "success")
        return redirect(self.get_url(".roles"), 303)

    @expose("/<staff_id>")
    def details(self, staff_id: str) -> str:
        person = _person(staff_id)
        return self._details(person, RoleForm(role=person.role))

    @expose("/<staff_id>/role", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def change_role(self, staff_id: str) -> ResponseReturnValue:
        person = _person(staff_id)
        form = RoleForm()
        if not form.validate_on_submit():
            return self._details(person, form), 400
        if agreed.is_needed(agreed.ROLE_NAME):
            return self._ask_for_role(person, form)
        return self._act(
            person, operations.change_role, f"The role is now {ROLE_NAMES[form.role.data]}.", role=form.role.data
        )

    @expose("/<staff_id>/deactivate", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def deactivate(self, staff_id: str) -> ResponseReturnValue:
        return self._act(_person(staff_id), operations.deactivate, "The access has ended.")

    @expose("/<staff_id>/reactivate", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def reactivate(self, staff_id: str) -> ResponseReturnValue:
        return self._act(_person(staff_id), operations.reactivate, "The access is restored.")

    @expose("/<staff_id>/factors", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def remove_factors(self, staff_id: str) -> ResponseReturnValue:
        return self._act(_person(staff_id), factor_operations.remove_all, "The second factor is removed.")

    def _ask_for_role(self, person: Staff, form: RoleForm) -> ResponseReturnValue:
        if ask := proof.missing(self.get_url(".details", staff_id=person.id)):
            return ask
        try:
            reason = form.reason.data or ""
            asked = agreed.ask_for_role(person, form.role.data, reason=reason, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(self.get_url(".details", staff_id=person.id), 303)
        return redirect(url_for("approvals.details", key=asked.id), 303)

    def _details(self, person: Staff, form: RoleForm) -> str:
        return self.render(
            "staff/person.html",
            person=person,
            form=form,
            role_names=ROLE_NAMES,
            permissions=[permission for permission in Permission if permission in roles.matrix()[person.role]],
            sessions=queries.live_sessions(person.id),
            events=_events(person),
            factors=factors_of(person.id),
            needs_another=agreed.is_needed(agreed.ROLE_NAME),
            waiting=agreed.waiting_for(agreed.ROLE_NAME, str(person.id)),
            may_manage=current_user.may(Permission.STAFF_MANAGE),
        )

    def _act(
        self, person: Staff, operation: Callable[..., None], done: str, **arguments: object
    ) -> ResponseReturnValue:
        back = self.get_url(".details", staff_id=person.id)
        if ask := proof.missing(back):
            return ask
        try:
            operation(person.id, actor=current_actor(), **arguments)
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(done, "success")
        return redirect(back, 303)


class MySessionsView(StaffView):
    """Where one is signed in, and the way to end that from afar."""

    permission: ClassVar = SIGNED_IN
    endpoint = "my_sessions"
    section_url = "/admin/sessions"
    title = "Your sessions"
    icon = "device-desktop"
    in_menu = False

    @expose("/")
    def index_view(self) -> str:
        return self.render(
            "staff/sessions.html",
            sessions=queries.live_sessions(current_user.id),
            current=sign_in.public_name(current_user.session_id),
            public_name=sign_in.public_name,
            devices=devices.devices_of(current_user.id),
            this_device=devices.mark_of(device_token()),
        )

    @expose("/forget", methods=("POST",))
    def forget(self) -> ResponseReturnValue:
        """A browser is a stranger again."""
        try:
            devices.forget(request.form.get("device", ""), staff_id=current_user.id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("The browser is forgotten. When you sign in with it again, you get a mail.", "success")
        return redirect(self.get_url(".index_view"), 303)

    @expose("/end", methods=("POST",))
    def end(self) -> ResponseReturnValue:
        actor: Actor = current_actor()
        try:
            sign_in.end_session(request.form.get("session", ""), staff_id=current_user.id, actor=actor)
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("The session has ended.", "success")
        return redirect(self.get_url(".index_view"), 303)


def _person(staff_id: str) -> Staff:
    return find(Staff, staff_id, what="person", of_account=False)


def _events(person: Staff) -> list[dict[str, object]]:
    """What happened to this person's access, for the timeline."""
    return [
        {"title": sentence(entry), "at": entry.at, "icon": "history"}
        for entry in trail.of("staff", person.email, limit=20)
    ]
