"""Stripe's way of writing parameters."""

from typing import Any

import pytest

from app.sandbox import params
from app.sandbox.errors import StripeError


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=", {"a": ""}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a[]=x&a[]=y", {"a": ["x", "y"]}),
        ("a[1]=y&a[0]=x", {"a": ["x", "y"]}),
        ("a[10]=z&a[2]=y", {"a": ["y", "z"]}),
        ("i[0][price]=p&i[0][quantity]=2&i[1][price]=q", {"i": [{"price": "p", "quantity": "2"}, {"price": "q"}]}),
        ("i[][price]=p&i[][quantity]=2&i[][price]=q", {"i": [{"price": "p", "quantity": "2"}, {"price": "q"}]}),
        ("metadata[a%5Bb]=1", {"metadata": {"a[b": "1"}}),
        ("a%5Bb%5D=caf%C3%A9+x", {"a": {"b": "café x"}}),
        ("a=%ff", {"a": "\ufffd"}),
        ("a[b]=1&a=2", {"a": "2"}),
        ("a=2&a[b]=1", {"a": {"b": "1"}}),
        ("[x]=1", {"[x]": "1"}),
    ],
)
def test_forms_become_nested_values(text: str, meant: dict[str, Any]) -> None:
    assert params.decode(text) == meant


def test_depth_has_an_end() -> None:
    with pytest.raises(StripeError):
        params.decode("a" + "[b]" * 40 + "=1")


def test_metadata_is_merged() -> None:
    old = {"kept": "1", "gone": "2", "changed": "3"}

    assert params.metadata({}, old) == old
    assert params.metadata({"metadata": {"gone": "", "changed": "4", "new": "5"}}, old) == {
        "kept": "1",
        "changed": "4",
        "new": "5",
    }
    assert params.metadata({"metadata": ""}, old) == {}


@pytest.mark.parametrize(
    "given",
    [{"k" * 41: "v"}, {"k": "v" * 501}, {"k": {"nested": "x"}}, {f"k{number}": "v" for number in range(51)}, ["a"]],
)
def test_metadata_has_limits(given: Any) -> None:
    with pytest.raises(StripeError):
        params.metadata({"metadata": given})


@pytest.mark.parametrize("given", ["1.5", "abc", "1e3", "１２", "9" * 19, "--1", ["1"], {"a": "1"}])
def test_integers_are_whole_ascii_numbers(given: Any) -> None:
    with pytest.raises(StripeError) as refusal:
        params.integer({"amount": given}, "amount")

    assert refusal.value.code == "parameter_invalid_integer"
    assert refusal.value.param == "amount"


def test_integers_booleans_and_choices_are_read() -> None:
    given = {"amount": "-12", "capture": "false", "reason": "duplicate", "unset": ""}

    assert params.integer(given, "amount") == -12
    assert params.boolean(given, "capture") is False
    assert params.choice(given, "reason", ("duplicate", "fraudulent")) == "duplicate"
    assert (params.integer(given, "unset"), params.boolean(given, "unset"), params.text(given, "unset")) == (None,) * 3
    with pytest.raises(StripeError, match="Invalid boolean: -12"):
        params.boolean(given, "amount")
    with pytest.raises(StripeError, match="Invalid reason: must be one of a, b, or c"):
        params.choice(given, "reason", ("a", "b", "c"))
    with pytest.raises(StripeError, match="greater than or equal to 1"):
        params.integer(given, "amount", least=1)
