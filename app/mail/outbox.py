"""The way out: a letter is written in the transaction that promises it, and a job sends it.

letter = letters.write("receipt.copy", amount=str(charge.total))
outbox.post(letter, to=address, account_id=charge.account_id, by=actor.name, dedup=f"receipt:{promise}")
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_if_new

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict
from app.mail import addresses, envelopes
from app.mail.letters import Letter, one_line
from app.models.mail import Mail, MailAttachment

# Many mail servers take 10 MB, and on the way a file grows by a third.
LARGEST_ATTACHMENTS = 7_000_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along. `type`: like `application/pdf`."""

    name: str
    type: str
    content: bytes


def post(  # noqa: PLR0913 - what a letter has: all but its words by name
    letter: Letter,
    *,
    to: str,
    account_id: int,
    by: str,
    dedup: str | None = None,
    about: tuple[str, str] | None = None,
    customer_id: str | None = None,
    attachments: Iterable[Attachment] = (),
    not_before: datetime | None = None,
) -> UUID:
    """Put a letter into the outbox, in the caller's transaction; the id of the mail.

    to: one address, checked here. by: the name of the actor who wrote it.
    dedup: names the promise that this letter keeps, like `dispute.due:dp_1:3d`; a second letter for the same promise is not
    written, and the id of the first comes back.
    about: the type and id of the object it is about.

    Raises:
        BadAddress: `to` is not one address. BadRequest: the attachments are too large.
    """
    files = list(attachments)
    if sum(len(file.content) for file in files) > LARGEST_ATTACHMENTS:
        raise BadRequest("The attached files are larger than mail servers take: 7 MB together at most.")
    now, mail_id = clock.now(), uuid4()
    sealed = envelopes.shut(letter, mail_id=mail_id) if letter.secret else None
    text, html = (envelopes.SHOWN, None) if letter.secret else (letter.text, letter.html)
    values = {
        "id": mail_id, "account_id": account_id, "kind": letter.kind, "language": letter.language,
        "recipient": addresses.checked(to), "subject": one_line(letter.subject), "text": _storable(text),
        "html": _storable(html) if html is not None else None, "secret": letter.secret, "sealed": sealed,
        "about_type": about[0] if about else None, "about_id": about[1] if about else None, "customer_id": customer_id,
        "dedup_key": dedup, "asked_by": by, "queued_at": now, "not_before": not_before or now, "state": "queued",
    }  # fmt: skip
    return _added(values, files)


def send_again(mail_id: UUID, *, promise: str, actor: Actor) -> UUID:
    """Queue the same letter once more, as a mail of its own; the form's `promise` sent twice is one.

    Raises:
        Conflict: it is still on its way, or its words were for its receiver alone.
    """
    with transaction():
        mail = db.session.get_one(Mail, mail_id, with_for_update=True, populate_existing=True)
        if mail.secret:
            raise Conflict("What this mail said is not kept, so it cannot be sent again. Make a new link.")
        if mail.words_gone_at is not None:
            raise Conflict("What this mail said is not kept any more, so it cannot be sent again.")
        if not mail.may_repeat:
            raise Conflict("This mail is still on its way. Wait until it was sent, or has failed.")
        key = f"again:{mail_id}:{promise}"
        if known := _of_promise(mail.account_id, key):
            return known
        now = clock.now()
        same = (
            "account_id",
            "kind",
            "language",
            "recipient",
            "subject",
            "text",
            "html",
            "about_type",
            "about_id",
            "customer_id",
        )
        fresh = {"id": uuid4(), "dedup_key": key, "again_of_id": mail_id, "asked_by": actor.name, "state": "queued"}
        again = _added({name: getattr(mail, name) for name in same} | fresh | {"queued_at": now, "not_before": now}, ())
        if again == fresh["id"]:
            _copy_files(mail_id, again)
            trail.record(
                actor, "mail.sent_again", "mail", str(mail_id), account_id=mail.account_id, after={"mail": again}
            )
    return again


def cancel(mail_id: UUID, *, actor: Actor) -> None:
    """Take a letter out that still waits.

    Raises:
        Conflict: it does not wait any more.
    """
    with transaction():
        mail = db.session.get_one(Mail, mail_id, with_for_update=True, populate_existing=True)
        if not mail.may_cancel:
            raise Conflict("This mail does not wait any more, so it cannot be called back.")
        mail.state, mail.sealed = "canceled", None
        trail.record(
            actor, "mail.canceled", "mail", str(mail_id), account_id=mail.account_id, before={"state": "queued"}
        )


def files_of(mail_id: UUID) -> list[MailAttachment]:
    """What goes along with it, in order."""
    of_mail = select(MailAttachment).where(MailAttachment.mail_id == mail_id)
    return list(db.session.scalars(of_mail.order_by(MailAttachment.id)))


def _added(values: dict[str, object], files: Iterable[Attachment]) -> UUID:
    """The id of the new row, or of the one that keeps this promise already."""
    new = insert_if_new(Mail).values(values).on_conflict_do_nothing(index_elements=["account_id", "dedup_key"])
    found = db.session.execute(new.returning(Mail.id)).scalar()
    if found is None:
        return _of_promise(values["account_id"], values["dedup_key"])  # type: ignore[return-value] # it is there
    rows = [{"mail_id": found, "name": one_line(f.name), "type": f.type, "content": f.content} for f in files]
    if rows:
        db.session.execute(insert(MailAttachment), rows)
    return found


def _of_promise(account_id: object, key: object) -> UUID | None:
    return db.session.scalar(select(Mail.id).where(Mail.account_id == account_id, Mail.dedup_key == key))


def _copy_files(old: UUID, new: UUID) -> None:
    names = [MailAttachment.mail_id, MailAttachment.name, MailAttachment.type, MailAttachment.content]
    copied = select(db.literal(new), *names[1:]).where(MailAttachment.mail_id == old).order_by(MailAttachment.id)
    db.session.execute(insert(MailAttachment).from_select(names, copied))


def _storable(text: str) -> str:
    """Without what PostgreSQL or a mail server cannot hold: NUL, lone surrogates."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
