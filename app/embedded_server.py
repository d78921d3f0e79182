"""Making, starting and ending one embedded server. Whoever calls holds the home's lock."""

import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2

from app import embedded_process as process
from app.embedded_home import SOCKET, EmbeddedUnavailable, Home, private_folder
from app.embedded_programs import MAJOR, programs

ROLE = DATABASE = "counterfoil"
PATIENCE = 16.0  # seconds for everything together; a last connection or signal may add 4

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
FULL = "too many clients"  # PostgreSQL's words: it is up, with no connection to spare
ORPHANS = "pre-existing shared memory block"  # PostgreSQL's words: the server was killed, its children are still ending


def url_of(home: Home, role: str = ROLE, database: str = DATABASE) -> str:
    """Both SQLAlchemy and libpq read this form; the path of the socket folder may hold any character."""
    return f"postgresql://{role}@/{database}?host={quote(str(home.sockets), safe='')}"


def answers(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=2).close()
    except psycopg2.OperationalError as refusal:
        return FULL in str(refusal)
    return True


def initialise(home: Home, deadline: float, *, durable: bool) -> None:
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
        end(forgotten, home, deadline)
    fresh.rename(home.data)


def check_version(home: Home) -> None:
    found = (home.data / "PG_VERSION").read_text().strip()
    if found != str(MAJOR):
        raise EmbeddedUnavailable(
            f"The data in {home.data} were written by PostgreSQL {found} and this release brings {MAJOR}; "
            f"dump them with the release that wrote them, move the folder away, start, and restore."
        )


def bring_up(home: Home, deadline: float, *, durable: bool) -> None:
    """Until the server answers: start it when it does not run, wait when it does (it may be recovering or stopping)."""
    position = 0
    pid: int | None = None
    while not answers(url_of(home, "postgres", "postgres")):
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
            end(running, home, deadline)


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


def create_database(home: Home) -> None:
    connection = psycopg2.connect(url_of(home, "postgres", "postgres"), connect_timeout=2)
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


def end(server: psutil.Process, home: Home, deadline: float) -> None:
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
