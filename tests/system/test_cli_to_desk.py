"""From Stripe's own command line, through the sandbox and our webhook, into the mirror: every money event it can trigger."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.sandbox.client import KEY, Sandbox
from tests.sandbox.conftest import Cli, cli  # noqa: F401 - a fixture
from tests.sandbox.test_cli import MONEY
from tests.stack import Stack, eventually
from tests.world import WEBHOOK_SECRET

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def desk(database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        running.start_web()
        running.start_jobs()
        sandbox.endpoint(f"{running.url}/webhooks/stripe", WEBHOOK_SECRET)
        yield running
    finally:
        running.stop()


def test_what_the_command_line_triggers_ends_in_the_mirror(
    cli: Cli,  # noqa: F811 - the fixture of that name
    sandbox: Sandbox,
    desk: Stack,
) -> None:
    for event in MONEY:
        ran = cli("trigger", event, "--api-base", sandbox.url, "--api-key", KEY)
        assert ran.returncode == 0, f"{event}: {ran.stdout}{ran.stderr}"

    counts = sandbox.wait_until_delivered()
    assert counts["failed"] == 0
    eventually(lambda: states(desk, "waiting") == set(), within=90)
    sent = {event["id"]: event["type"] for event in sandbox.objects("event")}
    assert states(desk, "processed", "superseded", "ignored") == set(sent)
    assert set(MONEY) - set(sent.values()) == set()
    assert ", 0 differences," in desk.run("sync", "check")


def states(desk: Stack, *wanted: str) -> set[str]:
    """Ids of the events that ended so."""
    with psycopg2.connect(desk.database_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM webhook_events WHERE state = ANY(%s)", (list(wanted),))
        found = {row[0] for row in cursor.fetchall()}
    connection.close()
    return found
