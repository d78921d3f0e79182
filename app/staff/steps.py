"""What a sign-in remembers from one request to the next, once and for a few minutes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from app import clock
from app.database import db
from app.models.sign_in_step import SignInStep
from app.web.tokens import digest, new_token

# Long enough to fetch the phone from another room, or to sign in at the identity provider.
PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Step:
    """A step that somebody came back with."""

    staff_id: UUID | None
    data: dict[str, Any]


def begin(
    kind: str, *, staff_id: UUID | None = None, data: dict[str, Any] | None = None, lasts: timedelta = PATIENCE
) -> str:
    """In the caller's transaction: a step that waits; answers what the browser has to bring back."""
    token = new_token()
    now = clock.now()
    db.session.add(
        SignInStep(
            id=digest(token), kind=kind, staff_id=staff_id, data=data or {}, created_at=now, expires_at=now + lasts
        )
    )
    return token


def look(token: str, kind: str) -> Step | None:
    """The step, left where it is: a wrong code may be tried again."""
    alive = select(SignInStep.staff_id, SignInStep.data).where(
        SignInStep.id == digest(token), SignInStep.kind == kind, SignInStep.expires_at > clock.now()
    )
    row = db.session.execute(alive).one_or_none()
    return Step(*row) if row else None


def take(token: str, kind: str) -> Step | None:
    """In the caller's transaction: the step, which nobody gets a second time. None when it is gone, too old, or another kind."""
    taken = (
        delete(SignInStep)
        .where(SignInStep.id == digest(token), SignInStep.kind == kind, SignInStep.expires_at > clock.now())
        .returning(SignInStep.staff_id, SignInStep.data)
    )
    row = db.session.execute(taken).one_or_none()
    return Step(*row) if row else None
