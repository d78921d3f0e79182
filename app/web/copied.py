"""Lists as CSV that PostgreSQL writes itself: no line becomes an object here, so that a million of them take seconds."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from sqlalchemy import Engine, Select, event, text

from app.database import db

_OPTION = "copied_to"
_LINES_AT_ONCE = 1_000
_IN_MEMORY = 4_000_000
_PIECE = 262_144


def copied(statements: Iterator[Select[Any]]) -> Iterator[bytes]:
    """The rows of one statement after the other as lines of CSV, in pieces.

    A statement's lines wait in a file without a name, so that the database is done with it while the browser takes its time.
    """
    for statement in statements:
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            _copy(statement, file)
            file.seek(0)
            while piece := file.read(_PIECE):
                yield piece


def _copy(statement: Select[Any], file: IO[bytes]) -> None:
    lines = _Lines(file)
    # What is looked up beside each row, such as its customer, is remembered within this.
    db.session.execute(text("SET LOCAL work_mem = '32MB'"))
    try:
        db.session.connection().execute(statement, execution_options={_OPTION: lines})
    except OSError:
        # The disk is full: the server goes on sending to a connection nobody listens to.
        db.session().invalidate()
        raise
    lines.flush()
    db.session.rollback()


class _Lines:
    """What COPY is read into, a line at a time: PostgreSQL ends it with LF, and RFC 4180 wants CR LF."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._waiting: list[bytes] = []

    def write(self, line: bytes) -> None:
        self._waiting.append(line[:-1])
        if len(self._waiting) == _LINES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        self._file.write(b"".join([b"%b\r\n" % line for line in self._waiting]))
        self._waiting.clear()


@event.listens_for(Engine, "do_execute")
def _run(cursor: Any, statement: str, values: Any, context: Any) -> bool:
    """Answers for SQLAlchemy where a statement is to be copied. COPY takes no values, so the driver writes them into it, quoted."""
    lines = context.execution_options.get(_OPTION)
    if lines is None:
        return False
    cursor.copy_expert(b"COPY (%b) TO STDOUT (FORMAT csv)" % cursor.mogrify(statement, values), lines)
    return True
