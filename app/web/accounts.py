"""Whose data these pages show: the Stripe account of the mode the program runs in."""

from typing import Any

from flask import current_app, g
from sqlalchemy import Select, select

from app.database import db
from app.models.account import Account
from app.settings import Settings


def current_account() -> Account | None:
    """The account, None while Stripe was never heard of. Asked once a request."""
    if "account" not in g:
        settings: Settings = current_app.extensions["settings"]
        newest = select(Account).where(Account.livemode == settings.livemode).order_by(Account.id).limit(1)
        remember(db.session.execute(newest).scalar_one_or_none())
    found: Account | None = g.account
    return found


def current_account_id() -> int:
    """Its id; 0 belongs to nobody, so that lists are empty before the first sync."""
    account = current_account()
    return account.id if account else 0


def with_current(one: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """A question whose answer is one row, with the account or None behind it."""
    settings: Settings = current_app.extensions["settings"]
    joined = one.add_columns(Account).outerjoin(Account, Account.livemode == settings.livemode)
    return joined.order_by(Account.id).limit(1)


def remember(account: Account | None) -> None:
    """Keep what was asked for the rest of this request."""
    if account is not None:
        # Outside of the session it survives the rollbacks of transaction() without being read again.
        db.session.expunge(account)
    g.account = account
