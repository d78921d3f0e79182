"""Bodies that are too big, never end, or come a byte at a time: refused cheaply, while everybody else is served."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
import requests

from tests.sandbox.client import Sandbox
from tests.stack import Stack
from tests.system.browser import PASSWORD, Visitor
from tests.system.sending import send
from tests.webhooks.signing import customer, event, signature
from tests.world import WEBHOOK_SECRET

pytestmark = pytest.mark.timeout(180)
KILOBYTE, MEGABYTE = 1024, 1024 * 1024
ANA = "ana@shop.example"


@pytest.fixture
def stack(database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        running.run("staff", "add", ANA, "--role", "support", "--password-stdin", given=PASSWORD)
        running.start_web()
        yield running
    finally:
        running.stop()


def memory(stack: Stack) -> int:
    """Bytes that the web server and its workers hold."""
    group = stack.processes["web"].pid
    pages = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                pages += int((process / "statm").read_text().split()[1])
        except OSError:  # it ended meanwhile
            continue
    return pages * 4096


def padded(size: int) -> dict[str, object]:
    """An event of about this many bytes."""
    return event("customer.created", customer(f"cus_{size}", description="x" * (size - 2 * KILOBYTE)))


def post_chunks(stack: Stack, megabytes: int) -> int:
    """Without a length; 413 as well when the server hangs up before everything is said."""

    def chunks() -> Iterator[bytes]:
        for _ in range(megabytes * 16):
            yield b"x" * 64 * KILOBYTE

    try:
        return requests.post(f"{stack.url}/webhooks/stripe", data=chunks(), timeout=20).status_code
    except requests.ConnectionError:
        return 413


def post_bytes(stack: Stack, size: int, path: str = "/webhooks/stripe") -> int:
    body = b"x" * size
    headers = {"Stripe-Signature": signature(body), "Content-Type": "application/json"}
    try:
        return requests.post(f"{stack.url}{path}", data=body, headers=headers, timeout=20).status_code
    except requests.ConnectionError:
        return 413


def test_large_bodies_are_refused_without_being_kept(stack: Stack) -> None:
    assert send(stack.url, padded(256 * KILOBYTE)) == 200
    assert send(stack.url, padded(1000 * KILOBYTE)) == 200
    before = memory(stack)

    for _ in range(4):
        assert send(stack.url, padded(2 * MEGABYTE)) in {413, 0}
        assert post_bytes(stack, 50 * MEGABYTE) == 413
        assert post_chunks(stack, 50) == 413
        assert post_bytes(stack, 50 * MEGABYTE, "/login") == 413

    assert memory(stack) - before < 30 * MEGABYTE
    assert send(stack.url, padded(256 * KILOBYTE + 1)) == 200


@contextmanager
def crawling(stack: Stack, heads: list[bytes]) -> Iterator[list[socket.socket]]:
    """Connections that have sent these bytes, and go on with one byte now and then."""
    lines = [socket.create_connection(("127.0.0.1", stack.port), timeout=10) for _ in heads]
    for line, head in zip(lines, heads, strict=True):
        line.sendall(head)
    over = threading.Event()

    def crawl() -> None:
        while not over.wait(1):
            for line in lines:
                try:
                    line.sendall(b"x")
                except OSError:  # shown the door
                    continue

    crawler = threading.Thread(target=crawl)
    crawler.start()
    try:
        yield lines
    finally:
        over.set()
        crawler.join()
        for line in lines:
            line.close()


def test_a_hundred_slow_connections_keep_nobody_waiting(stack: Stack) -> None:
    ana = Visitor(stack, ANA)
    before = memory(stack)
    slow_head = b"GET /health HTTP/1.1\r\nHost: desk\r\nX-Slow: "
    slow_body = (
        b"POST /webhooks/stripe HTTP/1.1\r\nHost: desk\r\nStripe-Signature: t=1,v1=00\r\nContent-Length: 5000\r\n\r\n"
    )
    slow_form = slow_body.replace(b"/webhooks/stripe", b"/login")

    with crawling(stack, [slow_head] * 40 + [slow_body] * 40 + [slow_form] * 20):
        for number in range(5):
            assert requests.get(f"{stack.url}/health", timeout=5).status_code == 200
            assert ana.get("/admin/charges/").status_code == 200
            assert send(stack.url, event("customer.created", customer(f"cus_{number}")), timeout=5) == 200, stack.log(
                "web"
            )
        assert memory(stack) - before < 30 * MEGABYTE

    assert ana.get("/admin/customers/").status_code == 200
    assert "Traceback" not in stack.log("web")


def test_after_a_storm_of_half_sent_requests_the_server_is_as_before(stack: Stack) -> None:
    heads = [
        b"POST /webhooks/stripe HTTP/1.1\r\nHost: desk\r\nContent-Length: 100\r\n\r\n" + orjson.dumps({"half": True})
    ] * 60
    for _ in range(3):
        with crawling(stack, heads):
            pass

    assert send(stack.url, event("customer.created", customer("cus_1"))) == 200
    assert "Traceback" not in stack.log("web")
