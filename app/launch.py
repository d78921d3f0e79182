"""`make run`: everything on one machine, from an empty folder to a sign-in page, and down again with Ctrl-C."""

import base64
import json
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import click
import psutil
import psycopg2
from dotenv import load_dotenv
from sqlalchemy import make_url

from app import embedded
from app.errors import ConfigurationError
from app.launch_children import ROOT, Children, LaunchFailed
from app.settings import Settings

Result = TypeVar("Result")

FIRST_EMAIL = "admin@example.com"
SHOP = ("--customers", "2000", "--months", "12", "--seed", "7")


def main() -> int:
    """Exit code 0 after Ctrl-C, 1 when something failed, 2 when the settings contradict each other."""
    load_dotenv(ROOT / ".env")
    # Named although it is Python's habit: started in the background by a shell, we would inherit that it is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        settings = Settings.from_env()
    except ConfigurationError as contradiction:
        click.secho(f"Counterfoil does not start: {contradiction}", fg="red", err=True)
        return 2
    children = Children(settings.instance_dir / "logs", dict(os.environ))
    try:
        _launch(settings, children)
        children.watch()
    except KeyboardInterrupt:
        click.echo("\nStopping …")
        return 0
    except (LaunchFailed, embedded.EmbeddedUnavailable) as failure:
        click.secho(f"\n{failure}", fg="red", err=True)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them running
        children.end()
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return 0  # pragma: no cover - watch() ends by an exception only


def _launch(settings: Settings, children: Children) -> None:
    with_sandbox = settings.sandbox and settings.stripe_api_base == f"http://127.0.0.1:{settings.sandbox_port}"
    check_port(settings.port, "PORT")
    if with_sandbox:
        check_port(settings.sandbox_port, "SANDBOX_PORT")
    database = step("Start PostgreSQL", lambda: _database(settings))
    step("Bring the tables up to date", lambda: children.flask("db", "upgrade"))
    if with_sandbox:
        step("Start the sandbox, a Stripe of your own", lambda: _start_sandbox(settings, children, database))
        sandbox = Sandbox(settings.stripe_api_base, settings.api_key)
        if sandbox.is_empty():
            step("Fill it with a believable shop", lambda: children.flask("sandbox", "seed", *SHOP))
        step("Register our webhook endpoint there", lambda: _register_endpoint(settings, sandbox))
    step("Find the first member of staff", lambda: _first_member(settings, children, database))
    step("Copy from Stripe what is new", lambda: children.flask("sync", "run"))
    step("Start the web server", lambda: _start_web(settings, children))
    step("Start the jobs", lambda: _start_jobs(settings, children))
    _welcome(settings)


def step(what: str, do: Callable[[], Result]) -> Result:
    """One line: what is done, a tick or a cross, and the seconds it took."""
    click.echo(f"  {what} …", nl=False)
    began = time.monotonic()
    try:
        result = do()
    except BaseException:
        click.secho(" ✗", fg="red")
        raise
    click.secho(" ✓", fg="green", nl=False)
    click.echo(f" {time.monotonic() - began:.1f} s")
    return result


