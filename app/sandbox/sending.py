"""Posting to an endpoint over kept connections, and what the delivery switches do to a batch before it goes."""

from __future__ import annotations

import http.client
import random
import ssl
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from app.sandbox.deliveries import Parcel
    from app.sandbox.tx import Tx
    from app.sandbox.world import World


class Sender:
    """One thread's connections, one for each host."""

    def __init__(self) -> None:
        self._open: dict[str, http.client.HTTPConnection] = {}

    def __call__(self, url: str, payload: bytes, signature: str, *, timeout: float) -> tuple[int | None, str | None]:
        """The endpoint's status, or None and what went wrong on the way. Redirects count as refusals, as at Stripe."""
        where = urlsplit(url)
        target = (where.path or "/") + (f"?{where.query}" if where.query else "")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache",
            "Stripe-Signature": signature,
        }
        kept = where.netloc in self._open
        try:
            return self._post(where, target, payload, headers, timeout), None
        except (OSError, http.client.HTTPException) as error:
            self._drop(where.netloc)
            if not kept or not isinstance(error, ConnectionError):
                return None, f"{type(error).__name__}: {error}"
        try:  # the other side may have closed a kept connection meanwhile
            return self._post(where, target, payload, headers, timeout), None
        except (OSError, http.client.HTTPException) as error:
            self._drop(where.netloc)
            return None, f"{type(error).__name__}: {error}"

    def _post(self, where: SplitResult, target: str, payload: bytes, headers: dict[str, str], timeout: float) -> int:
        connection = self._open.get(where.netloc)
        if connection is None:
            connection = self._open[where.netloc] = _connection(where, timeout)
        connection.request("POST", target, body=payload, headers=headers)
        response = connection.getresponse()
        response.read()
        if response.will_close:
            self._drop(where.netloc)
        return response.status

    def _drop(self, netloc: str) -> None:
        connection = self._open.pop(netloc, None)
        if connection:
            connection.close()


def _connection(where: SplitResult, timeout: float) -> http.client.HTTPConnection:
    if where.scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(where.hostname or "", where.port, timeout=timeout, context=context)
    return http.client.HTTPConnection(where.hostname or "", where.port, timeout=timeout)


def planned(tx: Tx, world: World, parcels: list[Parcel]) -> list[Parcel]:
    """Drop, double and order a batch as the delivery switches say."""
    settings = world.settings.get("delivery", {})
    if not settings:
        return parcels
    parcels = _after_drops(tx, settings, parcels)
    copies = int(settings.get("duplicate", 0)) + 1
    if copies > 1:
        parcels = [parcel for parcel in parcels for _ in range(copies)]
    if settings.get("order") == "reverse":
        parcels.reverse()
    elif settings.get("order") == "shuffle":
        random.Random(settings.get("seed")).shuffle(parcels)  # noqa: S311 - an order, not a key
    return parcels


def _after_drops(tx: Tx, settings: dict[str, object], parcels: list[Parcel]) -> list[Parcel]:
    drop = settings.get("drop")
    if not isinstance(drop, dict):
        return parcels
    kept: list[Parcel] = []
    lost: list[int] = []
    for parcel in parcels:
        wanted = drop.get("types") is None or parcel.type in drop["types"]
        if wanted and drop.get("left") != 0:
            lost.append(parcel.id)
            if drop.get("left") is not None:
                drop["left"] -= 1
        else:
            kept.append(parcel)
    if lost:
        tx.cursor.execute("UPDATE deliveries SET state = 'dropped' WHERE id = ANY(%s)", (lost,))
    return kept
