"""The processes `make run` looks after: started with a log each, watched, and ended together."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_PATIENCE = 60.0  # seconds until a process must answer
END_PATIENCE = 10.0  # seconds between asking and killing
TAIL = 15  # lines of a log that are worth showing


class LaunchFailed(Exception):
    """Something could not be started; the message says what, why, and what to do."""


class Children:
    """Named processes. `end` asks all of them, last started first, and kills what does not listen."""

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self.logs = logs
        path = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH"))))
        # Flask finds the application and the packages of this clone whatever folder we were started from.
        self.environment = environment | {"FLASK_APP": "wsgi", "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *words: str, answers: str = "", **environment: str) -> None:
        """`python -m words…` in the background; returns when `answers` (a URL) is served, if given."""
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
            )
        if answers:
            self.wait_for(name, lambda: _is_served(answers), f"answer on {answers}")

    def flask(self, *words: str, given: str = "") -> str:
        """A flask command to its end; what it printed. Raises LaunchFailed with its last words."""
        ended = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "-m", "flask", *words],
            cwd=ROOT,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode != 0:
            said = "\n".join((ended.stdout + ended.stderr).strip().splitlines()[-TAIL:])
            raise LaunchFailed(f"`flask {' '.join(words)}` failed:\n{said}")
        return ended.stdout

    def watch(self) -> None:
        """Until one of them ends, which none should."""
        while True:
            for name, process in self.running.items():
                if process.poll() is not None:
                    raise LaunchFailed(self._last_words(name, f"The {name} process ended by itself"))
            time.sleep(0.5)

    def end(self) -> None:
        for process in reversed(self.running.values()):
            _signal(process, signal.SIGTERM)
        give_up = time.monotonic() + END_PATIENCE
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(give_up - time.monotonic(), 0.1))
        for process in self.running.values():
            # Also what a process left behind in its session when it went down.
            _signal(process, signal.SIGKILL)
            process.wait()
        self.running.clear()

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def wait_for(self, name: str, fact: Callable[[], bool], what: str) -> None:
        """Until the fact is true. Raises LaunchFailed, with what it failed to do, when the process ends or takes too long."""
        give_up = time.monotonic() + START_PATIENCE
        while not fact():
            if self.running[name].poll() is not None:
                raise LaunchFailed(self._last_words(name, f"The {name} process did not start"))
            if time.monotonic() > give_up:
                raise LaunchFailed(self._last_words(name, f"The {name} process does not {what}"))
            time.sleep(0.1)

    def _last_words(self, name: str, what: str) -> str:
        lines = self.log(name).read_text(errors="replace").strip().splitlines()[-TAIL:]
        return "\n".join([f"{what}. Its log, {self.log(name)}, ends:", *lines])


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _is_served(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - 127.0.0.1
            return bool(answer.status < 400)  # noqa: PLR2004 - HTTP's line between fine and not
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
