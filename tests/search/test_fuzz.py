"""Whatever is typed into the search is answered, or refused in words, and reads the same after its way through an address."""

from typing import Any

from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from app.errors import BadRequest
from app.search.kinds import BY_NAME
from app.search.language import KEYS, Wanted, read
from tests import factories
from tests.desk import staff

_VALUES = st.one_of(
    st.sampled_from(
        [
            "failed",
            ">5000",
            "10..20",
            "..",
            ">=",
            "7d",
            "99999d",
            "2026-13",
            "2026-02-30",
            "0001-01-01",
            "9999-12",
            "DE",
        ]
    ),
    st.text(max_size=12),
)
_PAIRS = st.builds(lambda key, value: f"{key}:{value}", st.sampled_from([*KEYS, "STATUS", "colour", "https"]), _VALUES)
TYPED = st.one_of(st.text(max_size=60), st.lists(st.one_of(_PAIRS, _VALUES), max_size=6).map(" ".join))
_SETTINGS: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def _read(typed: str) -> Wanted | str:
    try:
        return read(typed, BY_NAME)
    except BadRequest as refusal:
        return str(refusal)


@settings(max_examples=300, **_SETTINGS)
@given(TYPED)
def test_a_line_reads_the_same_after_its_way_through_an_address(typed: str) -> None:
    arrived = Request(EnvironBuilder(query_string={"q": typed}).get_environ()).args["q"]

    assert _read(arrived) == _read(typed)


@settings(max_examples=300, **_SETTINGS)
@given(TYPED)
def test_a_line_is_refused_in_a_sentence_or_understood_with_keys_we_know(typed: str) -> None:
    wanted = _read(typed)

    if isinstance(wanted, str):
        assert wanted.endswith(".")
    else:
        assert wanted.keys <= set(KEYS)
        assert all(term.value.strip() for term in wanted.terms)


def test_whatever_is_typed_is_answered_or_refused_in_words(app: Flask) -> None:
    factories.refund(factories.charge(customer_id=factories.customer().id))
    admin = staff(app, "admin").client

    @settings(max_examples=60, **_SETTINGS)
    @example("amount:>9999999999999999999 created:99999d")
    @example("created:0001-01-01 created:9999-12-31")
    @example("email:\0")
    @given(TYPED)
    def asked(typed: str) -> None:
        answer = admin.get("/admin/search/suggest", query_string={"q": typed})
        assert answer.status_code in {200, 400}
        assert answer.status_code == 200 or answer.get_json()["error"].endswith(".")

    asked()
