"""One key, one effect: the answer of a write is kept in the transaction that made it and given again."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.sandbox import codec
from app.sandbox.errors import StripeError
from app.sandbox.params import Upload

if TYPE_CHECKING:
    from app.sandbox.tx import Tx

MAX_KEY = 255
_running: set[tuple[int, str]] = set()
_lock = threading.Lock()


@contextlib.contextmanager
def held(key: str | None, generation: int) -> Iterator[None]:
    """Only one request at a time may use a key in one life of the world.

    This process is the only one, so its memory is enough: what a killed process was doing was rolled back.
    """
    if key is None:
        yield
        return
    if len(key) > MAX_KEY:
        raise StripeError(f"The idempotency key is longer than {MAX_KEY} characters.", type="idempotency_error")
    used = (generation, key)
    with _lock:
        if used in _running:
            raise StripeError(
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later.",
                status=409,
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        _running.add(used)
    try:
        yield
    finally:
        with _lock:
            _running.discard(used)


def fingerprint(method: str, path: str, params: dict[str, Any]) -> str:
    """The same for the same request however its parameters were ordered; never taken from the raw body."""
    return hashlib.sha256(codec.dumps([method, path, _ordered(params)]).encode()).hexdigest()


def earlier(tx: Tx, key: str, print_: str, *, method: str, path: str) -> tuple[int, str, str] | None:
    """Status, body and request id of the first answer under this key; refused when it was another request."""
    tx.cursor.execute(
        "SELECT fingerprint, request, status, body, created FROM idempotency WHERE key = %s", (codec.column_text(key),)
    )
    row = tx.cursor.fetchone()
    if row is None or row[4] < tx.now - 24 * 3600:
        return None
    if row[0] != print_:
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters and endpoint they were first used "
            f"with. This request ({method} {path}) differs. Try using a key other than '{key}' if you meant to execute "
            "a different request.",
            type="idempotency_error",
        )
    return row[2], row[3], row[1]


def keep(tx: Tx, key: str, print_: str, *, status: int, body: str) -> None:
    tx.cursor.execute(
        "INSERT INTO idempotency (key, fingerprint, request, created, status, body) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (key) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, request = EXCLUDED.request,"
        " created = EXCLUDED.created, status = EXCLUDED.status, body = EXCLUDED.body",
        (codec.column_text(key), print_, tx.request_id, tx.now, status, body),
    )


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return [[name, _ordered(value[name])] for name in sorted(value)]
    if isinstance(value, list):
        return [_ordered(item) for item in value]
    if isinstance(value, Upload):
        return [value.filename, value.content_type, hashlib.sha256(value.content).hexdigest()]
    return value
