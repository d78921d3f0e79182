"""Whose mirror this is."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, scoped_session

from app import clock
from app.database import db
from app.errors import ConfigurationError
from app.gateways.answer import Answer
from app.models.account import Account

# Any number, the same in every process: two of them must not both make the row.
_LOCK = 7266303


def current(livemode: bool) -> Account:
    """The account of this mode, made when there is none yet. Never ends a transaction of the caller."""
    found = _find(db.session)
    account = found.get(livemode)
    if account is None:
        _make(livemode)
        account = _find(db.session)[livemode]
    return account


def learn(account: Account, answer: Answer) -> None:
    """Keep what `GET /v1/account` said, in the transaction that is open.

    Raises:
        ConfigurationError: the key belongs to another account than the one whose objects are here.
    """
    stripe_id = answer.body.get("id")
    if account.stripe_id not in {None, stripe_id}:
        raise ConfigurationError(
            f"This database mirrors the account {account.stripe_id}, but STRIPE_SECRET_KEY belongs to {stripe_id}: "
            "give each account a database of its own."
        )
    account.stripe_id = stripe_id
    profile = answer.body.get("business_profile") or {}
    settings = answer.body.get("settings") or {}
    account.name = profile.get("name") or (settings.get("dashboard") or {}).get("display_name") or account.name


def _find(session: "Session | scoped_session[Any]") -> dict[bool, Account]:
    rows = session.scalars(select(Account).order_by(Account.id.desc()))
    return {row.livemode: row for row in rows}


def _make(livemode: bool) -> None:
    """In a transaction of its own: the caller's may be rolled back, and a page that only reads never commits."""
    with Session(db.engine, join_transaction_mode="create_savepoint") as session, session.begin():
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if livemode not in _find(session):
            session.add(Account(livemode=livemode, created_at=clock.now()))
