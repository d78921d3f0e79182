"""Nobody is sent to another site by us."""

from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask

from app.actor import Actor
from app.staff import operations
from app.web.redirects import safe_path
from tests.desk import PASSWORD, Desk, visitor

ELSEWHERE = (
    "//evil.example", "///evil.example", "////evil.example", "https://evil.example", "https:evil.example", "http:///evil.example",
    "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "\t//evil.example", " //evil.example", "/%09/evil.example",
    "/%2Fevil.example", "/%5Cevil.example", "//evil.example/%2f..", "javascript:alert(1)", "data:text/html,x", "evil.example",
    "/admin/\r\nLocation: https://evil.example", "/admin/%0d%0aLocation:%20https://evil.example", "/\x00/evil.example",
    "https://localhost@evil.example", "//localhost@evil.example/", "/" + "x" * 3_000, "mailto:a@b.c", "http://[::1",
    "/\u2028/evil.example ",
)  # fmt: skip
HERE = (
    "/",
    "/admin/",
    "/admin/audit/?q=a%20b&size=25",
    "/admin/audit/1#hash",
    "/admin/a//b",
    "/admin/?next=https://evil.example",
)


@pytest.mark.parametrize("text", [*ELSEWHERE, "", None])
def test_what_is_not_a_path_of_ours_is_not_followed(text: str | None) -> None:
    assert safe_path(text) is None


@pytest.mark.parametrize("text", HERE)
def test_paths_of_ours_are_followed_as_they_are(text: str) -> None:
    assert safe_path(text) == text


@pytest.mark.parametrize("text", ELSEWHERE)
def test_signing_in_leads_to_the_desk_whatever_the_address_wanted(app: Flask, text: str) -> None:
    operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=Actor.command("tests"))
    ana = Desk(app, "ana@shop.example")

    form = ana.get(f"/login?next={quote(text)}")
    arrived = ana.post(
        "/login", {"email": ana.email, "password": PASSWORD, "next": text, "url": text, "return_url": text}
    )
    again = ana.get(f"/login?next={quote(text)}", expect=303)

    assert [sent for sent in form.forms if sent.get("next")] == []
    assert arrived.location == "/admin/"
    assert again.location == "/admin/"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example"])
def test_the_host_somebody_claims_appears_in_no_address(app: Flask, host: str) -> None:
    stranger = visitor(app)

    for path in ("/", "/admin/", "/admin/audit/", "/login", "/nowhere"):
        page = stranger.get(path, expect=None, headers={"Host": host, "X-Forwarded-Host": host})
        assert "evil" not in page.html
        assert "evil" not in (page.location or "")


def test_a_path_without_its_slash_leads_to_the_same_host(app: Flask, tmp_path: Path) -> None:
    page = visitor(app).get("/admin", expect=None)

    assert page.status == 308
    assert page.location == "/admin/"
