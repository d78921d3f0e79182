"""Due times are pure arithmetic: no clock change makes two of one, or none."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.schedules import Daily, Every

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


def test_every_clock_means_the_same_instants() -> None:
    assert Every(5).latest(NOON) == NOON
    assert Every(5).latest(NOON + timedelta(seconds=4.999)) == NOON
    assert Every(5).next(NOON) == NOON + timedelta(seconds=5)
    assert Every(180).latest(NOON + timedelta(seconds=200)) == NOON + timedelta(seconds=180)


def test_daily_is_the_last_such_time_and_then_the_next() -> None:
    daily = Daily(time(3, 15))

    assert daily.latest(NOON) == datetime(2026, 11, 2, 3, 15, tzinfo=UTC)
    assert daily.latest(datetime(2026, 11, 2, 3, 14, tzinfo=UTC)) == datetime(2026, 11, 1, 3, 15, tzinfo=UTC)
    assert daily.next(datetime(2026, 11, 2, 3, 14, tzinfo=UTC)) == datetime(2026, 11, 2, 3, 15, tzinfo=UTC)
    assert daily.next(datetime(2026, 11, 2, 3, 15, tzinfo=UTC)) == datetime(2026, 11, 3, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("night", "instant"),
    [
        (date(2026, 10, 24), "2026-10-24T00:30:00+00:00"),
        (date(2026, 10, 25), "2026-10-25T00:30:00+00:00"),  # 02:30 comes twice: the first
        (date(2026, 10, 26), "2026-10-26T01:30:00+00:00"),
        (date(2027, 3, 28), "2027-03-28T01:30:00+00:00"),  # 02:30 is skipped: an hour later, at 03:30
    ],
)
def test_a_night_that_changes_the_clock_has_one_due_time(night: date, instant: str) -> None:
    daily = Daily(time(2, 30), "Europe/Berlin")

    assert daily.latest(datetime.combine(night, time(12), UTC)).isoformat() == instant


@pytest.mark.parametrize("first", [date(2026, 10, 23), date(2027, 3, 26)])
@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]
)
@pytest.mark.parametrize("at", [time(0, 0), time(1, 30), time(2, 0), time(2, 30), time(3, 0), time(23, 59)])
def test_each_local_day_has_exactly_one_due_time_and_both_questions_agree(first: date, zone: str, at: time) -> None:
    daily, start = Daily(at, zone), datetime.combine(first, time(0), UTC)
    moments = [start + timedelta(minutes=10 * step) for step in range(6 * 24 * 12)]

    seen = sorted({daily.latest(moment) for moment in moments})
    asked = [daily.next(start)]
    while asked[-1] <= moments[-1]:
        asked.append(daily.next(asked[-1]))

    days = [due.astimezone(ZoneInfo(zone)).date() for due in seen]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert len(days) >= 12
    assert asked[:-1] == [due for due in seen if due > start]
