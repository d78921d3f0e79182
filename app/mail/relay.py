"""The mail server: one connection, and its answers in three kinds, because each means something else for the letter."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

# For each answer of the server. A letter is small; a server that needs longer is down.
_PATIENCE_SECONDS = 30
_PERMANENT = range(500, 600)


class RelayAway(Exception):
    """No connection, or no sign-in: nothing was handed over, and nothing else can be either."""


class NotNow(Exception):
    """The server said no for the moment, or said no answer that is final. Nothing was handed over."""


class Never(Exception):
    """The server said no for good: this address, or this letter."""


class Doubt(Exception):
    """The line broke after the letter had begun: the server may or may not have taken it."""


@contextmanager
def connected(url: str) -> Iterator[smtplib.SMTP]:
    """A signed-in connection to `smtp://`, `smtp+starttls://` or `smtps://user:password@host:port`.

    Raises:
        RelayAway: it cannot be had.
    """
    try:
        line = _open(url)
    except (OSError, smtplib.SMTPException) as error:
        raise RelayAway(f"The mail server cannot be used: {_words(error)}") from error
    try:
        yield line
    finally:
        # It is all the same what a server says to a goodbye.
        with suppress(OSError, smtplib.SMTPException):
            line.quit()


def secured_by(line: smtplib.SMTP) -> str | None:
    """`TLSv1.3`, with the server's certificate checked; None when the line is plain."""
    return line.sock.version() if isinstance(line.sock, ssl.SSLSocket) else None


def is_here(url: str) -> bool:
    """The mail server is on this machine, where no line can be listened to."""
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


def hand_over(line: smtplib.SMTP, message: EmailMessage, *, sender: str, recipient: str) -> None:
    """Give the server one letter.

    Raises:
        Never, NotNow, Doubt: as each says.
    """
    try:
        line.sendmail(sender, [recipient], message.as_bytes())
    except smtplib.SMTPRecipientsRefused as refusal:
        code, words = refusal.recipients[recipient]
        raise (Never if code in _PERMANENT else NotNow)(_said(code, words)) from refusal
    except smtplib.SMTPResponseException as refusal:
        raise (Never if refusal.smtp_code in _PERMANENT else NotNow)(
            _said(refusal.smtp_code, refusal.smtp_error)
        ) from refusal
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise Doubt(f"The line to the mail server broke: {_words(error)}") from error
    except smtplib.SMTPException as error:
        raise NotNow(_words(error)) from error


def _open(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host = parts.hostname or ""
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        line: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=_PATIENCE_SECONDS, context=context)
    else:
        line = smtplib.SMTP(host, parts.port or (587 if "starttls" in parts.scheme else 25), timeout=_PATIENCE_SECONDS)
    try:
        if parts.scheme == "smtp+starttls":
            line.starttls(context=context)
        if parts.username:
            line.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        line.close()
        raise
    return line


def _said(code: int, words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"The mail server said {code} {text}"


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__
