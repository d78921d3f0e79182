"""Mails to people about their own access, in the transaction of what they are about."""

import logging
from collections.abc import Sequence
from datetime import UTC
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.database import db
from app.errors import BadRequest
from app.mail import letters, outbox
from app.models.account import Account
from app.models.alert import DigestWish
from app.models.staff import Staff

log = logging.getLogger("staff")


def factor_added(person: Staff, what: str) -> None:
    _tell(person, "staff.factor", what=what, done="added to", by="")


def factor_removed(person: Staff, what: str, *, by: Actor) -> None:
    """by: who did it; that it was somebody else is said."""
    other = "" if by.kind == "staff" and by.name == person.email else by.name
    _tell(person, "staff.factor", what=what, done="removed from", by=other)


def factor_copied(person: Staff, name: str) -> None:
    _tell(person, "staff.passkey_copied", what=name)


def came_from_elsewhere(person: Staff, *, browser: str, network: str, new: Sequence[str]) -> None:
    """new: what of it was never seen before, of "browser" and "network"."""
    words = " and ".join(f"a {what}" for what in new) + " that we have not seen before"
    _tell(person, "staff.new_place", browser=browser, network=network, new=words)


def _tell(person: Staff, kind: str, **facts: str) -> None:
    account_id = db.session.scalar(select(Account.id).order_by(Account.id).limit(1))
    if account_id is None:
        return
    letter = letters.write(kind, name=person.name, at=_their_time(person), **facts)
    try:
        outbox.post(letter, to=person.email, account_id=account_id, by="staff", dedup=f"{kind}:{uuid4()}")
    except BadRequest:
        # Somebody signs in with a name that no mail server knows.
        log.warning("staff.not_told", extra={"kind": kind})


def _their_time(person: Staff) -> str:
    """Now, where this person says they are: `26 November 2026, 14:05 (Europe/Berlin)`."""
    zone = db.session.scalar(select(DigestWish.zone).where(DigestWish.staff_id == person.id))
    now = clock.now().astimezone(ZoneInfo(zone) if zone else UTC)
    return f"{now.day} {now:%B %Y, %H:%M} ({zone or 'UTC'})"
