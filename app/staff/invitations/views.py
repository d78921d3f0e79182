"""The links that let people in: making one, and what became of each."""

from collections.abc import Sequence
from typing import ClassVar

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, and_

from app import clock
from app.errors import Conflict, DomainError, ReasonMissing
from app.models.invitation import Invitation
from app.models.staff import Staff
from app.staff import agreed
from app.staff.forms import InviteForm
from app.staff.invitations import operations
from app.staff.invitations.door import nothing_mailed, post
from app.staff.invitations.queries import NOT_ENDED
from app.staff.sso.provider import is_only_door
from app.web import columns, proof
from app.web.admin import expose, may
from app.web.filters import ChoiceFilter, Filter
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import ROLE_NAMES, Permission, needs
from app.web.sessions import current_actor


def _in_state(state: str) -> ColumnElement[bool]:
    now = clock.now()
    return {
        "open": and_(*NOT_ENDED, Invitation.expires_at > now),
        "expired": and_(*NOT_ENDED, Invitation.expires_at <= now),
        "used": Invitation.accepted_at.is_not(None),
        "withdrawn": Invitation.withdrawn_at.is_not(None),
    }[state]


def _what(link: Invitation) -> str:
    return "New password" if link.staff_id else f"Invitation as {ROLE_NAMES[link.role]}"


class InvitationsView(ListView[Invitation, Invitation]):
    """/admin/invitations"""

    model = Invitation
    permission = Permission.STAFF_READ
    endpoint = "invitations"
    title = "Invitations"
    icon = "mail"
    in_menu = False
    noun = ("link", "links")
    lead = "Links that let somebody choose a password. Each is good once, for 72 hours."
    of_account = False
    order = "made"
    search_hint = "E-mail address"
    empty_title = "Nobody was invited yet"
    empty_text = "Whoever is invited stands here, and whether they came."
    template = "invitations/list.html"
    columns = (
        columns.text("email", "For", lambda link: link.email, priority=1),
        columns.text("what", "What it does", _what, priority=1),
        columns.status("state", "State", "link", lambda link: link.state),
        columns.text("by", "Made by", lambda link: link.invited_by, priority=3),
        columns.instant("made", "Made", lambda link: link.created_at, sort=Invitation.created_at),
        columns.instant("ends", "Good until", lambda link: link.expires_at, priority=3),
    )
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="state",
            label="State",
            options=(("open", "Waiting"), ("used", "Used"), ("withdrawn", "Withdrawn"), ("expired", "Expired")),
            match=_in_state,
        ),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return Invitation.email.contains(text.lower(), autoescape=True)

    def line_url(self, line: Invitation) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new", methods=("GET", "POST"))
    @needs(Permission.STAFF_MANAGE)
    def new(self) -> ResponseReturnValue:
        """Invite somebody."""
        _check_passwords_count()
        typed = dict(proof.unfinished()) if request.method == "GET" else {}
        form = InviteForm(data=typed or None)
        if not form.validate_on_submit():
            return self._form(form, 400 if request.method == "POST" else 200)
        email = (form.email.data or "")[:254]
        reason = (form.reason.data or "")[:2_000]
        if ask := proof.missing(url_for(".new"), typed={"email": email, "role": form.role.data, "reason": reason}):
            return ask
        try:
            if agreed.is_needed(agreed.INVITE_NAME):
                asked = agreed.ask_for_invitation(email, form.role.data, reason=reason, actor=current_actor())
                return redirect(url_for("approvals.details", key=asked.id), 303)
            link = operations.invite(email, role=form.role.data, post=post(), actor=current_actor())
        except ReasonMissing as refusal:
            form.reason.errors = [str(refusal)]
            return self._form(form, 422)
        except DomainError as refusal:
            form.email.errors = [str(refusal)]
            return self._form(form, 422)
        return self.made(link, email, shown=True)

    @expose("/password/<staff_id>", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def password(self, staff_id: str) -> ResponseReturnValue:
        """A link with which somebody chooses a new password."""
        _check_passwords_count()
        person = find(Staff, staff_id, what="person", of_account=False)
        if ask := proof.missing(url_for("staff.details", staff_id=person.id)):
            return ask
        try:
            link = operations.send_password_link(person.id, post=post(), actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(url_for("staff.details", staff_id=person.id), 303)
        # Whoever has the link could come in as this person: it is shown only where no mail can carry it.
        return self.made(link, person.email, shown=post().account_id is None)

    @expose("/<key>")
    def details(self, key: str) -> str:
        """One link."""
        link = find(Invitation, key, what="link", of_account=False)
        return self.render(
            "invitations/details.html",
            link=link,
            what=_what(link),
            may_renew=may(Permission.STAFF_MANAGE) and link.state == "open" and not link.staff_id and nothing_mailed(),
            may_withdraw=may(Permission.STAFF_MANAGE) and link.state in {"open", "expired"},
        )

    @expose("/<key>/withdraw", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def withdraw(self, key: str) -> ResponseReturnValue:
        link_id = find(Invitation, key, what="link", of_account=False).id
        try:
            operations.withdraw(link_id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("The link is worthless from now on.", "success")
        return redirect(url_for(".details", key=link_id), 303)

    @expose("/<key>/renew", methods=("POST",))
    @needs(Permission.STAFF_MANAGE)
    def renew(self, key: str) -> ResponseReturnValue:
        """A link to hand over, where no mail carried it."""
        _check_passwords_count()
        known = find(Invitation, key, what="link", of_account=False)
        link_id, email = known.id, known.email
        if ask := proof.missing(url_for(".details", key=link_id)):
            return ask
        try:
            link = operations.renew(link_id, post=post(), actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
            return redirect(url_for(".details", key=link_id), 303)
        return self.made(link, email, shown=True)

    def made(self, link: str, email: str, *, shown: bool) -> str:
        """The page that shows a link this once, or says where it went."""
        return self.render(
            "invitations/made.html",
            link=link if shown else None,
            email=email.strip().lower(),
            mailed=post().account_id is not None,
        )

    def _form(self, form: InviteForm, status: int) -> ResponseReturnValue:
        page = self.render(
            "invitations/new.html",
            form=form,
            nothing_mailed=nothing_mailed(),
            needs_another=agreed.is_needed(agreed.INVITE_NAME),
        )
        return page, status


def _check_passwords_count() -> None:
    """
    Raises:
        Conflict: nobody comes in with a password here.
    """
    if is_only_door():
        raise Conflict("Here people come in by single sign-on only: give them access at the identity provider.")
