"""Requests that arrive together share a transaction, and each learns its own fate."""

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.webhooks.envelope import Envelope, of
from app.webhooks.intake import MOST_TOGETHER, Intake
from tests.webhooks.signing import customer, event


class Keeper:
    """Keeps batches; waits for `go` in the first one."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.started = threading.Event()
        self.go = threading.Event()
        self.errors: list[BaseException] = []

    def take_in(self, envelopes: Sequence[Envelope]) -> None:
        self.batches.append([envelope.id for envelope in envelopes])
        self.started.set()
        assert self.go.wait(10)
        if self.errors:
            raise self.errors.pop()


def envelopes(count: int) -> list[Envelope]:
    return [of(event("customer.created", customer(), id=f"evt_{number}")) for number in range(count)]


def waiting(intake: Intake, count: int) -> bool:
    return len(intake._queue) >= count


def test_alone_an_event_waits_for_nobody() -> None:
    keeper = Keeper()
    keeper.go.set()
    intake = Intake(keeper.take_in)

    for envelope in envelopes(3):
        intake.hand_in(envelope)

    assert keeper.batches == [["evt_0"], ["evt_1"], ["evt_2"]]


def test_what_arrives_during_a_batch_becomes_the_next_one() -> None:
    keeper = Keeper()
    intake = Intake(keeper.take_in)
    first, *others = envelopes(MOST_TOGETHER + 5)
    with ThreadPoolExecutor(MOST_TOGETHER + 5) as pool:
        pool.submit(intake.hand_in, first)
        assert keeper.started.wait(10)
        done = [pool.submit(intake.hand_in, envelope) for envelope in others]
        while not waiting(intake, len(others)):
            pass
        keeper.go.set()
        for future in done:
            future.result(10)

    assert [len(batch) for batch in keeper.batches] == [1, MOST_TOGETHER, 4]
    assert sorted(itertools.chain(*keeper.batches)) == sorted(envelope.id for envelope in [first, *others])


@pytest.mark.parametrize("error", [ValueError("not kept"), KeyboardInterrupt()])
def test_when_a_batch_fails_none_of_its_members_is_told_that_it_was_kept(error: BaseException) -> None:
    keeper = Keeper()
    intake = Intake(keeper.take_in)
    first, *others = envelopes(4)
    with ThreadPoolExecutor(4) as pool:
        lead = pool.submit(intake.hand_in, first)
        assert keeper.started.wait(10)
        done = [pool.submit(intake.hand_in, envelope) for envelope in others]
        while not waiting(intake, 3):
            pass
        keeper.errors.append(error)
        keeper.go.set()
        with pytest.raises(type(error)):
            lead.result(10)
        for future in done:
            future.result(10)

    assert [len(batch) for batch in keeper.batches] == [1, 3]
    intake.hand_in(first)
    assert len(keeper.batches) == 3


def test_a_batch_that_ends_without_a_word_is_a_failure_for_all_who_wait() -> None:
    keeper = Keeper()
    intake = Intake(keeper.take_in)
    first, second, third = envelopes(3)
    with ThreadPoolExecutor(3) as pool:
        pool.submit(intake.hand_in, first)
        assert keeper.started.wait(10)
        done = [pool.submit(intake.hand_in, second)]
        while not waiting(intake, 1):
            pass
        done.append(pool.submit(intake.hand_in, third))
        while not waiting(intake, 2):
            pass
        keeper.errors += [SystemExit(), ValueError("the first batch")]
        keeper.go.set()
        outcomes = {type(future.exception(10)) for future in done}

    assert outcomes == {SystemExit, RuntimeError}
