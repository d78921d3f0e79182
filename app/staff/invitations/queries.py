"""Links that can still be used."""

from sqlalchemy import select

from app import clock
from app.database import db
from app.models.invitation import Invitation
from app.web.tokens import digest

NOT_ENDED = (Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))


def open_link(token: str) -> Invitation | None:
    """The link with this token, if it is still good."""
    alive = select(Invitation).where(
        Invitation.token_hash == digest(token), Invitation.expires_at > clock.now(), *NOT_ENDED
    )
    return db.session.execute(alive.execution_options(populate_existing=True)).scalar_one_or_none()
