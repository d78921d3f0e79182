"""The embedded PostgreSQL: what runs when DATABASE_URL is unset.

It drives `initdb` and `postgres` from the wheel directly and never imports the wheel; docs/decisions says why.
A server is one folder, belongs to one OS user, listens on a unix socket in a 0700 folder and on no network.
Every process that calls `start` shares it and it outlives them all: it ends with `stop`, with the machine, or
within a minute of its folder being deleted.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from app import embedded_process as process
from app.embedded_home import (
    MAJOR,
    SOCKET,
    EmbeddedUnavailable,
    Home,
    check_passage,
    claim,
    existing,
    private_folder,
    programs,
)

__all__ = ["EmbeddedUnavailable", "Status", "start", "status", "stop"]

ROLE = DATABASE = "counterfoil"
PATIENCE = 20.0  # seconds; nothing here waits longer

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",  # the log is read below, and by people asking for help
    "log_min_duration_statement": "1000",
}
FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
LARGEST_LOG = 10_000_000  # bytes; then it is moved aside at the next start
ORPHANS = "pre-existing shared memory block"  # PostgreSQL's words: the server was killed, its children are still ending


@dataclass(frozen=True)
class Status:
    """What `flask embedded status` shows. `url` is None unless the server answers; `pid` is None unless it runs."""

    folder: Path
    exists: bool
    pid: int | None
    url: str | None

    def __str__(self) -> str:
        if not self.exists:
            return f"No database in {self.folder} yet."
        if self.pid is None:
            return f"The database in {self.folder} is stopped."
        answer = f"answers on {self.url}" if self.url else "does not answer yet"
        return f"The database in {self.folder} runs as process {self.pid} and {answer}."


def start(folder: Path, *, durable: bool = True) -> str:
    """The URL of database `counterfoil`; starts the server and creates either when missing.

    Call it from any number of processes, any number of times. `durable=False` trades safety for speed and is for tests;
    a server that already runs is used as it is. Raises EmbeddedUnavailable, after at most 20 seconds.
    """
    home = claim(folder)
    if _answers(_url(home)):
        return _url(home)
    deadline = time.monotonic() + PATIENCE
    with _alone(home, deadline):
        check_passage(home)
        if not home.data.exists():
            _initialise(home, deadline, durable=durable)
        _check_version(home)
        _bring_up(home, deadline, durable=durable)
        _create_database(home)
    return _url(home)


def stop(folder: Path) -> None:
    """End the server in an orderly way (clients are disconnected, everything is on disk). Nothing to do is fine."""
    home = existing(folder)
    if home is None or not home.data.exists():
        return
    deadline = time.monotonic() + PATIENCE
    with _alone(home, deadline):
        server = process.find(home.data)
        if server is not None:
            _end(server, home, deadline)


def status(folder: Path) -> Status:
    """Look, without starting or changing anything."""
    home = existing(folder)
    if home is None or not home.data.exists():
        return Status(folder, exists=False, pid=None, url=None)
    server = process.find(home.data)
    url = _url(home) if server is not None and _answers(_url(home)) else None
    return Status(folder, exists=True, pid=server.pid if server else None, url=url)


def _url(home: Home, role: str = ROLE, database: str = DATABASE) -> str:
    """Both SQLAlchemy and libpq read this form; the path of the socket folder may hold any character."""
    return f"postgresql://{role}@/{database}?host={quote(str(home.sockets), safe='')}"


def _answers(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=2).close()
    except psycopg2.OperationalError:
        return False
    return True


@contextlib.contextmanager
def _alone(home: Home, deadline: float) -> Iterator[None]:
    """One process at a time starts or stops this server. The kernel frees the lock when its holder dies."""
    try:
        handle = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedUnavailable(
            f"{home.lock} cannot be written ({error.strerror}): the database there belongs to the OS user "
            f"{home.owner.name!r}; start as that user, or set INSTANCE_DIR to a folder of your own."
        ) from error
    try:
        home.give(home.lock)
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedUnavailable(
                        f"Another process has been starting or stopping the database in {home.folder} "
                        f"for {PATIENCE:.0f} seconds; look at {home.log} and try again."
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(handle)


def _initialise(home: Home, deadline: float, *, durable: bool) -> None:
    """Make the data folder beside its place and rename it, so a killed initdb leaves nothing half made behind."""
    for half_made in home.folder.glob("data.new*"):
        shutil.rmtree(half_made)
    fresh = home.folder / "data.new"
    try:
        made = home.owner.run(
            programs(home) / "initdb",
            *("-D", fresh, "-U", "postgres", "--auth-local=trust", "--auth-host=reject"),
            # Orders like C, yet lower() and ILIKE know that É is é.
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if durable else ("--no-sync",)),
            timeout=max(deadline - time.monotonic(), 1),
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedUnavailable(
            f"PostgreSQL did not finish making its data in {home.data} within {PATIENCE:.0f} seconds; "
            "this disk is very slow or full: free it, or set INSTANCE_DIR to another one."
        ) from error
    if made.returncode != 0:
        raise EmbeddedUnavailable(f"PostgreSQL could not make its data in {home.data}: {_last_line(made.stderr)}")
    # A server whose folder was deleted under it lives on for up to a minute, and would take our socket with it.
    forgotten = process.find(home.data)
    if forgotten is not None:
        _end(forgotten, home, deadline)
    fresh.rename(home.data)


def _check_version(home: Home) -> None:
    found = (home.data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise EmbeddedUnavailable(
            f"The data in {home.data} were written by PostgreSQL {found} and this release brings {MAJOR}; "
            f"dump them with the release that wrote them, move the folder away, start, and restore."
        )


def _bring_up(home: Home, deadline: float, *, durable: bool) -> None:
    """Until the server answers: start it when it does not run, wait when it does (it may be recovering or stopping)."""
    position = 0
    pid: int | None = None
    while not _answers(_url(home, "postgres", "postgres")):
        if time.monotonic() > deadline:
            raise EmbeddedUnavailable(
                f"The database in {home.folder} does not answer after {PATIENCE:.0f} seconds; it may still be "
                f"recovering from a crash, so try again. Its log says: {_last_line(_log_since(home, position))}"
            )
        time.sleep(0.05)
        if pid is not None and process.alive(pid):
            continue
        if pid is not None:
            _check_why_it_ended(home, position)
        running = process.find(home.data)
        if running is None:
            position = _trim(home.log)
            pid = _launch(home, durable=durable)
        elif _cut_off(home):
            _end(running, home, deadline)


def _check_why_it_ended(home: Home, position: int) -> None:
    """Only one reason passes by itself, and it is worth another try."""
    words = _log_since(home, position)
    if ORPHANS not in words:
        raise EmbeddedUnavailable(f"PostgreSQL did not start in {home.folder}: {_last_line(words)}; see {home.log}.")
    time.sleep(0.3)


def _cut_off(home: Home) -> bool:
    """It is up, but somebody deleted its socket: nobody new can ever reach it."""
    noted = process.read_pid_file(home.data)
    return noted is not None and noted.ready and not (home.sockets / SOCKET).exists()


def _launch(home: Home, *, durable: bool) -> int:
    """Start postgres as a process of its own and return its pid."""
    private_folder(home.sockets, home)
    process.forget_strangers(home.data)
    for left in (SOCKET, f"{SOCKET}.lock"):
        (home.sockets / left).unlink(missing_ok=True)
    home.log.touch(mode=0o600)
    home.give(home.log)
    # The folder setting is a list, so the path is quoted in PostgreSQL's way.
    settings = SETTINGS | {"unix_socket_directories": '"' + str(home.sockets).replace('"', '""') + '"'}
    settings |= {} if durable else FORGETFUL
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    # The shell only detaches it: no quoting takes place, every argument arrives as it is.
    script = 'log=$1; shift; "$@" >>"$log" 2>&1 </dev/null & echo $!'
    server = programs(home) / "postgres"
    started = home.owner.run("/bin/sh", "-c", script, "sh", home.log, server, "-D", home.data, *options, timeout=5)
    return int(started.stdout)


def _create_database(home: Home) -> None:
    connection = psycopg2.connect(_url(home, "postgres", "postgres"), connect_timeout=2)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
            if cursor.fetchone() is None:
                # No superuser: what works here works on a managed database too.
                cursor.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE} TEMPLATE template0")
    finally:
        connection.close()


def _end(server: psutil.Process, home: Home, deadline: float) -> None:
    """First disconnect everybody and finish (SIGINT); when that takes too long, at once, recovering later (SIGQUIT)."""
    try:
        server.send_signal(signal.SIGINT)
        if process.gone(server.pid, deadline - time.monotonic() - 5):
            return
        server.send_signal(signal.SIGQUIT)
        if process.gone(server.pid, 4):
            return
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise EmbeddedUnavailable(
            f"The database in {home.folder} is run by the OS user {home.owner.name!r}; stop it as that user."
        ) from error
    raise EmbeddedUnavailable(f"The database process {server.pid} of {home.folder} does not end; look at {home.log}.")


def _trim(log: Path) -> int:
    """Where the next words of the log will stand, in bytes."""
    if not log.exists():
        return 0
    size = log.stat().st_size
    if size <= LARGEST_LOG:
        return size
    log.rename(log.with_suffix(".log.old"))
    return 0


def _log_since(home: Home, position: int) -> str:
    if not home.log.exists():
        return ""
    with home.log.open("rb") as log:
        log.seek(position)
        return log.read().decode(errors="replace")


def _last_line(words: str) -> str:
    """The line that says why: the last error, or else the last line."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    grave = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    return (grave or lines or ["it said nothing"])[-1]
