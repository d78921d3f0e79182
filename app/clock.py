"""The one place that says what time it is: aware UTC, always."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, UTC, in microseconds."""
    return datetime.now(UTC)


def from_unix(seconds: int) -> datetime:
    """Stripe's whole unix seconds as an aware UTC instant.

    Raises:
        ValueError: the number lies outside of the years 1 to 9999.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is not a unix time") from error


def to_unix(instant: datetime) -> int:
    """Whole unix seconds of an aware instant, rounded down."""
    return int(instant.timestamp() // 1)
