"""One's passkeys: add, rename, remove."""

from collections.abc import Callable
from typing import ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.errors import BadRequest, DomainError
from app.staff.door import seal
from app.staff.passkeys import operations
from app.staff.passkeys.door import answer, asked, brought, refused, site
from app.staff.passkeys.entering import Question
from app.web import proof
from app.web.admin import StaffView, expose
from app.web.permissions import SIGNED_IN, Need
from app.web.sessions import current_actor


class PasskeysView(StaffView):
    """The page that makes a passkey; the list of them stands with the other second factors."""

    permission: ClassVar[Need] = SIGNED_IN
    before_factor: ClassVar = True
    endpoint = "passkeys"
    title = "Add a passkey"
    icon = "fingerprint"
    in_menu = False

    @expose("/")
    def index_view(self) -> str:
        return self._page()

    @expose("/begin", methods=("POST",))
    def begin(self) -> ResponseReturnValue:
        return proof.missing(_factors()) or redirect(self.get_url(".index_view"), 303)

    @expose("/question", methods=("POST",))
    def question(self) -> ResponseReturnValue:
        """What the browser needs to make one."""
        if not current_user.proved_recently:
            back = url_for("sign_in.again", next=self.get_url(".index_view"))
            return refused("You are asked first who you are.", 403, to=back)
        return asked(Question(*operations.begin(current_user.id, session_id=current_user.session_id, site=site())))

    @expose("/add", methods=("POST",))
    def add(self) -> ResponseReturnValue:
        """Keep the one it made."""
        name = request.form.get("name", "")
        try:
            codes = operations.add(
                current_user.id,
                brought(),
                answer(),
                name=name,
                session_id=current_user.session_id,
                site=site(),
                seal=seal(),
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._page(error=str(refusal), name=name), refusal.status
        if codes:
            lead = "Your passkey is set up. Signing in asks for it from now on."
            return self.render("factors/codes.html", codes=codes, lead=lead)
        flash("Your passkey is set up.", "success")
        return redirect(_factors(), 303)

    @expose("/rename", methods=("POST",))
    def rename(self) -> ResponseReturnValue:
        name = request.form.get("name", "")
        return self._act(
            lambda: operations.rename(current_user.id, _named(), name, actor=current_actor()), "The passkey is renamed."
        )

    @expose("/remove", methods=("POST",))
    def remove(self) -> ResponseReturnValue:
        if ask := proof.missing(_factors()):
            return ask
        return self._act(
            lambda: operations.remove(current_user.id, _named(), actor=current_actor()),
            "The passkey is removed. Delete it in the device as well, so that it is not offered any more.",
        )

    def _act(self, act: Callable[[], None], done: str) -> ResponseReturnValue:
        try:
            act()
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(done, "success")
        return redirect(_factors(), 303)

    def _page(self, *, error: str | None = None, name: str = "") -> str:
        return self.render("factors/passkey.html", error=error, name=name[:60])


def _factors() -> str:
    return url_for("second_factor.index_view")


def _named() -> bytes:
    """Which one a form is about.

    Raises:
        BadRequest: it names none.
    """
    try:
        return bytes.fromhex(request.form.get("passkey", ""))
    except ValueError as error:
        raise BadRequest("You have no such passkey.") from error
