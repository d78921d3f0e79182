"""All that is kept of one person as a zip file: JSON and CSV of every table, and a manifest with their hashes.

It is written while it is read. Staff are named by what they are and not by who: their addresses are nobody's business outside.
"""

import hashlib
import io
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import orjson
import zstandard
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.customers import belongings
from app.customers.belongings import Mine
from app.database import db, transaction
from app.mirror import raw
from app.models.customer import Customer
from app.models.staff import Staff
from app.web.cells import cell

STAFF = "staff"
# Where staff sat and what their browser was called says nothing about the customer. Hashes and wrappings neither.
_LEFT_OUT = frozenset({"ip", "request_id", "hash", "previous_hash", "user_agent"})
_PACKED = ("raw", "body")


def hand_out(customer: Customer, *, actor: Actor) -> Iterator[bytes]:
    """Write down who takes it, then the zip file, piece by piece."""
    with transaction():
        trail.record(actor, "customer.exported", "customer", customer.id, account_id=customer.account_id)
    return _zip(customer.id, customer.account_id)


def _zip(customer_id: str, account_id: int) -> Iterator[bytes]:
    staff = frozenset(db.session.scalars(select(Staff.email)))
    mine = list(belongings.found(customer_id, account_id))
    db.session.rollback()
    sink = _Sink()
    files: list[dict[str, Any]] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in mine:
            for name, lines in (
                (f"{part.table.name}.json", _as_json(part, staff)),
                (f"{part.table.name}.csv", _as_csv(part, staff)),
            ):
                digest, size = hashlib.sha256(), 0
                with archive.open(name, "w") as entry:
                    for piece in lines:
                        entry.write(piece)
                        digest.update(piece)
                        size += len(piece)
                        yield sink.drain()
                files.append({"name": name, "rows": len(part.keys), "bytes": size, "sha256": digest.hexdigest()})
        manifest = {"customer": customer_id, "made_at": clock.now().isoformat(), "files": files}
        archive.writestr("manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    yield sink.drain()


def _as_json(mine: Mine, staff: frozenset[str]) -> Iterator[bytes]:
    """An array, one row a line, with the whole objects of Stripe."""
    before = b"[\n"
    for batch in belongings.rows(mine):
        yield before + b",\n".join(orjson.dumps(_told(row, staff), default=str) for row in batch)
        before = b",\n"
    yield b"\n]\n"


def _as_csv(mine: Mine, staff: frozenset[str]) -> Iterator[bytes]:
    """A line a row, without the whole objects, harmless in a spreadsheet."""
    columns = (str(column.name) for column in mine.table.columns)
    names = [name for name in columns if name not in _LEFT_OUT and name not in _PACKED]
    yield _line(names)
    for batch in belongings.rows(mine):
        told = (_told(row, staff) for row in batch)
        yield b"".join(_line(_flat(row[name]) for name in names) for row in told)


def _told(row: dict[str, Any], staff: frozenset[str]) -> dict[str, Any]:
    # The names of columns are a kind of str that the encoder does not know.
    return {str(name): _plain(value, staff) for name, value in row.items() if name not in _LEFT_OUT}


def _plain(value: Any, staff: frozenset[str]) -> Any:
    """As JSON has it; packed objects are unpacked, and whoever works here is `staff`."""
    if isinstance(value, dict):
        return {key: _plain(inner, staff) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, staff) for inner in value]
    if isinstance(value, (bytes, memoryview)):
        return _unpacked(bytes(value))
    if isinstance(value, str):
        return STAFF if value in staff else value
    return value


def _unpacked(value: bytes) -> Any:
    try:
        return raw.unpack(value)
    except (zstandard.ZstdError, orjson.JSONDecodeError):
        return b64encode(value).decode()


def _flat(value: Any) -> object:
    if isinstance(value, (dict, list)):
        return orjson.dumps(value, default=str).decode()
    return value if value is None or isinstance(value, (bool, int, datetime)) else str(value)


def _line(values: Iterable[object]) -> bytes:
    quoted = ('"' + cell(value).replace('"', '""') + '"' for value in values)
    return (",".join(quoted) + "\r\n").encode()


class _Sink(io.RawIOBase):
    """Where the zip file goes until somebody takes it on."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def drain(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held
