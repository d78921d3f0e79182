"""A real gateway that reads from a canned Stripe."""

from app.gateways.pace import Pace
from app.gateways.stripe import Stripe
from tests.canned import Canned


def gateway_to(canned: Canned) -> Stripe:
    def never() -> None:
        raise AssertionError("there is no limit, so no bucket")

    pace = Pace("canned", None, never, sleep=lambda _seconds: None)  # type: ignore[arg-type]
    return Stripe("sk_test_1", canned.url, pace=pace, keep=lambda _call: None)
