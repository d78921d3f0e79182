"""What each kind of answer means, how often it is asked for, and what is kept of it."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import orjson
import pytest

from app.errors import GatewayRefused, GatewayUnavailable
from app.gateways.calls import Call
from app.gateways.pace import Pace
from app.gateways.stripe import Stripe
from tests.canned import Canned, Obj

Reply = tuple[int, dict[str, str], bytes]
REFUND = {"id": "re_1", "object": "refund", "metadata": {"counterfoil_refund": "p-1"}}


def json_reply(status: int, body: Obj, **headers: str) -> Reply:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, orjson.dumps(body)


def error(status: int, type_: str, code: str | None, message: str = "No.", **headers: str) -> Reply:
    return json_reply(status, {"error": {"type": type_, "code": code, "message": message}}, **headers)


def reset() -> Reply:
    raise ConnectionResetError


LOST = {
    "no reply": reset,
    "502 as HTML": lambda: (502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"),
    "200 as HTML": lambda: (200, {"Content-Type": "text/html"}, b"<html>Please sign in to this network</html>"),
    "JSON cut short": lambda: (200, {}, orjson.dumps(REFUND)[:20]),
    "longer than it says": lambda: (200, {"Content-Length": "7", "Connection": "close"}, orjson.dumps(REFUND)),
    "shorter than it says": lambda: (200, {"Content-Length": "9999", "Connection": "close"}, orjson.dumps(REFUND)),
    "gzip garbage": lambda: (200, {"Content-Encoding": "gzip"}, b"\x1f\x8bnot really"),
    "a list": lambda: (200, {}, b"[]"),
    "500": lambda: error(500, "api_error", None),
    "503 without words": lambda: (503, {}, b""),
    "404 of another machine": lambda: (404, {"Content-Type": "text/html"}, b"<html>nginx</html>"),
    "409, somebody has the key": lambda: error(409, "idempotency_error", "idempotency_key_in_use"),
    "a redirect": lambda: (302, {"Location": "https://evil.example.com/"}, b""),
}


@dataclass
class World:
    canned: Canned
    stripe: Stripe
    calls: list[Call] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def replies(self, *replies: Callable[[], Reply]) -> None:
        """One after the other, the last one for ever."""
        waiting = list(replies)
        self.canned.hooks = [lambda *_: (waiting.pop(0) if len(waiting) > 1 else waiting[0])()]

    @property
    def keys(self) -> list[str]:
        return [headers.get("idempotency-key", "") for method, _, headers in self.canned.requests if method == "POST"]

    def refund(self) -> Obj:
        return self.stripe.create_refund(
            charge="ch_1", amount=500, reason=None, metadata={"counterfoil_refund": "p-1"}, key="refund:p-1"
        ).body


@pytest.fixture
def world() -> Iterator[World]:
    calls: list[Call] = []
    pauses: list[float] = []
    with Canned() as canned:
        pace = Pace("test", None, bind=lambda: pytest.fail("no limit, so no database"), sleep=pauses.append)
        pace.slow_down = lambda: None  # type: ignore[method-assign]
        yield World(canned, Stripe("sk_test_1", canned.url, pace=pace, keep=calls.append), calls, pauses)


def test_an_answer_knows_when_and_how_it_was_given(world):
    world.replies(lambda: json_reply(200, REFUND, Date="Mon, 02 Nov 2026 12:00:00 GMT", Idempotent_Replayed="true"))

    answer = world.stripe.retrieve("/v1/refunds/re_1")

    assert (answer.body, answer.status, answer.request_id, answer.replayed) == (REFUND, 200, "req_canned", True)
    assert answer.stripe_now.isoformat() == "2026-11-02T12:00:00+00:00"
    [(method, target, headers)] = world.canned.requests
    assert (method, target) == ("GET", "/v1/refunds/re_1")
    assert headers["stripe-version"] == "2026-10-28.endive"
    assert headers["authorization"] == "Bearer sk_test_1"


def test_half_a_surrogate_pair_does_not_lose_the_page(world):
    world.replies(lambda: (200, {}, b'{"name":"a\\ud800b"}'))

    assert world.stripe.retrieve("/v1/customers/cus_1").body == {"name": "a\ud800b"}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST.keys())
def test_a_write_without_a_certain_answer_is_asked_again_with_the_same_key(world, reply):
    world.replies(reply, lambda: json_reply(200, REFUND))

    assert world.refund() == REFUND
    assert world.keys == ["refund:p-1", "refund:p-1"]


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST.keys())
def test_a_write_that_never_gets_a_certain_answer_is_unknown_not_failed(world, reply):
    world.replies(reply)

    with pytest.raises(GatewayUnavailable, match="may or may not have acted"):
        world.refund()

    assert world.keys == ["refund:p-1"] * 3
    assert len(world.calls) == 3
    assert {call.idempotency_key for call in world.calls} == {"refund:p-1"}


@pytest.mark.parametrize("reply", LOST.values(), ids=LOST.keys())
def test_a_read_is_asked_again(world, reply):
    world.replies(reply, reply, lambda: json_reply(200, REFUND))

    assert world.stripe.retrieve("/v1/refunds/re_1").body == REFUND


@pytest.mark.parametrize(
    ("status", "type_", "code"),
    [
        (400, "invalid_request_error", "charge_already_refunded"),
        (401, "invalid_request_error", None),
        (402, "card_error", "card_declined"),
        (403, "invalid_request_error", "more_permissions_required"),
        (404, "invalid_request_error", "resource_missing"),
    ],
)
def test_a_clear_no_is_not_asked_again(world, status, type_, code):
    world.replies(lambda: error(status, type_, code, "Charge ch_1 has already been refunded."))

    with pytest.raises(GatewayRefused, match=r"^Charge ch_1 has already been refunded\.$") as refusal:
        world.refund()

    assert (refusal.value.code, refusal.value.request_id) == (code or type_, "req_canned")
    assert len(world.keys) == 1
    assert world.pauses == []


def test_a_key_that_was_used_for_other_words_is_unknown_because_those_may_have_moved_money(world):
    world.replies(lambda: error(400, "idempotency_error", None, "Keys can only be used with the same parameters."))

    with pytest.raises(GatewayUnavailable, match="may or may not have acted"):
        world.refund()

    assert len(world.keys) == 1
    assert world.pauses == []


def test_a_server_error_that_says_do_not_retry_is_not_asked_again_and_is_unknown(world):
    world.replies(lambda: error(500, "api_error", None, stripe_should_retry="false"))

    with pytest.raises(GatewayUnavailable):
        world.refund()

    assert len(world.keys) == 1


def test_too_many_requests_is_waited_out_as_long_as_stripe_asks(world):
    slow = [lambda: error(429, "invalid_request_error", "rate_limit", Retry_After="7")] * 2
    world.replies(*slow, lambda: json_reply(200, REFUND))

    assert world.stripe.background.retrieve("/v1/refunds/re_1").body == REFUND
    assert [pause >= 7 for pause in world.pauses] == [True, True]


def test_background_work_waits_out_a_storm_that_a_person_does_not(world):
    storm = [lambda: error(429, "invalid_request_error", "rate_limit")] * 8
    world.replies(*storm, lambda: json_reply(200, REFUND))

    assert world.stripe.background.retrieve("/v1/refunds/re_1").body == REFUND
    assert len(world.pauses) == 8
    assert len(set(world.pauses)) == 8  # jittered
    with pytest.raises(GatewayUnavailable, match="slow down"):
        world.replies(lambda: error(429, "invalid_request_error", "rate_limit", Retry_After="30"))
        world.stripe.retrieve("/v1/refunds/re_1")


def test_the_request_id_of_another_machines_page_is_logged(world, caplog):
    world.replies(lambda: (502, {"Content-Type": "text/html", "Request-Id": "req_lost"}, b"<html>secret</html>"))

    with pytest.raises(GatewayUnavailable), caplog.at_level("INFO"):
        world.refund()

    assert {call.request_id for call in world.calls} == {"req_lost"}
    [*_, last] = [record for record in caplog.records if record.message == "gateway.no_answer"]
    assert (last.stripe_request_id, last.status, last.levelname) == ("req_lost", 502, "WARNING")
    assert "secret" not in last.words


def test_nothing_listens_is_unknown(world):
    gone = Stripe("sk_test_1", "http://127.0.0.1:9", pace=world.stripe._pace, keep=world.calls.append)

    with pytest.raises(GatewayUnavailable):
        gone.retrieve("/v1/charges/ch_1")


def test_slow_is_unknown(world):
    import time

    def late() -> Reply:
        time.sleep(0.5)
        return json_reply(200, REFUND)

    world.replies(late)
    hasty = Stripe("sk_test_1", world.canned.url, pace=world.stripe._pace, keep=world.calls.append, timeouts=(1, 0.05))

    with pytest.raises(GatewayUnavailable):
        hasty.create_refund(charge="ch_1", amount=1, reason=None, metadata={}, key="k")

    assert [call.status for call in world.calls] == [None, None, None]


def test_what_is_missing_can_be_looked_for(world):
    world.replies(lambda: error(404, "invalid_request_error", "resource_missing"))

    answer = world.stripe.look("/v1/charges/ch_1")

    assert (answer.status, answer.body) == (404, {})
    with pytest.raises(GatewayRefused):
        world.stripe.retrieve("/v1/charges/ch_1")


def test_a_missing_address_is_not_a_missing_object(world):
    world.replies(lambda: error(404, "invalid_request_error", None, "Unrecognized request URL."))

    with pytest.raises(GatewayRefused, match="Unrecognized"):
        world.stripe.look("/v1/nonsense/1")


def test_a_write_is_kept_without_anything_personal(world):
    world.replies(lambda: json_reply(200, REFUND))

    world.stripe.create_refund(
        charge="ch_1", amount=500, reason="duplicate", metadata={"note": "jo@example.com"}, key="refund:p-1"
    )

    [call] = world.calls
    assert (call.method, call.path, call.status, call.request_id) == ("POST", "/v1/refunds", 200, "req_canned")
    assert (call.object_id, call.idempotency_key, call.error) == ("ch_1", "refund:p-1", None)
    assert call.parameters == {"amount": "500", "reason": "duplicate"}


def test_all_refunds_of_a_charge_are_looked_through_for_a_promise(world):
    mine = {"id": "re_000", "object": "refund", "created": 1, "metadata": {"counterfoil_refund": "p-9"}}
    others = [{"id": f"re_{n}", "object": "refund", "created": 2, "metadata": {}} for n in range(230)]
    world.canned.lists["/v1/refunds"] = [*others, mine]

    assert world.stripe.find_refund("ch_1", "p-9") == mine
    assert len(world.canned.requests) == 3
    assert world.stripe.find_refund("ch_1", "p-8") is None


def test_compressed_answers_are_understood(world):
    world.replies(lambda: (200, {"Content-Encoding": "gzip"}, gzip.compress(orjson.dumps(REFUND))))

    assert world.stripe.retrieve("/v1/refunds/re_1").body == REFUND


def test_a_key_never_shows_in_an_error(world):
    world.replies(lambda: error(401, "invalid_request_error", None, "Invalid API Key provided: sk_test_1234567890"))

    with pytest.raises(GatewayRefused) as refusal:
        world.stripe.account()

    assert "sk_test_1234567890" not in str(refusal.value)
