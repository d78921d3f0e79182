"""Whose data these pages show: the Stripe account of the mode the program runs in."""

from flask import current_app, g
from sqlalchemy import select

from app.database import db
from app.models.account import Account
from app.settings import Settings


def current_account() -> Account | None:
    """The account, None while Stripe was never heard of. Asked once a request."""
    if "account" not in g:
        settings: Settings = current_app.extensions["settings"]
        newest = select(Account).where(Account.livemode == settings.livemode).order_by(Account.id).limit(1)
        g.account = db.session.execute(newest).scalar_one_or_none()
        if g.account is not None:
            # Outside of the session it survives the rollbacks of transaction() without being read again.
            db.session.expunge(g.account)
    found: Account | None = g.account
    return found


def current_account_id() -> int:
    """Its id; 0 belongs to nobody, so that lists are empty before the first sync."""
    account = current_account()
    return account.id if account else 0
