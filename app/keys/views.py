"""Keys for programs: the list, making one, and what can be done with it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar
from uuid import uuid4

from flask import current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement, and_, or_

from app import clock
from app.audit import trail
from app.audit.masked import as_entry
from app.errors import Conflict, DomainError
from app.keys import forms, operations
from app.keys.operations import House
from app.models.api_key import ApiKey
from app.settings import Settings
from app.web import bearer, columns, proof
from app.web.accounts import current_account
from app.web.admin import expose
from app.web.filters import ChoiceFilter, Filter
from app.web.listing import ListView
from app.web.lookup import find
from app.web.permissions import FOR_KEYS, Permission
from app.web.roles import permissions_of
from app.web.sessions import current_actor


def state_of(key: ApiKey) -> str:
    """As the list says it: a key stops while nobody with access answers for it."""
    state = key.state(clock.now())
    return "stopped" if state in {"active", "ending"} and not key.owner.is_active else state


def _in_state(state: str) -> ColumnElement[bool]:
    now = clock.now()
    alive = and_(ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))
    return {
        "working": alive,
        "ending": and_(alive, ApiKey.replaced_by_id.is_not(None)),
        "expired": and_(ApiKey.revoked_at.is_(None), ApiKey.expires_at <= now),
        "revoked": ApiKey.revoked_at.is_not(None),
    }[state]


def _end(key: ApiKey) -> datetime | None:
    return key.revoked_at or key.expires_at


class KeysView(ListView[ApiKey, ApiKey]):
    """/admin/keys"""

    model = ApiKey
    permission = Permission.API_KEY_MANAGE
    endpoint = "api_keys"
    section_url = "/admin/keys"
    title = "Keys for programs"
    group = "Oversight"
    icon = "key"
    noun = ("key", "keys")
    lead = "With a key a program acts here in place of a person, and may never more than who answers for it."
    order = "made"
    search_hint = "Name, or how the key begins"
    empty_title = "No program has a key yet"
    empty_text = "Make one when a program of yours has to ask or do something here."
    template = "keys/list.html"
    columns = (
        columns.text("name", "Name", lambda key: key.name, priority=1),
        columns.status("state", "State", "api_key", state_of),
        columns.code("prefix", "Begins with", lambda key: key.prefix, priority=2),
        columns.text("scopes", "May", lambda key: ", ".join(key.scopes), priority=3),
        columns.text("owner", "Answers for it", lambda key: key.owner.email, priority=3),
        columns.instant("used", "Last used", lambda key: key.last_used_at),
        columns.text("from", "From", lambda key: key.last_used_ip, priority=3),
        columns.instant("ends", "Ends", _end, priority=3),
        columns.instant("made", "Made", lambda key: key.created_at, sort=ApiKey.created_at, priority=3),
    )
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="state",
            label="State",
            options=(
                ("working", "Working"),
                ("ending", "Rotated, ending"),
                ("expired", "Expired"),
                ("revoked", "Revoked"),
            ),
            match=_in_state,
        ),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        # Whoever pastes a whole key finds it by the part that is no secret.
        return or_(ApiKey.name.icontains(text, autoescape=True), ApiKey.prefix == text[:20])

    def line_url(self, line: ApiKey) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/new", methods=("GET",))
    def new(self) -> ResponseReturnValue:
        return self._form(forms.USUAL | dict(proof.unfinished()))

    @expose("/new", methods=("POST",))
    def make(self) -> ResponseReturnValue:
        """Make one, and show it this once."""
        typed = forms.typed(request.form)
        if ask := proof.missing(url_for(".new"), typed=typed):
            return ask
        try:
            key = operations.make(
                forms.wish_of(typed),
                key_id=forms.promise_of(request.form),
                owner_id=current_user.id,
                house=_house(),
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._form(typed, error=str(refusal)), refusal.status
        return self.render("keys/made.html", key=key, name=typed["name"], old=None)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One key, and what was done with it here."""
        row = _key(key)
        held = permissions_of(row.owner.role) if row.owner.is_active else frozenset()
        known = {scope.value: scope for scope in Permission}
        return self.render(
            "keys/details.html",
            key=row,
            state=state_of(row),
            scopes=[
                (known[scope].label if scope in known else scope, scope in held & FOR_KEYS) for scope in row.scopes
            ],
            entries=[as_entry(entry) for entry in trail.of("api_key", row.prefix, limit=20)],
            opens=_opens(row),
            works=state_of(row) in {"active", "ending", "stopped"},
            is_mine=row.owner_id == current_user.id,
        )

    @expose("/<key>/rotate", methods=("GET",))
    def rotate_form(self, key: str) -> ResponseReturnValue:
        return self._rotate_page(_key(key))

    @expose("/<key>/rotate", methods=("POST",))
    def rotate(self, key: str) -> ResponseReturnValue:
        """Make its successor, and show that this once."""
        row = _key(key)
        name, overlap = row.name, request.form.get("overlap", "")
        if ask := proof.missing(url_for(".rotate_form", key=row.id)):
            return ask
        try:
            made = operations.rotate(
                row.id,
                new_id=forms.promise_of(request.form),
                overlap=int(overlap) if overlap.isascii() and overlap.isdigit() and len(overlap) < 5 else -1,  # noqa: PLR2004
                owner_id=current_user.id,
                house=_house(),
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._rotate_page(_key(key), error=str(refusal)), refusal.status
        return self.render("keys/made.html", key=made, name=name, old=_key(key))

    @expose("/<key>/revoke", methods=("POST",))
    def revoke(self, key: str) -> ResponseReturnValue:
        """At once, and without asking who it is: a leaked key must not wait for a code."""
        row = _key(key)
        return self._act(
            row,
            lambda: operations.revoke(row.id, account_id=row.account_id, actor=current_actor()),
            "The key opens nothing any more.",
        )

    @expose("/<key>/take-over", methods=("POST",))
    def take_over(self, key: str) -> ResponseReturnValue:
        """Answer for somebody else's key."""
        row = _key(key)
        if ask := proof.missing(url_for(".details", key=row.id)):
            return ask
        return self._act(
            row,
            lambda: operations.take_over(
                row.id, account_id=row.account_id, owner_id=current_user.id, actor=current_actor()
            ),
            "You answer for this key now.",
        )

    def _act(self, row: ApiKey, act: Callable[[], None], done: str) -> ResponseReturnValue:
        back = url_for(".details", key=row.id)
        try:
            act()
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(done, "success")
        return redirect(back, 303)

    def _form(self, typed: dict[str, str], *, error: str = "") -> str:
        return self.render(
            "keys/new.html",
            typed=typed,
            ticked=typed.get("scopes", "").split(),
            offered=forms.offered(current_user.permissions),
            ends=forms.ENDS,
            speeds=forms.SPEEDS,
            longest=operations.LONGEST_NAME,
            promise=uuid4(),
            error=error,
        )

    def _rotate_page(self, row: ApiKey, *, error: str = "") -> str:
        state = row.state(clock.now())
        return self.render(
            "keys/rotate.html",
            key=row,
            can=state == "active",
            overlaps=operations.OVERLAPS,
            usual=operations.OVERLAP,
            promise=uuid4(),
            error=error,
        )


def _opens(row: ApiKey) -> str:
    """Whose data, and in which mode."""
    account = current_account()
    mode = "live" if "_live_" in row.prefix else "test"
    return f"{account.name or account.stripe_id or 'the account'}, {mode}" if account else mode


def _key(key: str) -> ApiKey:
    return find(ApiKey, key, what="key")


def _house() -> House:
    """
    Raises:
        Conflict: Stripe was never heard of, so there is nothing that a key could open.
    """
    settings: Settings = current_app.extensions["settings"]
    account = current_account()
    if account is None:
        raise Conflict("Nothing was read from Stripe yet, so a key would open nothing. Run the first sync.")
    return House(account.id, settings.livemode, bearer.seal(), settings.domain)
