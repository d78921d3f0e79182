"""Due times are pure arithmetic: no clock change makes two of one, or none."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.errors import BadRequest
from app.timetable.schedules import Daily, Every, Schedule, coming, read

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


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("every 5 minutes", Every(300)),
        ("Every 90 s", Every(90)),
        ("every hour", Every(3600)),
        ("every 2 days", Every(172_800)),
        ("daily at 03:15", Daily(time(3, 15))),
        ("daily at 3:15 Europe/Berlin", Daily(time(3, 15), "Europe/Berlin")),
    ],
)
def test_a_schedule_is_read_as_people_write_it_and_says_of_itself_what_can_be_read(words: str, meant: Schedule) -> None:
    assert read(words) == meant
    assert read(str(meant)) == meant


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "Write “every 5 minutes”"),
        ("sometimes", "Write “every 5 minutes”"),
        ("every 1 s", "At most every 5 seconds"),
        ("every 90 days", "at least every 31 days"),
        ("daily at 25:00", "00:00 to 23:59"),
        ("daily at 03:15 Mars/Olympus", "a name like Europe/Berlin"),
        ("61 * * * *", "The minute is a number from 0 to 59"),
        ("* * *", "five fields"),
        ("5-1 * * * *", "runs backwards"),
        ("0 0 31 2 *", "no such day"),
        ("*/0 * * * *", "The minute is a number from 1 to 59"),
        ("1\0 * * * *", "The minute is a number"),
    ],
)
def test_what_is_no_schedule_is_refused_in_words(words: str, why: str) -> None:
    with pytest.raises(BadRequest, match=re.escape(why)):
        read(words)


@pytest.mark.parametrize(
    ("words", "following"),
    [
        ("*/15 * * * *", ["2026-11-02T12:15", "2026-11-02T12:30"]),
        ("0 3 * * 1-5", ["2026-11-03T03:00", "2026-11-04T03:00"]),
        ("30 2 29 2 *", ["2028-02-29T02:30", "2032-02-29T02:30"]),
        # Either day will do where both are named; Sunday is 0 and 7.
        ("0 0 1 * 7", ["2026-11-08T00:00", "2026-11-15T00:00"]),
        ("0 22,23 * * *", ["2026-11-02T22:00", "2026-11-02T23:00"]),
    ],
)
def test_a_cron_pattern_is_due_when_it_says_in_utc(words: str, following: list[str]) -> None:
    cron = read(words)

    due = coming(cron, NOON, 2)
    assert [instant.isoformat()[:16] for instant in due] == following
    assert cron.latest(due[0]) == due[0]
    assert cron.latest(due[1] - timedelta(seconds=1)) == due[0]
    assert read(str(cron)) == cron
