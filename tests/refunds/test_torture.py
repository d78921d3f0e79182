"""Races of refunds, many times over: some at every push, the rest by `make torture`."""

import pytest
from flask import Flask

from tests import factories
from tests.desk import staff
from tests.refunds.fake_gateway import FakeGateway
from tests.refunds.races import assert_nothing_was_given_twice, at_once, race
from tests.system.shop import form
from tests.system.test_refund_races import poster


@pytest.mark.parametrize(("hands", "times"), [(2, 440), (50, 10)])
def test_races_of_operations(committed: Flask, hands: int, times: int) -> None:
    gateway = FakeGateway()

    made = race(committed, gateway, hands=hands, times=times, seed=hands)

    assert made >= times
    assert_nothing_was_given_twice(gateway, made=made)


@pytest.mark.parametrize(("hands", "times"), [(2, 45), (50, 5)])
def test_races_of_browsers(committed: Flask, hands: int, times: int) -> None:
    assert _browsers(committed, hands=hands, times=times) == times


@pytest.mark.torture
@pytest.mark.parametrize(("hands", "times"), [(2, 9_000), (50, 450)])
def test_long_races_of_operations(committed: Flask, hands: int, times: int) -> None:
    gateway = FakeGateway()

    made = race(committed, gateway, hands=hands, times=times, seed=7)

    assert made >= times
    assert_nothing_was_given_twice(gateway, made=made)


@pytest.mark.torture
@pytest.mark.parametrize(("hands", "times"), [(2, 1_000), (50, 50)])
def test_long_races_of_browsers(committed: Flask, hands: int, times: int) -> None:
    assert _browsers(committed, hands=hands, times=times) == times


def _browsers(app: Flask, *, hands: int, times: int) -> int:
    """Whole payments, two people at their forms; how many refunds were made."""
    gateway = FakeGateway()
    app.extensions["gateway"] = gateway
    ana, ben = staff(app, "admin"), staff(app, "admin")
    for _ in range(times):
        charge = factories.charge(amount=5_000)
        pages = at_once([poster((ana, ben)[n % 2], form(charge.id, "50.00")) for n in range(hands)])
        # 503: fifty share eight connections, and on a slow machine one may wait too long for its own. It gave nothing back.
        assert sorted({page.status for page in pages} - {303, 409, 422, 503}) == []  # type: ignore[attr-defined]
        assert [page.status for page in pages].count(303) == 1  # type: ignore[attr-defined]
    assert_nothing_was_given_twice(gateway, made=times)
    return len(gateway.made)
