"""The shop as it is at one moment of its story: its clock, its customers, and what is going to happen."""

from __future__ import annotations

import bisect
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from app.sandbox.seed.catalogue import Catalogue
from app.sandbox.seed.people import Buyer
from app.sandbox.seed.stage import Stage

DAY = 86_400
HOUR = 3_600


@dataclass(frozen=True)
class Plan:
    """How much is asked for. `start` is a midnight UTC, `until` the last second that has happened."""

    customers: int
    months: int
    seed: int
    start: int
    until: int

    @property
    def purchases(self) -> int:
        """Eleven a year for each customer."""
        return round(self.customers * self.months * 0.92)


@dataclass
class Shop:
    stage: Stage
    rng: random.Random
    plan: Plan
    catalogue: Catalogue
    buyers: list[Buyer] = field(default_factory=list)
    paid: deque[str] = field(default_factory=lambda: deque(maxlen=600))
    """Ids of the newest charges that went well, for complaints that need one."""
    payouts: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    subscribers: dict[str, Buyer] = field(default_factory=dict)
    """Who has this subscription, by its id."""
    refused: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Subscriptions with a course of their own: the bank always answers in this mood, and nobody pays otherwise."""
    orders: int = 10_000
    arrived: int = 0
    _heaped: list[float] = field(default_factory=list)

    @property
    def now(self) -> int:
        return self.stage.now

    def after(self, seconds: float, what: Callable[..., None], *arguments: Any) -> None:
        """Let it happen later; what lies beyond the end of the story does not."""
        self.on(self.now + max(int(seconds), 1), what, *arguments)

    def on(self, moment: int, what: Callable[..., None], *arguments: Any) -> None:
        if moment <= self.plan.until:
            self.stage.at(moment, what, (self, *arguments))

    def welcome(self, buyer: Buyer) -> None:
        """A few customers buy a lot, most of them little."""
        self.buyers.append(buyer)
        eager = self.rng.lognormvariate(0, 0.8)
        self._heaped.append((self._heaped[-1] if self._heaped else 0.0) + eager)

    def somebody(self) -> Buyer | None:
        """One of the customers there are now, the eager ones more often."""
        if not self._heaped:
            return None
        place = bisect.bisect(self._heaped, self.rng.random() * self._heaped[-1])
        buyer = self.buyers[min(place, len(self.buyers) - 1)]
        return None if buyer.gone else buyer

    def next_number(self) -> int:
        """How many customers there were before this one."""
        self.arrived += 1
        return self.arrived - 1

    def next_order(self) -> str:
        self.orders += self.rng.choice((1, 1, 1, 2))
        return str(self.orders)


def spread(total: int, weights: list[float]) -> list[int]:
    """`total` things over days of these weights, rounded so that none is lost."""
    whole = sum(weights)
    reached = [round(part / whole * total) for part in accumulate(weights)]
    return [after - before for before, after in zip([0, *reached], reached, strict=False)]
