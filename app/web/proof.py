"""Acts that matter ask for the password again when it was given more than ten minutes ago."""

from flask import flash, redirect, url_for
from flask_login import current_user
from werkzeug import Response


def missing(back: str) -> Response | None:
    """An answer that asks for the password and then leads to `back`, a page of ours; None when there is nothing to ask.

    `if ask := proof.missing(self.get_url(".details", id=…)): return ask`
    """
    if current_user.proved_recently:
        return None
    flash("Please give your password again, then repeat what you were about to do. Nothing was changed yet.", "warning")
    return redirect(url_for("sign_in.again", next=back), 303)
