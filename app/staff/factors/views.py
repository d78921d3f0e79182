"""One's own second factor: an authenticator app, passkeys, recovery codes."""

from collections.abc import Callable
from typing import ClassVar

import segno
from flask import current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.errors import DomainError
from app.settings import Settings
from app.staff.door import seal
from app.staff.factors import operations, queries, totp
from app.staff.passkeys.ceremonies import Site
from app.web import proof
from app.web.admin import StaffView, expose
from app.web.permissions import SIGNED_IN, Need
from app.web.sessions import current_actor

ISSUER = "Counterfoil"


class SecondFactorView(StaffView):
    """What one needs beside the password. Open also to people whose role has to have a second factor and who have none yet."""

    permission: ClassVar[Need] = SIGNED_IN
    before_factor: ClassVar = True
    endpoint = "second_factor"
    section_url = "/admin/second-factor"
    title = "Second factor"
    icon = "shield-lock"
    in_menu = False

    @expose("/")
    def index_view(self) -> str:
        return self._page()

    @expose("/authenticator")
    def authenticator(self) -> ResponseReturnValue:
        """The QR code of a secret that waits for its first code."""
        return self._enrolment()

    @expose("/authenticator/begin", methods=("POST",))
    def begin(self) -> ResponseReturnValue:
        if ask := proof.missing(self.get_url(".index_view")):
            return ask
        try:
            operations.begin_authenticator(current_user.id, seal=seal(), actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(self.get_url(".index_view"), 303)
        return redirect(self.get_url(".authenticator"), 303)

    @expose("/authenticator/confirm", methods=("POST",))
    def confirm(self) -> ResponseReturnValue:
        try:
            codes = operations.confirm_authenticator(
                current_user.id,
                request.form.get("code", ""),
                session_id=current_user.session_id,
                seal=seal(),
                actor=current_actor(),
            )
        except operations.WrongCode as refusal:
            return self._enrolment(error=str(refusal))
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(self.get_url(".index_view"), 303)
        if codes:
            return self._codes(codes, "Your authenticator app is set up. Signing in asks for its code from now on.")
        flash("Your authenticator app is set up.", "success")
        return redirect(self.get_url(".index_view"), 303)

    @expose("/authenticator/remove", methods=("POST",))
    def remove(self) -> ResponseReturnValue:
        return self._act(
            lambda: operations.remove_authenticator(current_user.id, actor=current_actor()),
            "The authenticator app is removed.",
        )

    @expose("/codes", methods=("POST",))
    def codes(self) -> ResponseReturnValue:
        """Ten new recovery codes, shown this once."""
        if ask := proof.missing(self.get_url(".index_view")):
            return ask
        try:
            codes = operations.renew_codes(current_user.id, seal=seal(), actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(self.get_url(".index_view"), 303)
        return self._codes(codes, "The earlier codes are worthless from now on.")

    def _act(self, act: Callable[[], object], done: str) -> ResponseReturnValue:
        back = self.get_url(".index_view")
        if ask := proof.missing(back):
            return ask
        try:
            act()
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(done, "success")
        return redirect(back, 303)

    def _page(self) -> str:
        settings: Settings = current_app.extensions["settings"]
        return self.render(
            "factors/index.html",
            factors=queries.factors_of(current_user.id),
            authenticator=queries.authenticator_of(current_user.id),
            passkeys=queries.passkeys_of(current_user.id),
            wanted=current_user.factor_wanted,
            passkeys_work=Site.of(settings.domain) is not None,
        )

    def _enrolment(self, *, error: str | None = None) -> ResponseReturnValue:
        kept = queries.authenticator_of(current_user.id)
        if kept is None or kept.confirmed_at is not None:
            return redirect(self.get_url(".index_view"), 303)
        secret = seal().open(kept.secret, owner=current_user.id)
        code = segno.make(totp.address(secret, email=current_user.email, issuer=ISSUER), error="m", micro=False)
        page = self.render(
            "factors/authenticator.html",
            # On white in the dark as well: most cameras read no light code on a dark ground.
            picture=code.svg_data_uri(scale=5, border=3, light="#fff", dark="#000"),
            secret=totp.written(secret),
            error=error,
        )
        return page, 422 if error else 200

    def _codes(self, codes: list[str], lead: str) -> str:
        return self.render("factors/codes.html", codes=codes, lead=lead)
