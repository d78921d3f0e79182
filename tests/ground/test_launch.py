"""What `make run` does with its processes and with a port somebody else has."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from app.launch import check_port, step
from app.launch_children import Children, LaunchFailed
from tests.stack import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    children = Children(tmp_path / "logs", dict(os.environ))
    yield children
    children.end()


def serve(children: Children) -> str:
    """A web server as child `web`; its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    children.start("web", "http.server", str(port), "--bind", "127.0.0.1", answers=url)
    return url


def test_a_child_is_started_when_it_answers_and_ended_with_the_rest(children: Children) -> None:
    url = serve(children)
    process = children.running["web"]
    assert requests.get(url, timeout=5).status_code == 200

    children.end()

    assert process.returncode == -signal.SIGTERM
    assert children.running == {}


def test_a_child_that_does_not_start_is_told_with_its_last_words(children: Children) -> None:
    with pytest.raises(
        LaunchFailed, match=r"The web process did not start.*web\.log, ends:\n[^$]*No module named nowhere"
    ):
        children.start("web", "nowhere", answers=f"http://127.0.0.1:{free_port()}/")


def test_a_child_that_ends_by_itself_is_noticed(children: Children) -> None:
    serve(children)
    children.running["web"].terminate()

    with pytest.raises(LaunchFailed, match="The web process ended by itself"):
        children.watch()


def test_a_flask_command_that_fails_is_told_with_its_last_words(children: Children) -> None:
    children.environment["PORT"] = "none"

    with pytest.raises(LaunchFailed, match=r"`flask db upgrade` failed:\n[^$]*PORT must be a whole number"):
        children.flask("db", "upgrade")


def test_a_taken_port_is_named_with_who_has_it_and_what_to_do() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(LaunchFailed) as refusal:
            check_port(port, "PORT")

    assert str(refusal.value) == (
        f"Port {port} is taken by process {os.getpid()} ({psutil.Process().name()}). Perhaps Counterfoil runs already; "
        f"end that one, or choose another port: make run PORT={port + 1}"
    )


def test_a_free_port_is_fine() -> None:
    check_port(free_port(), "PORT")


def test_a_step_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert step("Count to three", lambda: 3) == 3

    printed = capsys.readouterr().out
    assert printed.startswith("  Count to three … ✓ 0.")
    assert printed.endswith(" s\n")


def test_a_taken_port_ends_the_launch_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        environment = {**os.environ, "PORT": str(other.getsockname()[1]), "INSTANCE_DIR": str(tmp_path)}
        ended = subprocess.run(
            [sys.executable, "-m", "app.launch"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )

    assert ended.returncode == 1
    assert "Perhaps Counterfoil runs already" in ended.stderr
    assert not (tmp_path / "pg").exists()


def test_contradicting_settings_are_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "PORT": "many", "INSTANCE_DIR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "app.launch"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 2
    assert ended.stderr == "Counterfoil does not start: PORT must be a whole number.\n"
