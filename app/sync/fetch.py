"""Reading pages ahead in threads, so that the network and the database work at the same time."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty, Full, Queue

from app.gateways.answer import Answer
from app.mirror import pull
from app.mirror.fields import Obj, when
from app.mirror.news import News
from app.mirror.pull import Reads
from app.sync.stretches import Span, Stretch

_TICK = 0.1  # seconds between looks at whether the other side is gone
_SLOW = 0.03  # seconds that a page may let us wait before another thread helps


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a stretch. `after`: where the next page begins; `last`: there is none.

    `spans`: what the stretch left to others, when it was found to be long.
    """

    stretch: Stretch
    objects: list[Obj]
    news: News | list[News]
    after: str | None
    last: bool
    spans: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Failure:
    """A stretch that could not be read to its end."""

    stretch: Stretch
    error: Exception


class Fetcher:
    """Reads stretches page by page, in up to `threads` threads.

    Threads own nothing but their connection to Stripe: whoever iterates writes to the database.

    `oldest`: where the account's history begins, if that is known; long stretches are then split among the threads.
    """

    def __init__(self, gateway: Reads, account_id: int, *, threads: int, oldest: datetime | None = None) -> None:
        self._gateway = gateway
        self._account_id = account_id
        self._threads = threads
        self._oldest = oldest
        self._todo: deque[Stretch] = deque()
        self._busy = 0
        self._guard = threading.Condition()
        self._ready: Queue[Page | Failure | None] = Queue(maxsize=threads + 1)
        self._stopped = False
        self._workers: list[threading.Thread] = []

    def add(self, stretches: Iterable[Stretch]) -> None:
        """More to read."""
        with self._guard:
            self._todo.extend(stretches)
            self._guard.notify_all()

    def pages(self) -> Iterator[Page | Failure]:
        """Every page, in the order of each stretch. Leaving early stops the threads."""
        # Before a thread starts: it may fill the queue faster than this line runs, and nobody empties it yet.
        self._ready.put(None)
        self._start_worker()
        try:
            while True:
                try:
                    item = self._ready.get(timeout=_SLOW)
                except Empty:
                    self._start_worker()
                    continue
                if item is not None:
                    yield item
                elif self._is_done() and self._ready.empty():
                    return
        finally:
            with self._guard:
                self._stopped = True
                self._guard.notify_all()
            for worker in self._workers:
                worker.join()

    def _start_worker(self) -> None:
        """One more thread, as long as there is something for it: threads only pay while the network is what we wait for."""
        if len(self._workers) < self._threads and (self._todo or not self._workers):
            self._workers.append(threading.Thread(target=self._work, daemon=True, name=f"fetch-{len(self._workers)}"))
            self._workers[-1].start()

    def _is_done(self) -> bool:
        with self._guard:
            return not self._todo and not self._busy

    def _work(self) -> None:
        while (stretch := self._next()) is not None:
            try:
                self._read(stretch)
            except Exception as error:  # noqa: BLE001 - judged where the pages are read
                self._hand_over(Failure(stretch, error))
            finally:
                with self._guard:
                    self._busy -= 1
                self._hand_over(None)

    def _next(self) -> Stretch | None:
        with self._guard:
            while not self._todo and not self._stopped:
                self._guard.wait(_TICK)
            if self._stopped:
                return None
            self._busy += 1
            return self._todo.popleft()

    def _read(self, stretch: Stretch) -> None:
        kind, after, first = stretch.known, stretch.after_id, stretch.after_id is None
        while not self._stopped:
            answer = pull.one_page(kind.path, stretch.parameters, self._gateway, after=after)
            for obj in answer.data:
                pull.complete(kind, obj, self._gateway)
            spans: list[Span] = []
            if first and answer.has_more:
                stretch, spans = self._split(stretch, answer)
            first, last = False, not answer.has_more or not answer.data
            after = answer.data[-1]["id"] if answer.data else None
            self._hand_over(Page(stretch, answer.data, News.read(answer, self._account_id), after, last, spans))
            if last:
                return

    def _split(self, stretch: Stretch, answer: Answer) -> tuple[Stretch, list[Span]]:
        cut = when(answer.data[-1].get("created"))
        if self._oldest is None or cut is None or self._threads == 1:
            return stretch, []
        return stretch.split(cut, self._oldest, self._threads)

    def _hand_over(self, item: Page | Failure | None) -> None:
        while not self._stopped:
            try:
                self._ready.put(item, timeout=_TICK)
            except Full:
                continue
            return
