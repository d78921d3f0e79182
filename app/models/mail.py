"""Mail on its way out, and what became of it."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

# `queued` and `sending` are under way; the other four are ends.
STATES = ("queued", "sending", "sent", "failed", "kept", "canceled")


class Mail(Base):
    """One letter to one address. Its Message-ID is made from `id`, so that a letter sent twice by accident shows as one.

    kind: a dotted name that is also its template's, like `receipt.copy`.
    dedup_key: the promise it keeps; the same promise of one account never mails twice.
    about_type, about_id: the object it is about, for example charge and `ch_…`; customer_id: whose history it belongs to.
    state: queued (to be sent from `not_before` on), sending, sent, failed, kept (in sandbox and test mode nothing is sent
    without a mail server), canceled.
    asked_at: somebody has been talking to the mail server about it since then.
    doubts: how often the server's answer was lost after it may have taken the letter.
    secret: nobody but the receiver may read it; `text` says so, and the words wait encrypted in `sealed` until the end.
    words_gone_at: since then what it said is not kept any more.
    again_of_id: the letter that this one repeats. asked_by: the person or job that wrote it.
    """

    __tablename__ = "mails"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("state <> 'sending' OR asked_at IS NOT NULL", name="sending_since"),
        CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent_has_time"),
        CheckConstraint("sealed IS NULL OR (secret AND state IN ('queued', 'sending'))", name="sealed_until_the_end"),
        # A line break in one of these would be a header of the writer's own choice.
        CheckConstraint("recipient !~ '[[:cntrl:][:space:]]' AND position('@' in recipient) > 1", name="recipient"),
        CheckConstraint("subject !~ '[[:cntrl:]]'", name="subject"),
        Index(
            "ix_mails_with_words",
            "queued_at",
            postgresql_where=sql("words_gone_at IS NULL AND state NOT IN ('queued', 'sending')"),
        ),
        Index("uq_mails_promise", "account_id", "dedup_key", unique=True),
        Index("ix_mails_due", "not_before", postgresql_where=sql("state IN ('queued', 'sending')")),
        Index(None, "account_id", "queued_at", "id"),
        Index(None, "account_id", "about_id"),
        Index(None, "account_id", "customer_id", "queued_at"),
        Index("ix_mails_recipient", "account_id", sql("lower(recipient)")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    language: Mapped[str] = mapped_column(server_default=sql("'en'"))
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str | None]
    secret: Mapped[bool] = mapped_column(server_default=sql("false"), default=False)
    sealed: Mapped[bytes | None]
    about_type: Mapped[str | None]
    about_id: Mapped[str | None]
    customer_id: Mapped[str | None]
    dedup_key: Mapped[str | None]
    again_of_id: Mapped[UUID | None]
    asked_by: Mapped[str]
    queued_at: Mapped[datetime]
    not_before: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=sql("'queued'"))
    tries: Mapped[int] = mapped_column(server_default=sql("0"), default=0)
    doubts: Mapped[int] = mapped_column(server_default=sql("0"), default=0)
    asked_at: Mapped[datetime | None]
    error: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    words_gone_at: Mapped[datetime | None]

    @property
    def may_cancel(self) -> bool:
        """It still waits."""
        return self.state == "queued"

    @property
    def may_repeat(self) -> bool:
        """It has come to an end, whichever, and its words are still there."""
        return not self.secret and self.words_gone_at is None and self.state not in {"queued", "sending"}


class MailAttachment(Base):
    """A file that goes with a letter."""

    __tablename__ = "mail_attachments"
    __table_args__ = (
        CheckConstraint("name !~ '[[:cntrl:]]' AND length(name) BETWEEN 1 AND 200", name="name"),
        Index(None, "mail_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    mail_id: Mapped[UUID] = mapped_column(ForeignKey("mails.id", ondelete="CASCADE"))
    name: Mapped[str]
    type: Mapped[str]
    content: Mapped[bytes]
