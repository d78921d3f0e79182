"""Stripe's side of webhooks over real sockets: many senders at once, and events that were never delivered before."""

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import requests

from app.settings import API_VERSION
from tests.sandbox.client import Sandbox
from tests.stack import Stack
from tests.webhooks.signing import signature
from tests.world import WEBHOOK_SECRET

Obj = dict[str, Any]
_own = threading.local()


def send(url: str, event: Obj, *, timeout: float = 20, secret: str = WEBHOOK_SECRET) -> int:
    """Deliver it once; the status answered, 0 when nobody answered at all."""
    body = orjson.dumps(event)
    headers = {"Stripe-Signature": signature(body, secret=secret), "Content-Type": "application/json"}
    try:
        return _session().post(f"{url}/webhooks/stripe", data=body, headers=headers, timeout=timeout).status_code
    except requests.RequestException:
        return 0


def send_all(stacks: Sequence[Stack], events: Sequence[Obj], *, senders: int = 16) -> list[int]:
    """Deliver all of them from so many threads, in turn to each instance; statuses in the order of the events."""
    turns = itertools.cycle(stack.url for stack in stacks)
    with ThreadPoolExecutor(senders) as pool:
        return list(pool.map(send, [next(turns) for _ in events], events))


def told(sandbox: Sandbox, *, after: frozenset[str] = frozenset()) -> list[Obj]:
    """All events of the sandbox but these, oldest first, in the shape an endpoint of ours gets them."""
    events = [event | {"api_version": API_VERSION} for event in sandbox.objects("event") if event["id"] not in after]
    return sorted(events, key=lambda event: (event["created"], event["id"]))


def _session() -> requests.Session:
    """One connection for each thread, as a busy sender has."""
    try:
        session: requests.Session = _own.session
    except AttributeError:
        session = _own.session = requests.Session()
        session.trust_env = False
    return session
