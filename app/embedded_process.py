"""Is our embedded server alive, and which process is it? A number in a file is not an answer: numbers are reused."""

import contextlib
import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

NAMED_LINES = 8  # postmaster.pid: pid, data, start time, port, socket folder, listen address, memory key, status


@dataclass(frozen=True)
class PidFile:
    """What postmaster.pid says. `pid` is 0 when the file is empty or torn."""

    pid: int
    sockets: Path | None
    ready: bool


def read_pid_file(data: Path) -> PidFile | None:
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    pid = int(lines[0]) if lines and lines[0].strip().isdecimal() else 0
    sockets = Path(lines[4]) if len(lines) > 4 and lines[4] else None  # noqa: PLR2004 - fifth line
    return PidFile(pid, sockets, ready=len(lines) >= NAMED_LINES and lines[NAMED_LINES - 1].strip() == "ready")


def find(data: Path) -> psutil.Process | None:
    """The running postmaster of this data folder, whatever postmaster.pid says, or None."""
    noted = read_pid_file(data)
    if noted is not None and noted.pid:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(noted.pid)
            if _serves(process, data):
                return process
    return next((process for process in psutil.process_iter() if _serves(process, data)), None)


def forget_strangers(data: Path) -> None:
    """Remove a postmaster.pid that would block a start for ever; call only when `find` found nothing.

    PostgreSQL itself handles the number of a dead process (and then checks that no orphan still uses the memory), so
    only the two cases it cannot judge are ours: the number of a living stranger, and an empty file.
    """
    noted = read_pid_file(data)
    if noted is not None and (noted.pid == 0 or psutil.pid_exists(noted.pid)):
        (data / "postmaster.pid").unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """A zombie nobody has reaped (a container without init) is not alive."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def gone(pid: int, patience: float) -> bool:
    """Whether it ended, after waiting up to `patience` seconds."""
    give_up = time.monotonic() + patience
    while alive(pid):
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True


def _serves(process: psutil.Process, data: Path) -> bool:
    """Only the postmaster keeps its command line; its children rename themselves to 'postgres: …'."""
    try:
        command = process.cmdline()
        if not command or Path(command[0]).name != "postgres" or process.status() == psutil.STATUS_ZOMBIE:
            return False
    except psutil.Error:
        return False
    # It works inside its data folder, so this stays true when the project is moved or renamed under it.
    with contextlib.suppress(psutil.Error):
        if place := process.cwd():
            return Path(place) == data
    return any(before == "-D" and Path(given) == data for before, given in itertools.pairwise(command))
