"""The product as it really runs: web and jobs as processes of their own, beside a sandbox."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import requests

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0
Fact = TypeVar("Fact")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(question: Callable[[], Fact], *, within: float = PATIENCE) -> Fact:
    """The first truthy answer. It waits for a fact, never for a duration; an AssertionError names the last answer."""
    deadline = time.monotonic() + within
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {within:.0f} s")
        time.sleep(0.05)
    return answer


@dataclass
class Stack:
    """Processes of the product on one database and one sandbox. `stop()` ends them all, whatever happened to them."""

    database_url: str
    stripe_api_base: str
    webhook_secret: str
    folder: Path
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "STRIPE_API_BASE": self.stripe_api_base,
            "STRIPE_WEBHOOK_SECRET": self.webhook_secret,
            "SECRET_KEY": "a key for tests that is long enough to be one",
            "INSTANCE_DIR": str(self.folder),
            "DOMAIN": self.url,
            "PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "INFO",
        }

    def start_web(self, *, workers: int = 1) -> None:
        self.start(
            "web", sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", str(workers), "--blocking-threads", "128", "--respawn-failed-workers",
            "--http", "1", "--no-ws", "wsgi:app",
        )  # fmt: skip
        eventually(self.is_up)

    def start_jobs(self) -> None:
        self.start("jobs", *self.flask("jobs", "start"))

    def flask(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "flask", "--app", "wsgi", *words]

    def run(self, *words: str, given: str = "") -> str:
        """A flask command to its end; what it printed."""
        ended = subprocess.run(
            self.flask(*words), env=self.environment, cwd=ROOT, input=given, capture_output=True, text=True, timeout=120
        )
        assert ended.returncode == 0, ended.stderr[-2_000:]
        return ended.stdout

    def start(self, name: str, *command: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """As the power would: the process and all its children, at once."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        self.processes.clear()

    def is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=2).status_code == requests.codes.ok
        except requests.RequestException:
            return False

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")
