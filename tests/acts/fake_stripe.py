"""A Stripe that fits on one page: things that can be switched on once, by key; it checks that nobody holds a transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from app import clock
from app.database import db
from app.errors import GatewayRefused, GatewayUnavailable
from app.gateways.answer import Answer


class FakeStripe:
    """`keys`: the key of every request. `things`: what Stripe has, by id. Faults are switched on by attribute.

    lose_answers: this many requests do their work, but the answer never arrives. down: nothing is reached at all.
    refuse: the words of a clear no. refuse_looks: looking is forbidden.
    """

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.forms: list[Mapping[str, Any]] = []
        self.looks = 0
        self.things = {"thing_1": {"id": "thing_1", "object": "thing", "status": "off"}}
        self.answered: set[str] = set()
        self.lose_answers = 0
        self.down = False
        self.refuse = ""
        self.refuse_looks = False

    def ask(
        self, method: str, path: str, form: Mapping[str, Any], *, key: str, about: str, kept: dict[str, str]
    ) -> Answer:
        self._reached()
        self.keys.append(key)
        self.forms.append(form)
        if self.refuse:
            raise GatewayRefused(self.refuse, code="not_possible", request_id="req_no")
        replayed = key in self.answered
        self.answered.add(key)
        thing = self.things[path.split("/")[3]]
        before = dict(thing)
        if not replayed:
            thing["status"] = "on"
        if self.lose_answers:
            self.lose_answers -= 1
            raise GatewayUnavailable("The connection broke before the answer.")
        return _answer(before | {"status": "on"}, replayed=replayed)

    def look(self, path: str, expand: Sequence[str] = ()) -> Answer:
        self._reached()
        self.looks += 1
        if self.refuse_looks:
            raise GatewayRefused("Not yours to see.", code="forbidden")
        return _answer(self.things[path.split("/")[3]])

    def page(self, path: str, parameters: Mapping[str, Any]) -> Answer:
        self._reached()
        self.looks += 1
        return _answer({"object": "list", "data": list(self.things.values()), "has_more": False})

    def _reached(self) -> None:
        assert not db.session().in_transaction(), "a transaction is open during a call to Stripe"
        if self.down:
            raise GatewayUnavailable("Stripe does not answer.")


def _answer(body: Mapping[str, Any], *, replayed: bool = False) -> Answer:
    now = clock.now()
    return Answer(
        body=dict(body),
        status=200,
        request_id="req_1",
        stripe_now=now.replace(microsecond=0),
        heard_at=now,
        elapsed=clock.now() - now,
        api_version="2026-10-28.endive",
        replayed=replayed,
    )
