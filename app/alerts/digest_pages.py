"""One's own daily digest: where one is, and whether it comes."""

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.alerts import digest
from app.errors import DomainError
from app.web.admin import StaffView, expose
from app.web.permissions import SIGNED_IN, needs
from app.web.sessions import current_actor


class DigestView(StaffView):
    """/admin/digest"""

    permission = SIGNED_IN
    endpoint = "digest"
    title = "Daily digest"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Where I am, and whether I want it."""
        zone, wanted = digest.wish(current_user.id)
        return self.render("alerts/digest.html", zone=zone, wanted=wanted)

    @expose("/", methods=("POST",))
    @needs(SIGNED_IN)
    def save(self) -> ResponseReturnValue:
        """Keep it."""
        zone, wanted = request.form.get("zone", "").strip(), "wanted" in request.form
        try:
            digest.set_wish(current_user.id, zone=zone, wanted=wanted, actor=current_actor())
        except DomainError as refusal:
            return self.render("alerts/digest.html", zone=zone[:64], wanted=wanted, error=str(refusal)), refusal.status
        flash("It is kept.", "success")
        return redirect(url_for(".index_view"), 303)
