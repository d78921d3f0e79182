"""Guessing is slow: few wrong tries for one e-mail address, and few from one network address, count in every process."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, text

from app import clock
from app.database import db, transaction
from app.errors import DomainError
from app.models.staff import SignInAttempt

WINDOW = timedelta(minutes=15)
FOR_ONE_EMAIL = 5
FROM_ONE_ADDRESS = 10


class TooManyTries(DomainError):
    """Too many wrong passwords; trying again helps only after `minutes`."""

    status = 429

    def __init__(self, minutes: int) -> None:
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many tries. You can sign in again in {minutes} {unit}.")
        self.minutes = minutes


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was let through; it counts as wrong until it is known to be right."""

    id: int


def let_through(email: str, ip: str) -> Try:
    """Count this try before the password is looked at: guesses sent all at once are no cheaper than one by one.

    Raises:
        TooManyTries: the password is not even looked at. Such a try does not count, so that the lock ends by itself.
    """
    with transaction():
        for name in sorted({f"email:{email}", f"ip:{ip}"}):
            db.session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 7266303))"), {"name": name})
        waits = [
            _wait(SignInAttempt.email == email, allowed=FOR_ONE_EMAIL),
            _wait(SignInAttempt.ip == ip, allowed=FROM_ONE_ADDRESS),
        ]
        if wait := max(waits):
            raise TooManyTries(-(-wait // timedelta(minutes=1)))
        attempt = SignInAttempt(at=clock.now(), email=email, ip=ip, succeeded=False)
        db.session.add(attempt)
        db.session.flush()
        return Try(attempt.id)


def forgive(attempt: Try) -> None:
    """In the caller's transaction: this try was right. The wrong ones before it still count: they may be somebody else's."""
    db.session.get_one(SignInAttempt, attempt.id).succeeded = True


def _wait(whose: ColumnElement[bool], *, allowed: int) -> timedelta:
    """How long until fewer than `allowed` wrong tries lie in the window."""
    now = clock.now()
    wrong = (
        select(SignInAttempt.at)
        .where(whose, SignInAttempt.succeeded.is_(False), SignInAttempt.at > now - WINDOW)
        .order_by(SignInAttempt.at.desc())
        .offset(allowed - 1)
        .limit(1)
    )
    blocking: datetime | None = db.session.execute(wrong).scalar_one_or_none()
    return blocking + WINDOW - now if blocking is not None else timedelta()
