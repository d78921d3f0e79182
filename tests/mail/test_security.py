"""The line to the mail server is encrypted with a certificate that is checked, or nothing is said on it; the doctor says which."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import time_machine
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from app import clock
from app.mail import relay, sending
from app.settings import Secret, Settings
from app.sync.doctor import Finding, Health, _mail
from tests.mail.catcher import Caught, catching, free_port
from tests.mail.conftest import with_server
from tests.mail.letters import mail, posted

Certify = Callable[[str], tuple[Path, ssl.SSLContext]]


@pytest.fixture
def certified(tmp_path: Path) -> Certify:
    """Makes a certificate for a name: the file that would have to be trusted, and what a server shows."""

    def make(name: str) -> tuple[Path, ssl.SSLContext]:
        key, now = ec.generate_private_key(ec.SECP256R1()), clock.now()
        who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        called = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(who)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([called]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        files = (tmp_path / "certificate.pem", tmp_path / "key.pem")
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        pkcs8 = serialization.PrivateFormat.PKCS8
        files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*files)
        return files[0], context

    return make


@contextmanager
def speaking(scheme: str, context: ssl.SSLContext) -> Iterator[Caught]:
    """A mail server with this certificate, that wants to be spoken to like this."""
    caught = Caught(port=free_port())
    tls = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    controller = Controller(caught, hostname="127.0.0.1", port=caught.port, **tls)
    controller.start()
    try:
        yield caught
    finally:
        controller.stop()


def url(scheme: str, caught: Caught, host: str = "127.0.0.1") -> str:
    return f"{scheme}://{host}:{caught.port}"


def said(settings: Settings) -> list[Finding]:
    return list(_mail(settings))


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
def test_a_letter_goes_out_encrypted_where_the_certificate_is_trusted(
    app: Flask, certified: Certify, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    trusted, context = certified("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    posted()
    with speaking(scheme, context) as caught:
        settings = with_server(app, url(scheme, caught))
        sent = sending.send_waiting(settings)
        [found] = said(settings)

    assert (sent, len(caught.letters)) == (1, 1)
    assert (found.health, "encrypted" not in found.what, "TLSv1" in found.what) == (Health.GOOD, True, True)


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
@pytest.mark.parametrize(("name", "is_trusted"), [("127.0.0.1", False), ("mail.shop.example", True)])
def test_nothing_is_said_to_a_server_whose_certificate_proves_nothing(  # noqa: PLR0917 - fixtures and the cases
    app: Flask, certified: Certify, monkeypatch: pytest.MonkeyPatch, scheme: str, name: str, is_trusted: bool
) -> None:
    certificate, context = certified(name)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    mail_id = posted()
    with speaking(scheme, context) as caught:
        settings = with_server(app, url(scheme, caught).replace("//", "//desk:verysecret@"))
        sent = sending.send_waiting(settings)
        [found] = said(settings)

    assert (sent, caught.letters, caught.logins) == (0, [], [])
    assert (mail(mail_id).state, mail(mail_id).tries) == ("queued", 0)
    assert "certificate" in (mail(mail_id).error or "")
    assert found.health is Health.BAD
    assert "certificate" in found.what
    assert "verysecret" not in found.what + (mail(mail_id).error or "")


def test_a_server_that_offers_no_encryption_is_told_nothing_where_it_was_asked_for(app: Flask) -> None:
    mail_id = posted()
    with catching() as caught:
        settings = with_server(app, url("smtp+starttls", caught))
        sent = sending.send_waiting(settings)

    assert (sent, caught.letters, mail(mail_id).state) == (0, [], "queued")
    assert "STARTTLS" in (mail(mail_id).error or "")


def test_the_doctor_knows_a_server_that_is_away_and_one_that_refuses_the_password(app: Flask) -> None:
    away = said(with_server(app, f"smtp://127.0.0.1:{free_port()}"))
    with catching(sign_in=True) as caught:
        caught.accept = False
        refused = said(with_server(app, url("smtp", caught).replace("//", "//desk:verysecret@")))
        caught.accept = True
        taken = said(with_server(app, url("smtp", caught).replace("//", "//desk:verysecret@")))

    assert [found.health for found in (*away, *refused, *taken)] == [Health.BAD, Health.BAD, Health.GOOD]
    assert away[0].what.startswith("Mail: The mail server cannot be used:")
    assert "535" in refused[0].what
    assert "verysecret" not in str([*refused, *taken])
    assert taken[0].what == "Mail: the server answers, without encryption."


def test_the_doctor_says_what_happens_without_a_server_and_what_is_stuck_before_one(app: Flask) -> None:
    plain: Settings = app.extensions["settings"]
    live = replace(plain, stripe_secret_key=Secret("sk_live_neverused"))
    posted()
    with catching() as caught, time_machine.travel(clock.now() + timedelta(minutes=16)):
        stuck = said(with_server(app, caught.url))

    assert said(plain) == [
        Finding(Health.GOOD, "Mail: SMTP_URL is not set; letters are kept for reading under /admin/mails.")
    ]
    assert said(live) == [Finding(Health.BAD, "Mail: SMTP_URL is not set; letters wait until it is.")]
    assert [found.health for found in stuck] == [Health.GOOD, Health.BAD]
    assert "1 letters have been due" in stuck[1].what


@pytest.mark.parametrize(("given", "here"), [("smtp://127.0.0.1:25", True), ("smtp://mail.shop.example", False)])
def test_a_plain_line_is_odd_only_where_somebody_could_listen(given: str, here: bool) -> None:
    assert relay.is_here(given) is here
