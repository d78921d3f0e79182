"""A wrong configuration starts no process, and each says why in the same line; the sandbox says on every page that it is one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.desk import visitor
from tests.stack import ROOT, Stack, free_port
from tests.system.shop import Shop

LIVE = {
    "STRIPE_SECRET_KEY": "sk_live_51marker",
    "STRIPE_API_BASE": "",
    "STRIPE_WEBHOOK_SECRET": "whsec_marker",
    "SECRET_KEY": "marker marker marker marker marker",
    "DOMAIN": "https://desk.example.com",
}
WEB = ("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--respawn-failed-workers", "wsgi:app")
JOBS = ("-m", "flask", "--app", "wsgi", "jobs", "start")
SYNC = ("-m", "flask", "--app", "wsgi", "sync", "run")
WRONG = [
    ({"DEBUG": "1"}, "DEBUG and FLASK_DEBUG must be off with a live key."),
    ({"STRIPE_API_BASE": "http://127.0.0.1:12111"}, "STRIPE_API_BASE is not Stripe's"),
    ({"STRIPE_WEBHOOK_SECRET": "whsec_test_marker"}, "STRIPE_WEBHOOK_SECRET holds a test secret"),
    ({"STRIPE_WEBHOOK_SECRET": ""}, "STRIPE_WEBHOOK_SECRET must be set"),
    ({"SECRET_KEY": "dev"}, "SECRET_KEY must have at least 32 characters"),
    ({"DOMAIN": "http://desk.example.com"}, "DOMAIN must start with https://"),
    ({"STRIPE_SECRET_KEY": "", "STRIPE_API_BASE": "https://api.stripe.com"}, "STRIPE_SECRET_KEY is not set"),
]
STARTS = [(WEB, *WRONG[0]), (JOBS, *WRONG[0]), *((SYNC, *WRONG[number]) for number in (1, 2, 6))]


@pytest.mark.parametrize(("command", "changes", "words"), STARTS)
def test_no_process_starts(
    database_url: str, tmp_path: Path, command: tuple[str, ...], changes: dict[str, str], words: str
) -> None:
    stack = Stack(database_url, "", "", tmp_path / "instance")
    environment = {**stack.environment, **LIVE, "GRANIAN_PORT": str(free_port()), **changes}
    ended = subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
    )

    said = ended.stdout + ended.stderr
    assert ended.returncode != 0
    [line] = {line for line in said.splitlines() if "Counterfoil does not start" in line}
    assert words in line
    assert "marker" not in said
    assert "Traceback" not in said


def test_the_sandbox_says_that_it_is_one(shop: Shop) -> None:
    page = visitor(shop.app).get("/login")

    assert "sandbox" in page.words.lower()
