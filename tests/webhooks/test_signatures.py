"""Only what Stripe signed for us, now, with a secret of ours."""

from datetime import UTC, datetime

import pytest
import stripe

from app.webhooks.signatures import NotBelieved, usable, verify
from tests.webhooks.signing import v1

BODY = b'{"id": "evt_1"}'
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
T = int(NOW.timestamp())
SECRET = "whsec_first"
GOOD = v1(BODY, T, SECRET)


def test_a_fresh_signature_of_ours_is_believed() -> None:
    verify(BODY, f"t={T},v1={GOOD}", [SECRET], now=NOW)


def test_we_believe_what_stripes_own_check_believes() -> None:
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, T)  # type: ignore[attr-defined]

    verify(BODY, header, [SECRET], now=NOW)
    assert stripe.WebhookSignature.verify_header(BODY.decode(), f"t={T},v1={GOOD}", SECRET, None) is True


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "There is no signature."),
        ("", "There is no signature."),
        ("v1", "The signature has no readable time."),
        (f"v1={GOOD}", "The signature has no readable time."),
        (f"t=,v1={GOOD}", "The signature has no readable time."),
        (f"t=-5,v1={GOOD}", "The signature has no readable time."),
        (f"t=1e9,v1={GOOD}", "The signature has no readable time."),
        (f"t={'9' * 400},v1={GOOD}", "The signature has no readable time."),
        (f"t={T},t={T},v1={GOOD}", "The signature has no readable time."),
        (f"t={T}", "There is no v1 signature."),
        (f"t={T},v0={GOOD}", "There is no v1 signature."),
        (f"t={T},v1=", "No signature fits."),
        (f"t={T},v1={GOOD[:-1]}", "No signature fits."),
        (f"t={T},v1={GOOD.upper()}", "No signature fits."),
        (f"t={T + 1},v1={GOOD}", "No signature fits."),
        (f"t={T},v1=é", "The signature cannot be read."),
        (f"t=١٢,v1={GOOD}", "The signature cannot be read."),
        (f"t={T},v1={GOOD}" + ",v1=0" * 2_000, "The signature cannot be read."),
    ],
)
def test_every_other_header_is_refused_with_its_reason(header: str | None, reason: str) -> None:
    with pytest.raises(NotBelieved) as refusal:
        verify(BODY, header, [SECRET], now=NOW)

    assert str(refusal.value) == reason


@pytest.mark.parametrize("body", [b'{"id": "evt_2"}', BODY + b" ", b"", b"\xff"])
def test_one_other_byte_in_the_body_is_refused(body: bytes) -> None:
    with pytest.raises(NotBelieved, match="No signature fits"):
        verify(body, f"t={T},v1={GOOD}", [SECRET], now=NOW)


@pytest.mark.parametrize("secret", ["", " ", "\t"])
def test_an_empty_secret_signs_nothing(secret: str) -> None:
    assert usable([secret]) == []
    with pytest.raises(NotBelieved, match="No signature fits"):
        verify(BODY, f"t={T},v1={v1(BODY, T, secret)}", [secret], now=NOW)


@pytest.mark.parametrize("age", [0, 299, 300, -299, -300])
def test_five_minutes_either_way_are_tolerated(age: int) -> None:
    verify(BODY, f"t={T - age},v1={v1(BODY, T - age, SECRET)}", [SECRET], now=NOW)


@pytest.mark.parametrize(("age", "reason"), [(301, "301 seconds behind"), (-301, "301 seconds ahead of")])
def test_what_is_older_or_from_the_future_is_refused(age: int, reason: str) -> None:
    with pytest.raises(NotBelieved, match=f"{reason} our clock"):
        verify(BODY, f"t={T - age},v1={v1(BODY, T - age, SECRET)}", [SECRET], now=NOW)


def test_while_a_secret_is_rolled_both_are_accepted_and_afterwards_the_old_one_is_not() -> None:
    old, new = v1(BODY, T, "whsec_old"), v1(BODY, T, "whsec_new")
    for signatures in (f"v1={old}", f"v1={new}", f"v1={old},v1={new}", f"v1={new},v1={old}"):
        verify(BODY, f"t={T},{signatures}", ["whsec_new", "whsec_old"], now=NOW)

    verify(BODY, f"t={T},v1={old},v1={new}", ["whsec_new"], now=NOW)
    with pytest.raises(NotBelieved, match="No signature fits"):
        verify(BODY, f"t={T},v1={old}", ["whsec_new"], now=NOW)
