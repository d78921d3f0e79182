"""A Stripe that only reads out lists: pages are made once, so that it costs next to nothing beside what is measured or tested.

Run as `python -m tests.canned CHARGES` it prints its port and serves that many charges; in a test `Canned` runs it in a thread.
"""

import http.server
import re
import socketserver
import sys
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import orjson

START = 1_790_000_000
_ONE = re.compile(r"^[^?]+_\w*\d\w*$")  # an id at the end
PAGE = 100
Obj = dict[str, Any]


def charge(number: int) -> Obj:
    """A charge as large as Stripe's own: every field of the API, most of them empty."""
    tail = f"{number:016d}"
    nothing = dict.fromkeys(
        [
            "application",
            "application_fee",
            "application_fee_amount",
            "failure_balance_transaction",
            "failure_code",
            "failure_message",
            "on_behalf_of",
            "receipt_number",
            "review",
            "shipping",
            "source",
            "source_transfer",
            "statement_descriptor_suffix",
            "transfer_data",
            "transfer_group",
            "presentment_details",
            "level3",
        ]
    )
    empty_address = dict.fromkeys(["city", "country", "line1", "line2", "postal_code", "state"])
    card = {
        "amount_authorized": 2_000 + number % 7_000,
        "authorization_code": None,
        "brand": "visa",
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": "US",
        "exp_month": 8,
        "exp_year": 2030,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": f"fp{number % 500:014d}",
        "funding": "credit",
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": f"{number % 10_000:04d}",
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": "visa",
        "network_token": {"used": False},
        "network_transaction_id": f"nt{tail}",
        "overcapture": {"maximum_amount_capturable": 2_000, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "wallet": None,
    }
    return nothing | {
        "id": f"ch_3{tail}",
        "object": "charge",
        "amount": 2_000 + number % 7_000,
        "amount_captured": 2_000 + number % 7_000,
        "amount_refunded": 0,
        "balance_transaction": f"txn_3{tail}",
        "billing_details": {
            "address": empty_address,
            "email": f"person{number}@example.com",
            "name": f"Person {number}",
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "COUNTERFOIL SHOP",
        "captured": True,
        "created": START + number * 60,
        "currency": ("usd", "eur", "gbp")[number % 3],
        "customer": f"cus_{number % 2_000:014d}",
        "description": f"Order {number}",
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": {"order_id": str(number)},
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": number % 60,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": f"pi_3{tail}",
        "payment_method": f"pm_1{tail}",
        "payment_method_details": {"card": card, "type": "card"},
        "radar_options": {},
        "receipt_email": f"person{number}@example.com",
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{tail * 5}",
        "refunded": False,
        "statement_descriptor": None,
        "status": "succeeded",
    }


class Canned:
    """Lists by path, each newest first; `/v1/account` is there too. Anything unknown is an empty list.

    `objects` are single ones by path, `answers` whole replies by path: status, headers, body.
    `hooks` are asked before each answer: one that returns (status, headers, bytes) answers in its place.
    """

    def __init__(self, lists: dict[str, list[Obj]] | None = None) -> None:
        self.lists = lists or {}
        self.objects: dict[str, Obj] = {}
        self.answers: dict[str, tuple[int, dict[str, str], Obj]] = {}
        self.hooks: list[Callable[[str, str, dict[str, str]], tuple[int, dict[str, str], bytes] | None]] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""
        self._pages: dict[str, bytes] = {}
        self._server: socketserver.ThreadingTCPServer | None = None

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.requests.append((method, target, headers))
        for hook in self.hooks:
            if found := hook(method, target, headers):
                return found
        if target in self.answers:
            status, extra, body = self.answers[target]
            return status, extra, orjson.dumps(body)
        if _ONE.search(target):
            return self._one(target)
        if target not in self._pages:
            self._pages[target] = orjson.dumps(self._page(target))
        return 200, {}, self._pages[target]

    def _one(self, target: str) -> tuple[int, dict[str, str], bytes]:
        path, _, key = target.rpartition("/")
        listed = (obj for obj in self.lists.get(path, ()) if obj["id"] == key)
        if found := self.objects.get(target) or next(listed, None):
            return 200, {}, orjson.dumps(found)
        said = {"type": "invalid_request_error", "code": "resource_missing", "message": f"No such object: '{key}'"}
        return 404, {}, orjson.dumps({"error": said})

    def forget(self) -> None:
        """Make the pages anew: the lists have changed."""
        self._pages.clear()

    def _page(self, target: str) -> Obj:
        parts = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/v1/account":
            return {"id": "acct_canned", "object": "account", "created": START}
        found = self.lists.get(parts.path, [])
        since, until = int(asked.get("created[gte]", 0)), int(asked.get("created[lt]", 10**12))
        found = [obj for obj in found if since <= obj.get("created", since) < until]
        first = 0
        if after := asked.get("starting_after"):
            first = next(index for index, obj in enumerate(found) if obj["id"] == after) + 1
        limit = int(asked.get("limit", 10))
        data, more = found[first : first + limit], first + limit < len(found)
        return {"object": "list", "data": data, "has_more": more, "url": parts.path}


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hung up is no news."""


def _handler(canned: Canned) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length)
            status, headers, body = canned.answer(
                self.command, self.path, {k.lower(): v for k, v in self.headers.items()}
            )
            self.send_response_only(status)
            plain = {
                "Date": formatdate(time.time(), usegmt=True),
                "Content-Type": "application/json",
                "Content-Length": str(len(body)),
                "Request-Id": "req_canned",
            }
            for name, value in (plain | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        do_POST = do_GET  # noqa: N815 - http.server calls it so

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


if __name__ == "__main__":
    charges = [charge(number) for number in reversed(range(int(sys.argv[1])))]
    with Canned({"/v1/charges": charges}) as served:
        after = ""
        for index in range(0, len(charges), PAGE):  # made before the clock runs
            served.answer("GET", f"/v1/charges?limit={PAGE}{after}", {})
            after = f"&starting_after={charges[min(index + PAGE, len(charges)) - 1]['id']}"
        served.requests.clear()
        print(served.url, flush=True)  # noqa: T201
        sys.stdin.read()
