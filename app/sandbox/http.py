"""A small threaded HTTP/1.1 server that owns its sockets.

Why not one of the big ones: the fault switches must cut a reply in the middle, reset a connection without a reply and
lie about Content-Length, and no WSGI server lets an application do that. It listens on loopback only by default.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import BinaryIO

log = logging.getLogger(__name__)

MAX_HEAD = 64 * 1024
MAX_BODY = 32 * 1024 * 1024
IDLE_SECONDS = 300


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """`cut_after`: send that many body bytes, then close. `reset`: close with RST and no reply at all."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    content_length: int | None = None
    cut_after: int | None = None
    reset: bool = False


class BadRequest(Exception):
    """The bytes on the wire are not a request this server takes."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class HttpServer:
    """One thread a connection, keep-alive, bodies by length or in chunks."""

    def __init__(self, host: str, port: int, answer: Callable[[Request], Reply]) -> None:
        self._answer = answer
        self._socket = socket.create_server((host, port), backlog=512, reuse_port=False)
        self.port: int = self._socket.getsockname()[1]
        self._stopping = False

    def serve(self) -> None:
        """Accept until `stop` is called."""
        while not self._stopping:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _converse(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(IDLE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as stream:
                while self._exchange(connection, stream):
                    pass

    def _exchange(self, connection: socket.socket, stream: BinaryIO) -> bool:
        """Answer one request; False ends the connection."""
        try:
            request = _read(connection, stream)
        except BadRequest as error:
            connection.sendall(_head(Reply(error.status, b""), keep=False))
            return False
        if request is None:
            return False
        try:
            reply = self._answer(request)
        except Exception:  # the last net: one bad request must not end the server
            log.exception("%s %s", request.method, request.path)
            reply = Reply(500, b'{"error": {"type": "api_error", "message": "The sandbox itself failed."}}')
        return _send(connection, request, reply)


def _read(connection: socket.socket, stream: BinaryIO) -> Request | None:
    line = stream.readline(MAX_HEAD)
    if not line.strip():
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400)
    headers: dict[str, str] = {}
    size = len(line)
    while (line := stream.readline(MAX_HEAD)) not in (b"\r\n", b"\n", b""):
        size += len(line)
        if size > MAX_HEAD:
            raise BadRequest(431)
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    target = words[1]
    if "://" in target[:8]:
        target = "/" + target.split("/", 3)[3] if target.count("/") > 2 else "/"
    path, _, query = target.partition("?")
    if words[2] == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Request(words[0].upper(), path, query, headers, _read_body(stream, headers))


def _read_body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _read_chunks(stream)
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise BadRequest(400)
    if int(length) > MAX_BODY:
        raise BadRequest(413)
    return stream.read(int(length)) if length != "0" else b""


def _read_chunks(stream: BinaryIO) -> bytes:
    body = bytearray()
    while True:
        try:
            size = int(stream.readline(1024).split(b";")[0], 16)
        except ValueError:
            raise BadRequest(400) from None
        if len(body) + size > MAX_BODY:
            raise BadRequest(413)
        if size == 0:
            while stream.readline(MAX_HEAD) not in (b"\r\n", b"\n", b""):
                pass
            return bytes(body)
        body += stream.read(size)
        stream.readline(8)


def _send(connection: socket.socket, request: Request, reply: Reply) -> bool:
    if reply.reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    broken = reply.cut_after is not None or reply.content_length is not None
    keep = not broken and request.headers.get("connection", "").lower() != "close"
    body = b"" if request.method == "HEAD" else reply.body[: reply.cut_after]
    connection.sendall(_head(reply, keep=keep) + body)
    return keep


def _head(reply: Reply, *, keep: bool) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    length = len(reply.body) if reply.content_length is None else reply.content_length
    lines = [
        f"HTTP/1.1 {reply.status} {phrase}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {length}",
        f"Connection: {'keep-alive' if keep else 'close'}",
    ]
    lines += [f"{name}: {' '.join(value.split())}" for name, value in reply.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
