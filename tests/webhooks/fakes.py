"""A Stripe that answers reads."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app import clock
from app.database import db
from app.gateways.answer import Answer


@dataclass
class FakeGateway:
    """Answers reads with these objects, or with this error; checks that no transaction is open meanwhile."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def background(self) -> "FakeGateway":
        return self

    def look(self, path: str) -> Answer:
        assert not db.session().in_transaction()
        self.asked.append(path)
        if self.error:
            raise self.error
        now = clock.now()
        return Answer(
            self.objects[path], 200, "req_1", now.replace(microsecond=0), now, timedelta(), "2026-10-28.endive"
        )

    def page(self, path: str, parameters: dict[str, Any]) -> Answer:
        raise AssertionError(f"{path} {parameters} was not expected")
