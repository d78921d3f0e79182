"""Whatever stands in the Host header, nobody is answered with an error of ours."""

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

ODD = (
    "", "a b", "[::1", "%%", "x" * 5_000, "\xe9", "localhost:abc", "localhost:99999999", "//evil", "a@b", "a..b", ".a", "a:", ":80",
    "[zz]", "[:::::]", "[::1%eth0]", "a" * 64 + ".com", "xn--", "xn--a", "xn--zzzzzzzzzz-", "a\r\nb", "a\0", "a,b", "\u0664",
)  # fmt: skip
PLAIN = (
    "localhost", "desk.example.com", "desk.example.com:8443", "DESK.example.com.", "127.0.0.1:4242", "[::1]", "[::1]:4242",
    "my_service:8000", "xn--bcher-kva.example", "a" * 63 + ".com",
)  # fmt: skip


def status(app: Flask, host: str, method: str, path: str) -> int:
    environ = EnvironBuilder(path=path, method=method).get_environ()
    environ["HTTP_HOST"] = host
    body, line, _ = run_wsgi_app(app, environ)
    with_close = getattr(body, "close", lambda: None)
    b"".join(body)
    with_close()
    return int(line.split()[0])


@pytest.mark.parametrize("host", ODD)
def test_what_names_no_host_is_a_400(app: Flask, host: str) -> None:
    answers = {
        status(app, host, method, path) for method in ("GET", "POST") for path in ("/login", "/admin/", "/nowhere")
    }

    assert answers == {400}


@pytest.mark.parametrize("host", PLAIN)
def test_what_names_one_is_answered(app: Flask, host: str) -> None:
    assert [status(app, host, "GET", path) for path in ("/login", "/admin/", "/nowhere")] == [200, 303, 404]
