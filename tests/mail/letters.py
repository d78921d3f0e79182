"""Letters to put into the outbox."""

from typing import Any
from uuid import UUID

from app.database import db, transaction
from app.mail import outbox
from app.mail.letters import Letter
from app.models.mail import Mail
from tests import factories


def letter(**changes: str) -> Letter:
    return Letter(**{"kind": "test.letter", "subject": "Hello", "text": "Dear Jane,\nall is well.\n"} | changes)  # type: ignore[arg-type]


def posted(to: str = "jane@example.com", *, words: dict[str, str] | None = None, **more: Any) -> UUID:
    account_id = factories.account().id
    with transaction():
        return outbox.post(letter(**(words or {})), to=to, account_id=account_id, by="ana@shop.example", **more)


def mail(mail_id: UUID) -> Mail:
    """As the database has it now."""
    return db.session.get_one(Mail, mail_id, populate_existing=True)
