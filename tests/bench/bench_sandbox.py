"""How fast the sandbox is: a shop seeded, a page of 100 read, payments made, sixty days of the shop gone by.

`python -m tests.bench.bench_sandbox [customers]`, twelve months each; 82,500 make a million charges.
Figures are in docs/performance.md.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app import embedded
from tests.sandbox.client import KEY, ROOT, Sandbox, running

CUSTOMERS = 2_000
ROUNDS = 200
DAY = 86_400
VERSION = {"Authorization": f"Bearer {KEY}", "Stripe-Version": "2026-10-28.endive"}
PAYMENT = {
    "amount": "2000",
    "currency": "usd",
    "confirm": "true",
    "payment_method": "pm_card_visa",
    "return_url": "http://127.0.0.1:9/",
}


@dataclass
class Result:
    """`seeding` and `sixty_days` in seconds, the others in milliseconds, medians."""

    charges: int
    seeding: float
    page: float
    write: float
    payment: float
    sixty_days: float

    def __str__(self) -> str:
        return (
            f"{self.charges:,} charges seeded in {self.seeding:.1f} s ({self.charges / self.seeding:,.0f}/s); "
            f"page of 100 {self.page:.2f} ms, customer {self.write:.2f} ms, paid charge {self.payment:.2f} ms; "
            f"sixty days {self.sixty_days:.1f} s"
        )


def measure(customers: int = CUSTOMERS) -> Result:
    """A new database, the shop in it, then a sandbox that serves it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pg"
        url = embedded.start(folder)
        try:
            began = time.perf_counter()
            words = ["seed", "--customers", str(customers), "--months", "12", "--database-url", url]
            subprocess.run([sys.executable, "-m", "app.sandbox", *words], cwd=ROOT, check=True, capture_output=True)
            seeding = time.perf_counter() - began
            with running(url, specimens=False) as sandbox:
                return _served(sandbox, seeding)
        finally:
            embedded.stop(folder)


def _served(sandbox: Sandbox, seeding: float) -> Result:
    charges = sandbox.control("GET", "health")["objects"]["charge"]
    page = _median(lambda: _asked(sandbox, "GET", "/v1/charges?limit=100"))
    write = _median(lambda: _asked(sandbox, "POST", "/v1/customers", {"email": "ana@shop.example"}))
    payment = _median(lambda: _asked(sandbox, "POST", "/v1/payment_intents", PAYMENT))
    began = time.perf_counter()
    sandbox.http.post(f"{sandbox.url}/_control/clock", json={"advance": 60 * DAY}, timeout=3_600).raise_for_status()
    return Result(charges, seeding, page, write, payment, time.perf_counter() - began)


def _asked(sandbox: Sandbox, method: str, path: str, form: dict[str, str] | None = None) -> None:
    sandbox.http.request(method, sandbox.url + path, data=form, headers=VERSION, timeout=60).raise_for_status()


def _median(act: Callable[[], None]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


if __name__ == "__main__":
    result = measure(*(int(word) for word in sys.argv[1:]))
    sys.stdout.write(f"{result}\nLoad: {os.getloadavg()[0]:.1f}\n")
