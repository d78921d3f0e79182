"""What the page on security promises is what the code does."""

from datetime import timedelta
from pathlib import Path

from app.staff import passwords, throttle
from app.web import tokens

PAGE = " ".join((Path(__file__).parents[2] / "docs" / "security.md").read_text().split())


def test_the_page_tells_the_limits_that_hold() -> None:
    window, idle, proof = (span // timedelta(minutes=1) for span in (throttle.WINDOW, tokens.IDLE, tokens.PROOF))
    for promise in (
        f"at least {passwords.SHORTEST} characters",
        f"{throttle.FOR_ONE_EMAIL} wrong passwords for one e-mail address, or {throttle.FROM_ONE_ADDRESS} from one network address",
        f"within {window} minutes",
        f"after {idle} minutes without use, and {tokens.ABSOLUTE // timedelta(hours=1)} hours after signing in",
        f"more than {proof} minutes ago",
    ):
        assert promise in PAGE, promise
