"""Letters that nobody but their receiver may read, like one with a link that lets somebody in.

Their words wait in the outbox encrypted, and are dropped as soon as the letter has come to an end. What the table, its copies
and /admin/mails show instead is one sentence.
"""

import json
from uuid import UUID

from flask import current_app

from app.mail.letters import Letter
from app.models.mail import Mail
from app.settings import Settings
from app.web.sealing import BrokenSeal, Seal

SHOWN = "What this letter says is for its receiver alone. It is not kept.\n"


class Unreadable(Exception):
    """Its words were shut with another SECRET_KEY."""


def shut(letter: Letter, *, mail_id: UUID) -> bytes:
    """The words, encrypted for this one mail."""
    settings: Settings = current_app.extensions["settings"]
    words = json.dumps([letter.text, letter.html]).encode()
    return Seal.for_letters(settings.secret_key).shut(words, owner=mail_id)


def words_of(mail: Mail, settings: Settings) -> tuple[str, str | None]:
    """Text and HTML as they go to the receiver.

    Raises:
        Unreadable: they cannot be had any more.
    """
    if not mail.secret:
        return mail.text, mail.html
    try:
        text, html = json.loads(Seal.for_letters(settings.secret_key).open(mail.sealed or b"", owner=mail.id))
    except BrokenSeal as error:
        raise Unreadable("SECRET_KEY is another one than when it was written. Make a new link.") from error
    return text, html
