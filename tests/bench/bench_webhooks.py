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

import orjson
import psutil
import psycopg2

from app import embedded
from tests.stack import Stack, free_port
from tests.webhooks.signing import charge, customer, event, signature
from tests.world import WEBHOOK_SECRET

CONNECTIONS = 16
EVENTS = 20_000
NOON = 1_790_000_000


@dataclass
class Result:
    events: int
    seconds: float
    latencies: list[float] = field(repr=False)
    cpu: dict[str, float]

    def __str__(self) -> str:
        ordered = sorted(self.latencies)
        parts = ", ".join(f"{name} {used / self.events * 1e6:.0f}" for name, used in self.cpu.items())
        return (
            f"{self.events} events in {self.seconds:.1f} s: {self.events / self.seconds:,.0f}/s; "
            f"p50 {_ms(ordered, 0.5)} ms, p99 {_ms(ordered, 0.99)} ms, max {_ms(ordered, 1)} ms; "
            f"CPU µs an event: {parts}, together {sum(self.cpu.values()) / self.events * 1e6:.0f}"
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


def bodies(count: int, run: str) -> Iterator[bytes]:
    """What a shop sends: for each payment a customer, an intent made and succeeded, and a charge; some hundred in a second."""
    for number in range(count):
        payment, step = divmod(number, 4)
        at = NOON + payment // 100
        owner, intent, paid = f"cus_{run}{payment:020d}", f"pi_{run}{payment:020d}", f"ch_{run}{payment:020d}"
        kind, thing = (
            ("customer.created", customer(owner, **_PERSON)),
            ("payment_intent.created", _intent(intent, owner, None, "requires_payment_method")),
            ("charge.succeeded", charge(paid, customer=owner, payment_intent=intent, **_CARD)),
            ("payment_intent.succeeded", _intent(intent, owner, paid, "succeeded")),
        )[step]
        yield orjson.dumps(event(kind, thing, id=f"evt_{run}{number:020d}", created=at))


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
        times = one.cpu_times()
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


def _ms(ordered: list[float], share: float) -> str:
    return f"{ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000:.1f}"


def _intent(intent_id: str, owner: str, paid: str | None, status: str) -> dict[str, Any]:
    return {
        "id": intent_id, "object": "payment_intent", "amount": 2_000, "amount_capturable": 0, "amount_details": {"tip": {}},
        "amount_received": 2_000 if paid else 0, "application": None, "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "never", "enabled": True}, "canceled_at": None,
        "cancellation_reason": None, "capture_method": "automatic_async", "client_secret": f"{intent_id}_secret_x",
        "confirmation_method": "automatic", "created": NOON, "currency": "eur", "customer": owner, "description": "Order",
        "last_payment_error": None, "latest_charge": paid, "livemode": False, "metadata": {"order": "6735"},
        "next_action": None, "on_behalf_of": None, "payment_method": "pm_1" if paid else None,
        "payment_method_options": {"card": {"installments": None, "request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"], "processing": None, "receipt_email": None, "review": None,
        "setup_future_usage": None, "shipping": None, "statement_descriptor": None, "status": status, "transfer_group": None,
    }  # fmt: skip


_ADDRESS = {"city": "Berlin", "country": "DE", "line1": "Weg 1", "line2": None, "postal_code": "10115", "state": None}
_PERSON: dict[str, Any] = {
    "address": _ADDRESS, "balance": 0, "currency": "eur", "default_source": None, "delinquent": False, "description": None,
    "discount": None, "invoice_prefix": "5A1B2C3D", "phone": "+491512345", "preferred_locales": ["de"], "shipping": None,
    "tax_exempt": "none", "test_clock": None, "next_invoice_sequence": 1,
}  # fmt: skip
_CARD: dict[str, Any] = {
    "application": None, "application_fee": None, "balance_transaction": "txn_1", "billing_details": {
        "address": _ADDRESS, "email": "ana@example.com", "name": "Ana Example", "phone": None, "tax_id": None,
    }, "calculated_statement_descriptor": "SHOP", "description": "Order 6735", "failure_code": None, "failure_message": None,
    "fraud_details": {}, "metadata": {"order": "6735"}, "on_behalf_of": None, "outcome": {
        "advice_code": None, "network_advice_code": None, "network_decline_code": None, "network_status": "approved_by_network",
        "reason": None, "risk_level": "normal", "risk_score": 32, "seller_message": "Payment complete.", "type": "authorized",
    }, "payment_method": "pm_1", "payment_method_details": {"type": "card", "card": {
        "amount_authorized": 2_000, "authorization_code": "123456", "brand": "visa", "checks": {
            "address_line1_check": "pass", "address_postal_code_check": "pass", "cvc_check": "pass",
        }, "country": "DE", "exp_month": 8, "exp_year": 2029, "fingerprint": "mToisGZ01V71BCos", "funding": "credit",
        "incremental_authorization": {"status": "unavailable"}, "installments": None, "last4": "4242", "mandate": None,
        "network": "visa", "network_token": {"used": False}, "network_transaction_id": "976910110049114", "wallet": None,
        "three_d_secure": None, "overcapture": {"maximum_amount_capturable": 2_000, "status": "unavailable"},
    }}, "receipt_email": None, "receipt_number": None, "receipt_url": "https://pay.stripe.com/receipts/payment/CAcaFwoVYWNjd",
    "review": None, "shipping": None, "source_transfer": None, "statement_descriptor": None, "transfer_group": None,
}  # fmt: skip


def test_webhooks() -> None:
    sys.stdout.write(f"\n{measure()}\n")


if __name__ == "__main__":
    sys.stdout.write(f"{measure(*(int(word) for word in sys.argv[1:]))}\n")