def check_port(port: int, variable: str) -> None:
    """Raises LaunchFailed, naming who has the port where the system tells."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LaunchFailed(
                f"Port {port} is taken{_by_whom(port)}. Perhaps Counterfoil runs already; end that one, "
                f"or choose another port: make run {variable}={port + 1}"
            ) from error


class Sandbox:
    """The few calls the launch itself makes to the sandbox."""

    def __init__(self, base: str, key: str) -> None:
        self.base = base
        self.key = key

    def is_empty(self) -> bool:
        return not self.call("GET", "/v1/customers?limit=1")["data"]

    def endpoints(self) -> list[dict[str, Any]]:
        return list(self.call("GET", "/v1/webhook_endpoints?limit=100")["data"])

    def call(self, method: str, path: str, **fields: str) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - 127.0.0.1
            self.base + path,
            method=method,
            data=urllib.parse.urlencode(fields).encode() if fields else None,
            headers={"Authorization": "Basic " + base64.b64encode(f"{self.key}:".encode()).decode()},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - 127.0.0.1
                return dict(json.load(answer))
        except urllib.error.HTTPError as refusal:
            said = refusal.read().decode(errors="replace")[:500]
            raise LaunchFailed(f"The sandbox answered {refusal.code} to {method} {path}: {said}") from refusal
        except OSError as error:
            raise LaunchFailed(f"The sandbox did not answer {method} {path}: {error}") from error


def _database(settings: Settings) -> str:
    """A libpq URL of the database, which answers."""
    if not settings.database_url:
        return embedded.start(settings.instance_dir / "pg")
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg2.connect(url, connect_timeout=10).close()
    except psycopg2.OperationalError as error:
        raise LaunchFailed(f"The database of DATABASE_URL does not answer: {error}") from error
    return url


def _start_sandbox(settings: Settings, children: Children, database: str) -> None:
    # The URL may hold a password, and arguments are visible to everybody on the machine: it goes by the environment.
    children.start(
        "sandbox",
        *("app.sandbox", "serve", "--port", str(settings.sandbox_port)),
        answers=f"{settings.stripe_api_base}/_control/health",
        DATABASE_URL=database,
    )


def _register_endpoint(settings: Settings, sandbox: Sandbox) -> None:
    """The signing secret is told once, at creation: without our copy of it the endpoint is made anew."""
    ours = f"http://127.0.0.1:{settings.port}/webhooks/stripe"
    kept = settings.instance_dir / "webhook_secret"
    registered = [endpoint for endpoint in sandbox.endpoints() if endpoint["url"] == ours]
    if registered and kept.is_file():
        return
    for endpoint in registered:
        sandbox.call("DELETE", f"/v1/webhook_endpoints/{endpoint['id']}")
    made = sandbox.call("POST", "/v1/webhook_endpoints", url=ours, **{"enabled_events[0]": "*"})
    _keep(kept, str(made["secret"]))


def _first_member(settings: Settings, children: Children, database: str) -> None:
    """Somebody must be able to sign in. In the sandbox the password is kept, to be shown at every start."""
    connection = psycopg2.connect(database, connect_timeout=10)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM staff)")
        [(somebody,)] = cursor.fetchall()
    connection.close()
    if somebody:
        return
    password = secrets.token_urlsafe(12)
    children.flask("staff", "add", FIRST_EMAIL, "--role", "admin", "--password-stdin", given=password + "\n")
    _keep(_first_password(settings), password)


def _start_web(settings: Settings, children: Children) -> None:
    children.start(
        "web",
        *("granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(settings.port)),
        *("--workers", "1", "--blocking-threads", "128", "--http", "1", "--no-ws", "wsgi:app"),
        answers=f"http://127.0.0.1:{settings.port}/health",
    )


def _start_jobs(settings: Settings, children: Children) -> None:
    children.start("jobs", "flask", "jobs", "start")
    children.wait_for("jobs", lambda: _clock_runs(settings), "queue any job")


def _clock_runs(settings: Settings) -> bool:
    """As the web process sees it: a clock has queued something lately."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/health/ready", timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except urllib.error.HTTPError as unready:
        return "clock" not in json.load(unready)["missing"]
    except OSError:
        return False


def _welcome(settings: Settings) -> None:
    kept = _first_password(settings)
    click.secho(f"\n  Counterfoil is ready: {settings.domain}/admin/", bold=True)
    if kept.is_file():
        click.echo(f"  Sign in as {FIRST_EMAIL} with the password {click.style(kept.read_text().strip(), bold=True)}")
        if settings.sandbox:
            click.echo(f"  (the first password, kept in {kept}; change it and delete that file)")
        else:
            kept.unlink()
            click.echo("  (shown this once: write it down)")
    click.echo(f"  Logs are in {settings.instance_dir / 'logs'}. Ctrl-C stops everything but the database;")
    click.echo("  that one is ended by: .venv/bin/flask embedded stop\n")


def _first_password(settings: Settings) -> Path:
    return settings.instance_dir / "first_password"


def _keep(path: Path, secret: str) -> None:
    """Only the owner may read it, from the first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(secret + "\n")


def _by_whom(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            if listens and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:  # other people's processes are not shown to everybody
        pass
    return ""


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
