"""A person at the desk: signs in like one, and looks at every page they are shown.

support = staff(app, "support")
page = support.get("/admin/charges/")
support.post(f"/admin/charges/{charge.id}/refund", {"amount": "5.00", "reason": "late"})
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.actor import Actor
from app.staff import operations

PASSWORD = "four unrelated words"
_numbers = itertools.count(1)


@dataclass
class Page:
    """What came back, read once."""

    answer: TestResponse
    headings: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    words: str = ""

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def html(self) -> str:
        # A download may be anything.
        return self.answer.get_data().decode("utf-8", "replace")

    @property
    def location(self) -> str | None:
        return self.answer.headers.get("Location")

    @property
    def is_html(self) -> bool:
        return self.answer.mimetype == "text/html"

    @property
    def token(self) -> str | None:
        return next((form["csrf_token"] for form in self.forms if "csrf_token" in form), None)


class Desk:
    """A browser with somebody before it."""

    def __init__(self, app: Flask, email: str) -> None:
        self.email = email
        self.client: FlaskClient = app.test_client()
        self.token = ""

    def sign_in(self, password: str = PASSWORD, *, expect: int = 303) -> Page:
        self.get("/login")
        page = self.post("/login", {"email": self.email, "password": password}, expect=expect)
        if expect == 303:
            # Signing in began a new session, with a token of its own.
            self.get("/login/again")
        return page

    def sign_in_halfway(self, password: str = PASSWORD, *, next: str = "") -> Page:  # noqa: A002 - the field's name
        """The password of somebody who has a second factor; the page that asks for it is open then."""
        self.get("/login")
        page = self.post("/login", {"email": self.email, "password": password, "next": next})
        self.get("/login/code")
        return page

    def get(self, path: str, *, expect: int | None = 200, headers: Mapping[str, str] | None = None) -> Page:
        return self._seen(self.client.get(path, headers=headers), expect)

    def post(
        self,
        path: str,
        form: Mapping[str, object] | None = None,
        *,
        expect: int | None = 303,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Send a form as a browser would, with the token of the last page."""
        sent = {"csrf_token": self.token, **(form or {})}
        return self._seen(self.client.post(path, data=sent, headers=headers), expect)

    def _seen(self, answer: TestResponse, expect: int | None) -> Page:
        page = read(answer)
        if expect is not None:
            assert page.status == expect, f"{answer.request.path}: {page.status}\n{page.html[:2_000]}"
        check(page)
        self.token = page.token or self.token
        return page


def staff(app: Flask, role: str = "support", *, email: str | None = None) -> Desk:
    """Somebody of this role who has just signed in."""
    email = email or f"{role.replace('_', '-')}-{next(_numbers)}@shop.example"
    operations.add_staff(email, role=role, password=PASSWORD, actor=Actor.command("tests"))
    desk = Desk(app, email)
    desk.sign_in()
    return desk


def visitor(app: Flask) -> Desk:
    """Somebody who is not signed in."""
    return Desk(app, "nobody@shop.example")


def read(answer: TestResponse) -> Page:
    page = Page(answer)
    if page.is_html:
        reader = _Reader(page)
        reader.feed(page.html)
        page.words = " ".join(" ".join(reader.text).split())
    return page


def check(page: Page) -> None:
    """What holds for every answer, whatever it says."""
    headers = page.answer.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Request-Id"].startswith("req-")
    assert "Traceback (most recent call last)" not in page.html
    if page.is_html and page.status not in range(300, 400):
        _check_html(page)


def _check_html(page: Page) -> None:
    assert "no-store" in page.answer.headers["Cache-Control"]
    assert len(page.headings) == 1, f"one h1, found {page.headings}"
    assert page.headings[0].strip()
    assert page.handlers == [], "no inline handler or style: the policy would block it"
    assert len(page.ids) == len(set(page.ids)), f"twice: {sorted({i for i in page.ids if page.ids.count(i) > 1})}"
    for form in page.forms:
        assert form["method"] == "get" or form.get("csrf_token"), f"a form without a token: {form}"


class _Reader(HTMLParser):
    """Just enough of a browser: headings, forms with their hidden fields, links, text."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self.text: list[str] = []
        self._heading = False
        self._silent = 0
        self._form: dict[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.page.handlers += [f"{tag} {name}" for name in named if name.startswith("on") or name == "style"]
        if "id" in named:
            self.page.ids.append(named["id"])
        if tag == "h1":
            self._heading = True
            self.page.headings.append("")
        elif tag == "form":
            self._form = {"method": named.get("method", "get").lower(), "action": named.get("action", "")}
            self.page.forms.append(self._form)
        elif tag == "input" and self._form is not None and named.get("name"):
            # A field called "method" is no method.
            if named["name"] not in {"method", "action"}:
                self._form[named["name"]] = named.get("value", "")
        elif tag == "a" and "href" in named:
            self.page.links.append(named["href"])
        elif tag in {"script", "style", "title"}:
            self._silent += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "h1":
            self._heading = False
        elif tag == "form":
            self._form = None
        elif tag in {"script", "style", "title"}:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.page.headings[-1] += data
        if not self._silent:
            self.text.append(data)
