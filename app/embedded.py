"""The embedded PostgreSQL: what runs when DATABASE_URL is unset.

It drives `initdb` and `postgres` from the wheel directly and never imports the wheel; docs/decisions says why.
A server is one folder, belongs to one OS user, listens on a unix socket in a 0700 folder and on no network.
Every process that calls `start` shares it and it outlives them all: it ends with `stop`, with the machine, or
within a minute of its folder being deleted.
"""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app import embedded_process as process
from app import embedded_server as server
from app.embedded_home import EmbeddedUnavailable, Home, check_passage, claim, existing
from app.embedded_server import PATIENCE

__all__ = ["EmbeddedUnavailable", "Status", "start", "status", "stop"]


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
    deadline = time.monotonic() + PATIENCE
    home = claim(folder)
    if server.answers(server.url_of(home)):
        return server.url_of(home)
    with _alone(home, deadline):
        check_passage(home)
        if not home.data.exists():
            server.initialise(home, deadline, durable=durable)
        server.check_version(home)
        server.bring_up(home, deadline, durable=durable)
        server.create_database(home)
    return server.url_of(home)


def stop(folder: Path) -> None:
    """End the server in an orderly way (clients are disconnected, everything is on disk). Nothing to do is fine."""
    home = existing(folder)
    if home is None or not home.data.exists():
        return
    deadline = time.monotonic() + PATIENCE
    with _alone(home, deadline):
        running = process.find(home.data)
        if running is not None:
            server.end(running, home, deadline)


def status(folder: Path) -> Status:
    """Look, without starting or changing anything."""
    home = existing(folder)
    if home is None or not home.data.exists():
        return Status(folder, exists=False, pid=None, url=None)
    running = process.find(home.data)
    url = server.url_of(home) if running is not None and server.answers(server.url_of(home)) else None
    return Status(folder, exists=True, pid=running.pid if running else None, url=url)


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


def main(words: list[str]) -> int:
    """`python -m app.embedded stop FOLDER…`, for scripts; people use `flask embedded`."""
    acts: dict[str, Callable[[Path], object]] = {"start": start, "stop": stop, "status": status}
    if len(words) < 2 or words[0] not in acts:  # noqa: PLR2004 - an act and a folder
        sys.stderr.write("python -m app.embedded start|stop|status FOLDER …\n")
        return 2
    try:
        answers = [acts[words[0]](Path(folder)) for folder in words[1:]]
    except EmbeddedUnavailable as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    sys.stdout.writelines(f"{answer}\n" for answer in answers if answer is not None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
