"""`make run`'s own program as a newcomer starts it: nothing is set, everything comes along, and all of it works together."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app import embedded
from tests.stack import ROOT, eventually, free_port

pytestmark = pytest.mark.timeout(300)
READY = re.compile(r"Sign in as (\S+) with the password (\S+)")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder every user of the machine may pass, as a clone usually is."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
        embedded.stop(Path(folder) / "pg")


def test_a_newcomer_signs_in_sees_the_shop_and_ends_it_with_ctrl_c(home: Path) -> None:
    port = free_port()
    unset = {"DATABASE_URL", "STRIPE_SECRET_KEY", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRET", "SECRET_KEY", "DOMAIN"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"INSTANCE_DIR": str(home), "PORT": str(port), "SANDBOX_PORT": str(free_port())}
    said = home / "said"
    with said.open("wb") as output:
        launched = subprocess.Popen(
            [sys.executable, "-m", "app.launch"], cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        found = eventually(lambda: READY.search(said.read_text()) or launched.poll() is not None, within=240)
        assert isinstance(found, re.Match), said.read_text()
        visitor = requests.Session()
        base = f"http://localhost:{port}"
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get(f"{base}/login").text)
        assert token is not None
        form = {"email": found[1], "password": found[2], "csrf_token": token[1]}
        answer = visitor.post(f"{base}/login", data=form, headers={"Origin": base})
        payments = visitor.get(f"{base}/admin/charges/")

        assert answer.status_code == 200, answer.url
        assert payments.text.count("<tr") > 25
        assert eventually(lambda: requests.get(f"{base}/health/ready", timeout=5).status_code == 200)
    finally:
        launched.send_signal(signal.SIGINT)
        code = launched.wait(60)
    assert code == 0, said.read_text()
