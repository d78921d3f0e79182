"""A mail server on this machine that keeps what it is given, and says no when it is told to."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Caught:
    """What arrived. `answers`: what the server says to the next letters instead of 250; "cut" takes one and breaks the line,
    "hang" takes one and says nothing for a minute."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    accept: bool = True
    logins: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def letters(self) -> list[EmailMessage]:
        return [message_from_bytes(e.original_content or b"", policy=policy.default) for e in self.envelopes]  # type: ignore[misc]

    def recipients(self) -> list[str]:
        return [address for envelope in self.envelopes for address in envelope.rcpt_tos]

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the library's name
        said = self.answers.pop(0) if self.answers else "250 OK"
        if said == "cut":
            self.envelopes.append(envelope)
            assert server.transport is not None
            server.transport.abort()
            raise asyncio.CancelledError
        if said == "hang":
            self.envelopes.append(envelope)
            await asyncio.sleep(60)
        if said.startswith("250"):
            self.envelopes.append(envelope)
        return said

    def authenticate(self, *sides: object) -> AuthResult:
        data = sides[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.accept, handled=self.accept)


@contextmanager
def catching(*, sign_in: bool = False) -> Iterator[Caught]:
    """Run it in a thread of this process."""
    caught = Caught()
    more = {"authenticator": caught.authenticate, "auth_require_tls": False} if sign_in else {}
    controller = Controller(caught, hostname="127.0.0.1", port=free_port(), **more)
    controller.start()
    caught.port = controller.port
    try:
        yield caught
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
