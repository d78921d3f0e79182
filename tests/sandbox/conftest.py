"""A place to receive the sandbox's webhooks, and Stripe's own command line."""

import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.client import ROOT, Sandbox
from tests.sandbox.sdk_types import strangers

INSTALLED = ROOT / "node_modules/@stripe/cli-linux-x64/bin/stripe"
HOW = "Stripe's CLI is missing: `npm install @stripe/cli@1.52.0` here, or let STRIPE_CLI name the binary"


@dataclass
class Mailbox:
    """What an endpoint received. `answers` are the statuses it gives, one after the other, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, body: bytes, headers: dict[str, str]) -> int:
        with self.lock:
            self.bodies.append(body)
            self.headers.append(headers)
            return self.answers.pop(0) if self.answers else 200


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """A webhook endpoint on this machine."""
    box = Mailbox()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(box.receive(body, dict(self.headers.items())))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    box.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield box
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class Cli:
    """The binary itself: its npm wrapper takes seconds to start."""

    binary: str
    home: Path

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        quiet = {"STRIPE_CLI_TELEMETRY_OPTOUT": "1", "XDG_CONFIG_HOME": str(self.home)}
        return subprocess.run(
            [self.binary, *words], capture_output=True, text=True, check=False, timeout=60, env=os.environ | quiet
        )


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    found = os.environ.get("STRIPE_CLI") or (str(INSTALLED) if INSTALLED.exists() else shutil.which("stripe"))
    if found and Path(found).exists():
        return Cli(found, tmp_path_factory.mktemp("stripe-cli"))
    if os.environ.get("CI"):
        pytest.fail(HOW)
    pytest.skip(HOW)


@pytest.fixture(autouse=True)
def everything_fits_the_sdk(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test leaves in the sandbox has the fields and types that the official SDK declares. Objects that were put
    there by hand, to be odd, are no concern of the sandbox's."""
    sandbox: Sandbox | None = request.getfixturevalue("sandbox") if "sandbox" in request.fixturenames else None
    yield
    if sandbox is not None and not sandbox.odd:
        assert sorted({line for obj in sandbox.everything() for line in strangers(obj)}) == []
