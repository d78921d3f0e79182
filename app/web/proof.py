"""Acts that matter ask again who somebody is, when that was last proved more than ten minutes ago."""

from collections.abc import Mapping

from flask import flash, redirect, url_for
from flask_login import current_user
from sqlalchemy import select, update
from werkzeug import Response

from app.database import db, transaction
from app.models.staff import StaffSession


def missing(back: str, *, typed: Mapping[str, str] | None = None) -> Response | None:
    """An answer that asks who somebody is, and then leads to `back`, a page of ours; None when there is nothing to ask.

    It asks for the second factor, or the password of who has none.

    `if ask := proof.missing(self.get_url(".details", id=…)): return ask`
    typed: what stands in the form. The page at `back` finds it in `unfinished()`.
    """
    if current_user.proved_recently:
        if typed:
            _keep(None)
        return None
    if typed:
        _keep(typed)
    flash(
        "Nothing was changed yet: you were asked first who you are. Please repeat what you were about to do.",
        "warning",
    )
    return redirect(url_for("sign_in.again", next=back), 303)


def unfinished() -> Mapping[str, str]:
    """What this session's person had typed when the password was asked for; empty when there is no such thing."""
    mine = select(StaffSession.unfinished).where(StaffSession.id == current_user.session_id)
    return db.session.execute(mine).scalar_one() or {}


def _keep(typed: Mapping[str, str] | None) -> None:
    """With the session: a cookie is too small for it, and an address would be written into logs."""
    # PostgreSQL stores no NUL.
    kept = {name: text.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, text in typed.items()} if typed else None
    mine = update(StaffSession).where(StaffSession.id == current_user.session_id)
    with transaction():
        db.session.execute(mine.values(unfinished=kept))
