"""What was answered 200 is safe, whatever dies the next moment."""

import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
import requests
from sqlalchemy import create_engine, text

from tests.stack import Stack, eventually, free_port
from tests.webhooks.signing import customer, event, signature
from tests.world import WEBHOOK_SECRET


@pytest.fixture
def web(database_url: str, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(database_url, f"http://127.0.0.1:{free_port()}", WEBHOOK_SECRET, tmp_path)
    stack.start_web(workers=2)
    yield stack
    stack.stop()


def test_nothing_that_was_answered_is_lost_when_every_process_is_killed(web: Stack) -> None:
    def deliver(number: int) -> int:
        body = orjson.dumps(event("customer.created", customer(f"cus_{number}"), id=f"evt_{number}"))
        headers = {"Stripe-Signature": signature(body)}
        return requests.post(f"{web.url}/webhooks/stripe", data=body, headers=headers, timeout=20).status_code

    with ThreadPoolExecutor(16) as senders:
        statuses = list(senders.map(deliver, range(500)))
    web.kill("web")

    assert set(statuses) == {200}
    engine = create_engine(web.database_url)
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state, count(*) FROM webhook_events GROUP BY state")).all()
        customers = connection.execute(text("SELECT count(*) FROM customers")).scalar_one()
    engine.dispose()
    assert [tuple(row) for row in states] == [("processed", 500)]
    assert customers == 500


def test_a_hundred_bodies_that_dribble_in_hold_up_nobody_else(web: Stack) -> None:
    head = b"POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nStripe-Signature: t=1,v1=0\r\nContent-Length: 1000\r\n\r\n"
    slow = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(head + b"a")
        refused = eventually(lambda: [s for s in slow if select.select([s], [], [], 0)[0]])
        assert refused[0].recv(12) == b"HTTP/1.1 503"
        assert requests.get(f"{web.url}/health", timeout=5).status_code == 200
    finally:
        for connection in slow:
            connection.close()

    body = orjson.dumps(event("customer.created", customer("cus_after")))
    headers = {"Stripe-Signature": signature(body)}
    eventually(lambda: requests.post(f"{web.url}/webhook", data=body, headers=headers, timeout=5).status_code == 200)


def test_a_body_without_a_length_is_read_up_to_the_limit(web: Stack) -> None:
    def chunks(total: int) -> Iterator[bytes]:
        for _ in range(total):
            yield b"x" * 64 * 1024

    small = requests.post(f"{web.url}/webhooks/stripe", data=chunks(4), timeout=20)
    assert (small.status_code, small.text) == (400, "There is no signature.\n")
    try:
        large = requests.post(f"{web.url}/webhooks/stripe", data=chunks(800), timeout=20).status_code
    except requests.ConnectionError:  # it may hang up before we have said it all
        large = 413
    assert large == 413
    assert requests.post(f"{web.url}/webhooks/stripe", data=b"{}", timeout=20).status_code == 400
