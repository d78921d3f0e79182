"""The sandbox as a test holds it: a process of its own, its address, and the control plane as plain calls."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import stripe

ROOT = Path(__file__).parents[2]
KEY = "sk_test_counterfoil"
PATIENCE = 20.0

Json = dict[str, Any]


@dataclass
class Sandbox:
    """A running sandbox. `database_url` holds its state, so `restart` goes on where `kill` stopped it."""

    database_url: str
    port: int = 0
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    http: requests.Session = field(default_factory=requests.Session)
    odd: bool = False
    """Were objects put there by hand since the last reset?"""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process and wait until it says it is ready."""
        command = [sys.executable, "-m", "app.sandbox", "serve", "--database-url", self.database_url]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *self.options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("sandbox ready on"):
            self.kill()
            raise AssertionError(f"the sandbox did not start: {line!r}")
        self.port = int(line.rsplit(":", 1)[1])

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)
            self._close()

    def kill(self) -> None:
        """As if the power had gone."""
        if self.process:
            self.process.kill()
            self.process.wait(10)
            self._close()

    def restart(self) -> None:
        self.kill()
        self.start()

    def _close(self) -> None:
        if self.process and self.process.stdout:
            self.process.stdout.close()
        self.process = None
        self.http.close()
        self.http = requests.Session()

    # The API

    def stripe(self, **options: Any) -> stripe.StripeClient:
        """The official SDK, pointed here."""
        return stripe.StripeClient(KEY, base_addresses={"api": self.url, "files": self.url}, **options)

    def call(self, method: str, path: str, data: Any = None, **options: Any) -> requests.Response:
        """One raw API call. `data` is form data (pairs or a dict); `headers`, `params`, `files` as requests has them."""
        headers = {"Authorization": f"Bearer {KEY}"} | options.pop("headers", {})
        return self.http.request(method, self.url + path, data=data, headers=headers, timeout=30, **options)

    def get(self, path: str, **options: Any) -> Any:
        response = self.call("GET", path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, data: Any = None, **options: Any) -> Any:
        response = self.call("POST", path, data, **options)
        assert response.status_code == 200, response.text
        return response.json()

    # The control plane

    def control(self, method: str, path: str, body: Json | None = None, /, **params: Any) -> Any:
        self.odd = self.odd or (path.startswith("objects") and method == "POST")
        response = self.http.request(method, f"{self.url}/_control/{path}", json=body, params=params, timeout=60)
        assert response.status_code == 200, response.text
        return response.json()

    def reset(self, seed: int | None = None) -> None:
        self.control("POST", "reset", {} if seed is None else {"seed": seed})
        self.odd = False

    def requests(self, method: str | None = None, path: str | None = None) -> list[Json]:
        """The log, oldest first: method, path, params, idempotency_key, status, request_id, api_version, replayed."""
        found: list[Json] = self.control("GET", "requests", method=method, path=path)["data"]
        return found

    def fault(self, method: str, path: str, **spec: Any) -> Json:
        """Switch a fault on; the fields are those of `app.sandbox.faults.Fault`."""
        found: Json = self.control("POST", "faults", {"method": method, "path": path, **spec})
        return found

    def heal(self) -> None:
        """Switch every fault off."""
        self.control("DELETE", "faults")

    def delivery(self, mode: str, **spec: Any) -> Json:
        """hold, release, drop, duplicate, reorder, shuffle, in_order, same_second, retry, sign_with, off."""
        found: Json = self.control("POST", "delivery", {"mode": mode, **spec})
        return found

    def deliveries(self) -> list[Json]:
        found: list[Json] = self.control("GET", "deliveries")["data"]
        return found

    def wait_until_delivered(self, within: float = PATIENCE) -> Json:
        """Until nothing is waiting or being sent; the counts by state."""
        found: Json = self.wait_for(
            lambda: (
                counts
                if (counts := self.control("GET", "delivery")["deliveries"])["waiting"] + counts["sending"] == 0
                else None
            ),
            within=within,
        )
        return found

    def advance(self, seconds: int) -> Json:
        found: Json = self.control("POST", "clock", {"advance": seconds})
        return found

    def put(self, *objects: Json, event: str | None = None, previous: Json | None = None) -> Json:
        """Store objects as they are; with `event` each is announced."""
        body: Json = {"objects": list(objects)}
        if event:
            body |= {"event": event, "previous": previous}
        found: Json = self.control("POST", "objects", body)
        return found

    def objects(self, kind: str) -> list[Json]:
        """Everything of a kind as the sandbox keeps it, in id order."""
        response = self.http.get(f"{self.url}/_control/objects/{kind}", timeout=60)
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.content.split(b"\n") if line]

    def everything(self, limit: int = 500) -> list[Json]:
        """The newest objects of all kinds."""
        response = self.http.get(f"{self.url}/_control/objects", params={"limit": limit}, timeout=60)
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.content.split(b"\n") if line]

    def specimens(self) -> list[Json]:
        """An answer of every shape it has given since the last reset: method, path, api_version, status, body."""
        found: list[Json] = self.control("GET", "specimens")["data"]
        return found

    def endpoint(self, url: str, secret: str, *, events: list[str] | None = None, version: str | None = None) -> Json:
        """A webhook endpoint with a chosen secret."""
        body = {"url": url, "secret": secret, "enabled_events": events or ["*"], "api_version": version}
        found: Json = self.control("POST", "webhook_endpoints", body)
        return found

    @staticmethod
    def wait_for(question: Callable[[], Any], within: float = PATIENCE) -> Any:
        """The first answer that is not None or False; it waits for a fact, not for a time."""
        deadline = time.monotonic() + within
        while not (answer := question()):
            assert time.monotonic() < deadline, f"still {answer!r} after {within} s"
            time.sleep(0.02)
        return answer


@contextmanager
def running(database_url: str, *options: str, specimens: bool = True) -> Iterator[Sandbox]:
    """A sandbox of one's own for as long as the block lasts. It keeps specimens of its answers for `strange_answers`."""
    sandbox = Sandbox(database_url, options=(*options, *(["--specimens"] if specimens else [])))
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()
