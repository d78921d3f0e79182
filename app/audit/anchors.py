"""Heads of the trail, noted outside the database: whoever can do everything to its tables cannot take them back.

One line a head in one file of a folder that should belong to another machine or another person:

2026-11-26T03:40:00+00:00 1204:5f2c…
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import bindparam, text

from app import clock
from app.audit.chain import Head
from app.database import db
from app.errors import ConfigurationError, DomainError

FILE = "heads.txt"
_THERE = text("SELECT id, hash FROM audit_logs WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))


class HeadLost(DomainError):
    """The trail is not the one whose head was noted: nothing newer is noted before somebody has looked."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head, and when it was noted."""

    head: Head
    noted_at: datetime

    def __str__(self) -> str:
        return f"{self.noted_at.isoformat(timespec='seconds')} {self.head}"


def noted(folder: Path) -> list[Anchor]:
    """Every head of this folder's file, oldest first; none where there is no file.

    Raises:
        ConfigurationError: a line is none that was written by `note`, or the file cannot be read.
    """
    path = folder / FILE
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    return [_anchor(line, path, number) for number, line in enumerate(lines, 1) if line.strip()]


def note(head: Head, folder: Path) -> Anchor | None:
    """Write it behind the others and wait for the disk. None when this head stands there already since today.

    Raises:
        ConfigurationError: the folder cannot be written to.
    """
    known, anchor = noted(folder), Anchor(head, clock.now())
    if known and known[-1].head == head and known[-1].noted_at.date() == anchor.noted_at.date():
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Appended in one write: a process that dies leaves a whole line or none.
        file = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, f"{anchor}\n".encode("ascii"))
            os.fsync(file)
        finally:
            os.close(file)
    except OSError as error:
        raise ConfigurationError(f"The head of the trail cannot be noted in {folder}: {error}") from error
    return anchor


def check(anchors: Sequence[Anchor]) -> None:
    """Ask for the noted entries alone: quick, and enough to see that none was cut off or written anew up to the last of them.

    Raises:
        HeadLost: one is not there, or is another one.
    """
    ids = sorted({anchor.head.id for anchor in anchors})
    there = {row.id: bytes(row.hash) for row in db.session.execute(_THERE, {"ids": ids})} if ids else {}
    for anchor in anchors:
        if there.get(anchor.head.id) != anchor.head.hash:
            raise HeadLost(
                f"Entry {anchor.head.id} of the trail is not the one that was noted on {anchor.noted_at:%Y-%m-%d}. "
                "Run `flask audit verify`."
            )


def _anchor(line: str, path: Path, number: int) -> Anchor:
    noted_at, _, head = line.strip().partition(" ")
    try:
        instant = datetime.fromisoformat(noted_at)
        return Anchor(Head.parse(head), instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except ValueError as error:
        raise ConfigurationError(f"Line {number} of {path} is no head of the trail.") from error
