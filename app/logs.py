"""Logs are for machines: one JSON object a line, a dotted name and fields, no secrets, no card data."""

import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRETS = re.compile(
    r"(?:sk|rk)_(?:test|live)_[0-9A-Za-z_]+|whsec_[0-9A-Za-z_+/=]+|(?<=cf_live_[0-9A-Za-z]{12})[0-9A-Za-z]+|(?<=cf_test_[0-9A-Za-z]{12})[0-9A-Za-z]+|(?:pi|seti|cs)_[0-9A-Za-z]+_secret_[0-9A-Za-z]+"
)
# Thirteen to nineteen digits, perhaps in groups: looks like a card number, so it is treated as one. One UUID in a thousand has
# as many in a row; those are ours, and a trail that cut them could not be found again.
_CARD = re.compile(
    r"(?<![0-9A-Za-z_])(?:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})|(?:[0-9][ -]?){12,18}[0-9])(?![0-9A-Za-z_])"
)
# What PostgreSQL adds to an error: the key that exists already, or the whole row that was refused, password hash and all.
_ROW = re.compile(
    r"DETAIL:.*?(?=\n(?:HINT|CONTEXT|QUERY|LINE \d+):|\n\[SQL|\n\n(?:The above|During handling)|\Z)", re.DOTALL
)


def redact(text: str) -> str:
    """The text without keys, client secrets and what looks like a card number."""
    return _CARD.sub(lambda found: found[1] or "[card number]", _SECRETS.sub("[secret]", text))


def redact_error(text: str) -> str:
    """The same for what an exception says: without the rows that a database error quotes."""
    return redact(_ROW.sub("DETAIL: [row]", text))


class JsonLines(logging.Formatter):
    """One record, one line that a log collector can parse, whatever a visitor put into it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "name": record.name,
            "event": redact(record.getMessage()),
        }
        if known := request_id.get():
            line["request_id"] = known
        line |= {key: _plain(value) for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["error"] = redact_error(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def told(record: logging.LogRecord) -> str:
    """A record as one line for people: the event, and its fields as they were given."""
    fields = [f"{key}={_plain(value)}" for key, value in vars(record).items() if key not in _STANDARD]
    return " ".join([redact(record.getMessage()), *fields])


def configure(level: str) -> None:
    """Send everything to standard error as JSON lines; safe to call more than once."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # The SDK logs request bodies at DEBUG, which hold names and addresses.
    logging.getLogger("stripe").setLevel(logging.WARNING)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return redact(value.encode("utf-8", "replace").decode())
    return value
