"""Nothing is ever sent to an address of our own network that nobody listed."""

import http.client
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app.alerts import sending, targets
from app.alerts.targets import Reach
from app.database import db
from app.errors import ConfigurationError
from app.models.alert import AlertRule
from app.settings import Settings
from tests.alerts.receiver import receiving
from tests.alerts.rules import deliveries, raised, rule

ANY = ".".join("0000")
PRIVATE = [
    "127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", ANY, "255.255.255.255", "224.0.0.1",
    "169.254.169.254", "192.0.2.1", "240.0.0.1", "2130706433", "0x7f.1", "127.1", "017700000001", "[::1]", "[::]",
    "[fe80::1]", "[fd00::1]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a00:1]",
    "[2002:7f00:1::]", "[2002:a9fe:a9fe::]", "[2001:db8::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_nothing_is_sent_into_our_own_network(host: str) -> None:
    with pytest.raises(targets.BadTarget, match="private network"):
        targets.post(f"https://{host}/hook", b"{}", {})


def test_what_leads_there_fails_at_once_and_is_not_tried_again(app: Flask) -> None:
    rule(slack="https://10.0.0.1/hook")
    raised()

    assert sending.deliver_waiting(app.extensions["settings"]) == 1

    assert (deliveries()[0].state, "private network" in (deliveries()[0].answer or "")) == ("failed", True)


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, [["93.184.215.14", "10.0.0.1"]])

    with pytest.raises(targets.BadTarget, match="private network"):
        targets.post("https://hooks.example.com/", b"{}", {})


def test_a_name_is_looked_up_once_and_the_address_that_was_looked_at_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        # Asked a second time it would lead elsewhere, as a name does that is made to.
        asked = _names(monkeypatch, [["127.0.0.1"], ["10.0.0.1"]])
        status, _ = targets.post(f"http://hooks.example.com:{receiver.port}/hook", b"{}", {}, reach=Reach(here=True))

    assert (status, len(receiver.bodies), len(asked)) == (200, 1, 1)
    assert receiver.headers[0]["Host"] == f"hooks.example.com:{receiver.port}"


def test_a_host_of_the_house_is_reached_only_when_it_was_listed_with_its_port() -> None:
    with receiving() as receiver, receiving() as other:
        listed = Reach(origins=frozenset({f"http://127.0.0.1:{receiver.port}"}))
        status, _ = targets.post(receiver.url, b"{}", {}, reach=listed)
        with pytest.raises(targets.BadTarget):
            targets.post(other.url, b"{}", {}, reach=listed)
        with pytest.raises(targets.BadTarget, match="private network"):
            targets.post(other.url.replace("http:", "https:"), b"{}", {}, reach=listed)

    assert (status, len(receiver.bodies), len(other.bodies)) == (200, 1, 0)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", ANY, "224.0.0.1", "[::]"])
def test_no_list_lets_anybody_to_where_clouds_hand_out_their_secrets(host: str) -> None:
    with pytest.raises(targets.BadTarget, match="private network"):
        targets.post(f"https://{host}/", b"{}", {}, reach=Reach(origins=frozenset({f"https://{host}"})))


@pytest.mark.parametrize(
    "listed", ["hooks.internal", "ftp://hooks.internal", "https://hooks.internal/path", "https://a:b@hooks.internal", "https://", "https://x:0"]
)  # fmt: skip
def test_a_list_of_hosts_that_makes_no_sense_does_not_start(tmp_path: Path, listed: str) -> None:
    with pytest.raises(ConfigurationError, match="ALERTS_INTERNAL"):
        Settings.from_env({"INSTANCE_DIR": str(tmp_path), "ALERTS_INTERNAL": listed})


def test_a_list_of_hosts_is_read(tmp_path: Path) -> None:
    given = {"INSTANCE_DIR": str(tmp_path), "ALERTS_INTERNAL": "https://Hooks.internal:8443, http://10.0.3.7:8080"}

    assert Reach.of(Settings.from_env(given)) == Reach(
        origins=frozenset({"https://hooks.internal:8443", "http://10.0.3.7:8080"})
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(app: Flask, status: int) -> None:
    with receiving() as receiver:
        rule(slack=receiver.url)
        raised()
        receiver.answers = [status]
        sending.deliver_waiting(replace(app.extensions["settings"], alerts_local=True))

    assert (len(receiver.bodies), deliveries()[0].state) == (1, "queued")


def test_a_receiver_that_never_comes_to_an_end_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "_LONGEST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(http.client.RemoteDisconnected):
        targets.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", b"{}", {}, reach=Reach(here=True))


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example.com", "http://hooks.example.com/", "ftp://x.example/", "https://a:b@x.example/", "https://@x.example/",
     "https://x.example:0/", "https://x.example/\r\nHost: y", "https:///x", "https://x.example/\0", f"https://{'a' * 64}.example/",
     "https://x..example/", "https://x.example/#part", "file:///etc/passwd", "https://[::1/"],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_makes_no_rule(app: Flask, url: str) -> None:
    with pytest.raises(targets.BadTarget):
        rule(webhook=url, reach=targets.PUBLIC)

    assert db.session.query(AlertRule).count() == 0


def _names(monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]) -> list[str]:
    """A resolver that answers with these addresses, one list a question; the names it was asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: str, port: int, *more: object, **named: object) -> object:
        if host.endswith(".example.com"):
            asked.append(host)
            kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
            return [(*kind, (address, port)) for address in answers[len(asked) - 1]]
        return real(host, port, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked
