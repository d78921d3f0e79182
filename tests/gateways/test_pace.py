"""All processes together keep to one pace, and people go before background work."""

import threading
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.database import db
from app.gateways.pace import Pace


def bucket(committed: Flask) -> float:
    with db.engine.connect() as connection:
        return float(connection.execute(text("SELECT tokens FROM rate_buckets")).scalar_one())


def pace(rate: float | None, **options: Any) -> Pace:
    engine = db.engine  # threads have no application context
    return Pace("test", rate, lambda: engine, **options)


def test_a_burst_is_no_larger_than_what_flows_in_within_a_quarter_of_a_second(committed):
    sleeps: list[float] = []

    class Enough(Exception):
        pass

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        raise Enough

    quick, count = pace(20, sleep=sleep), 0
    try:
        while count < 100:
            quick.wait(urgent=True)
            count += 1
    except Enough:
        pass

    assert 5 <= count <= 8  # what flowed in while counting comes on top
    assert len(sleeps) == 1


def test_many_threads_and_paces_share_one_bucket(committed):
    counted: list[int] = []

    class Enough(Exception):
        pass

    def stop(_seconds: float) -> None:
        raise Enough

    def take(one: Pace) -> None:
        try:
            while True:
                one.wait(urgent=False)
                counted.append(1)
        except Enough:
            pass

    threads = [threading.Thread(target=take, args=(pace(40, sleep=stop),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 <= len(counted) <= 30
    assert bucket(committed) < 10


def test_background_work_leaves_a_reserve_for_people(committed):
    class Enough(Exception):
        pass

    def stop(_seconds: float) -> None:
        raise Enough

    background, person = pace(20, sleep=stop), pace(20, sleep=stop)
    try:
        while True:
            background.wait(urgent=False)
    except Enough:
        pass

    person.wait(urgent=True)

    assert bucket(committed) >= 0.25


def test_without_a_limit_no_database_is_asked(committed):
    free = pace(None)
    for _ in range(1_000):
        free.wait(urgent=False)

    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM rate_buckets")).scalar_one() == 0


def test_after_being_told_to_slow_down_even_the_unlimited_keeps_a_pace(committed):
    free = pace(None)

    free.slow_down()
    free.wait(urgent=True)

    assert bucket(committed) < 3.75
