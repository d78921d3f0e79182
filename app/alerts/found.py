"""What a look for trouble finds: one thing that somebody should hear of, in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select

from app.database import db
from app.money import MinorUnits, Money

AT_ONCE = 200
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """money: how much it is about. since: from when on it waits. path: the page that shows it. dedup: names the happening, where
    that is more than the object. time: tells one time it is so from the next, for rules that tell each once and never again."""

    object_type: str
    object_id: str
    text: str
    money: Money | None = None
    since: datetime | None = None
    path: str | None = None
    dedup: str = ""
    time: str = ""

    @property
    def key(self) -> str:
        return self.dedup or f"{self.object_type}:{self.object_id}"


Look = Callable[[int, datetime], list[Found]]


def rows(statement: Select[*tuple[Any, ...]]) -> list[Row[*tuple[Any, ...]]]:
    """At most 200 of them: who has more than that is told so by the 200th."""
    return list(db.session.execute(statement.limit(AT_ONCE)).all())


def money(row: object) -> Money:
    return Money(MinorUnits(row.amount), row.currency)  # type: ignore[attr-defined]


def time(instant: datetime) -> str:
    return f"{instant:%-d %b %Y, %H:%M} UTC"
