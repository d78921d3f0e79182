"""Seeing the desk as another role sees it."""

from typing import ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.errors import DomainError
from app.staff import seeing
from app.web.admin import StaffView, expose
from app.web.guard import ends_seeing
from app.web.permissions import ROLE_NAMES, SIGNED_IN, Permission, needs
from app.web.seeing import forget_forms, stop
from app.web.sessions import current_actor


class SeeAsView(StaffView):
    """/admin/see-as: the way in needs the management of staff, the way out nothing."""

    permission: ClassVar = SIGNED_IN
    endpoint = "see_as"
    section_url = "/admin/see-as"
    title = "See as a role"
    icon = "eye"
    in_menu = False

    @expose("/")
    @needs(Permission.STAFF_MANAGE)
    def index_view(self) -> ResponseReturnValue:
        """Which role, and why."""
        return self._form(request.args.get("role", ""))

    @expose("/begin", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def begin(self) -> ResponseReturnValue:
        role, reason = request.form.get("role", ""), request.form.get("reason", "")
        try:
            seeing.begin(current_user.session_id, role=role, reason=reason, actor=current_actor())
        except DomainError as refusal:
            return self._form(role, reason=reason, error=str(refusal)), refusal.status
        forget_forms()
        return redirect(url_for("admin.index"), 303)

    @expose("/stop", methods=("POST",))
    @ends_seeing
    def stop(self) -> ResponseReturnValue:
        """Be oneself again."""
        role = stop(current_user.session_id, actor=current_actor(), why="stopped")
        if role is not None:
            flash(f"You are yourself again. You saw this as {ROLE_NAMES[role]}.", "success")
        return redirect(url_for("admin.index"), 303)

    def _form(self, role: str, *, reason: str = "", error: str = "") -> str:
        return self.render(
            "staff/see_as.html",
            roles=[(name, label) for name, label in ROLE_NAMES.items() if name != current_user.role],
            role=role,
            reason=reason[: seeing.LONGEST],
            longest=seeing.LONGEST,
            error=error,
        )
