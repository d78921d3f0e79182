"""How many signed events a second are fully applied: kept, understood, committed and answered.

`python -m tests.bench.bench_webhooks [events] [web workers]`: sixteen connections, an embedded PostgreSQL that syncs to disk,
and everything, this load included, on the cores of one machine. Figures are in docs/performance.md.
"""

import os
import selectors
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from app import embedded
from tests.bench.events import bodies
from tests.stack import Stack, free_port
from tests.webhooks.signing import signature
from tests.world import WEBHOOK_SECRET

CONNECTIONS = 16
EVENTS = 20_000


@dataclass
class Result:
    events: int
    seconds: float
    latencies: list[float] = field(repr=False)
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def cpu_of_one(self) -> float:
        """CPU seconds an event costs, all parts together."""
        return sum(self.cpu.values()) / self.events

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the events was answered."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def __str__(self) -> str:
        p50, p99, longest = (f"{self.percentile(share) * 1000:.1f}" for share in (0.5, 0.99, 1))
        parts = ", ".join(f"{name} {used / self.events * 1e6:.0f}" for name, used in self.cpu.items())
        return (
            f"{self.events} events in {self.seconds:.1f} s: {self.rate:,.0f}/s; "
            f"p50 {p50} ms, p99 {p99} ms, max {longest} ms; "
            f"CPU µs an event: {parts}, together {self.cpu_of_one * 1e6:.0f}"
        )


def measure(events: int = EVENTS, workers: int = 2) -> Result:
    """One run on a fresh database. Raises AssertionError when an event was refused or not applied."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database_url = embedded.start(folder / "pg")
        stack = Stack(database_url, f"http://127.0.0.1:{free_port()}", WEBHOOK_SECRET, folder / "instance")
        try:
            stack.run("db", "upgrade")
            stack.start_web(workers=workers)
            deliver(stack.port, [_request(body) for body in bodies(500, "warm")])
            requests = [_request(body) for body in bodies(events, "run")]
            before = _cpu(stack, folder)
            began = time.perf_counter()
            latencies = deliver(stack.port, requests)
            seconds = time.perf_counter() - began
            cpu = {part: used - before[part] for part, used in _cpu(stack, folder).items()}
            states = _states(database_url)
            # Some of an intent's two events overtake each other on their way; whichever came second is not news.
            assert states.keys() <= {"processed", "superseded"}, states
            assert sum(states.values()) == events + 500, states
            return Result(events, seconds, latencies, cpu)
        finally:
            stack.stop()
            embedded.stop(folder / "pg")


def deliver(port: int, requests: list[bytes]) -> list[float]:
    """Send them over sixteen kept connections, each waiting for its answer; the seconds each took."""
    chooser = selectors.DefaultSelector()
    latencies: list[float] = []
    left = iter(requests)
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chooser.register(connection, selectors.EVENT_READ, [0.0, b""])
        _send(connection, chooser.get_key(connection).data, left)
    while len(latencies) < len(requests):
        for key, _ in chooser.select(10):
            connection = key.fileobj  # type: ignore[assignment]
            key.data[1] += connection.recv(65_536)
            if not key.data[1].partition(b"\r\n\r\n")[2]:
                continue
            assert key.data[1].startswith(b"HTTP/1.1 200"), key.data[1]
            latencies.append(time.perf_counter() - key.data[0])
            _send(connection, key.data, left)
    for key in list(chooser.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    return latencies


def _send(connection: socket.socket, state: list[Any], left: Iterator[bytes]) -> None:
    request = next(left, None)
    if request is not None:
        state[:] = time.perf_counter(), b""
        connection.sendall(request)


def _request(body: bytes) -> bytes:
    head = (
        f"POST /webhooks/stripe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nStripe-Signature: {signature(body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _cpu(stack: Stack, folder: Path) -> dict[str, float]:
    """CPU seconds so far of each part, its ended children included."""
    server = embedded.status(folder / "pg").pid
    assert server is not None
    return {
        "web": _used(psutil.Process(stack.processes["web"].pid)),
        "PostgreSQL": _used(psutil.Process(server)),
        "load": sum(os.times()[:2]),
    }


def _used(process: psutil.Process) -> float:
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except (
            psutil.NoSuchProcess
        ):  # one of PostgreSQL's own helpers, which come and go; its parent counts it from now on
            continue
        total += times.user + times.system
        total += (times.children_user + times.children_system) if one is process else 0.0
    return total


def _states(database_url: str) -> dict[str, int]:
    connection = psycopg2.connect(database_url.replace("postgresql+psycopg2", "postgresql"))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT state, count(*) FROM webhook_events GROUP BY state")
            return dict(cursor.fetchall())
    finally:
        connection.close()


if __name__ == "__main__":
    sys.stdout.write(f"{measure(*(int(word) for word in sys.argv[1:]))}\n")
