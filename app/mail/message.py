"""From a row of the outbox to the message that goes over the wire."""

from collections.abc import Sequence
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from app.models.mail import Mail, MailAttachment


def message_id(mail: Mail, sender: str) -> str:
    """The same for every try of one mail, so that a letter which came twice is shown once."""
    host = parseaddr(sender)[1].rpartition("@")[2]
    return f"<{mail.id}@{host}>"


def build(mail: Mail, words: tuple[str, str | None], files: Sequence[MailAttachment], sender: str) -> EmailMessage:
    """The message with these words as text and HTML, from `sender` (`Name <address>`)."""
    text, html = words
    message = EmailMessage(policy=policy.SMTP)
    name, address = parseaddr(sender)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = message_id(mail, sender)
    # Asks holiday notes and the like not to answer.
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = mail.language
    message.set_content(text, cte="quoted-printable")
    if html is not None:
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    for file in files:
        main, _, sub = file.type.partition("/")
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=file.name)
    return message
