"""Pages as the server sends them: headers, states, and what a page does with strange data."""

import gzip
import re

import pytest
from flask import Flask, render_template_string
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient

from app.web.formatting import status_badge
from app.web.headers import allow_form_target
from app.web.theme import STATIC
from tests.web.gallery_app import gallery_app

CODES = [400, 403, 404, 405, 409, 413, 429, 500, 503]


@pytest.fixture(scope="module")
def gallery() -> Flask:
    return gallery_app()


@pytest.fixture
def visit(gallery: Flask) -> FlaskClient:
    return gallery.test_client()


def nonce_of(policy: str) -> str:
    found = re.search(r"script-src 'nonce-([\w-]{20,})' 'strict-dynamic'", policy)
    assert found is not None
    return found.group(1)


def test_every_answer_has_a_strict_policy_with_its_own_nonce(visit: FlaskClient) -> None:
    answers = [visit.get("/admin/payments/"), visit.get("/admin/payments/"), visit.get("/nowhere")]
    policies = [answer.headers["Content-Security-Policy"] for answer in answers]
    nonces = [nonce_of(policy) for policy in policies]

    assert len(set(nonces)) == 3
    assert policies[0] == (
        f"default-src 'none'; script-src 'nonce-{nonces[0]}' 'strict-dynamic'; style-src 'self' 'nonce-{nonces[0]}'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert answers[0].text.count(f'nonce="{nonces[0]}"') == answers[0].text.count("<script")


def test_pages_are_not_kept_by_anybody(visit: FlaskClient) -> None:
    answer = visit.get("/admin/payments/")

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in answer.headers


def test_only_https_promises_https(visit: FlaskClient) -> None:
    answer = visit.get("/sign-in", base_url="https://desk.example")

    assert answer.headers["Strict-Transport-Security"] == "max-age=15552000"


def test_one_page_may_name_where_its_form_leads() -> None:
    app = gallery_app()
    app.add_url_rule("/pay", view_func=lambda: allow_form_target("https://checkout.stripe.com") or "pay")
    visit = app.test_client()

    assert "form-action 'self' https://checkout.stripe.com;" in visit.get("/pay").headers["Content-Security-Policy"]
    assert "form-action 'self';" in visit.get("/sign-in").headers["Content-Security-Policy"]


def test_a_hashed_file_is_kept_for_ever_and_comes_squeezed(visit: FlaskClient) -> None:
    [address] = re.findall(r'href="(/static/css/tokens\.css\?v=[0-9a-f]{12})"', visit.get("/sign-in").text)
    squeezed = visit.get(address, headers={"Accept-Encoding": "gzip"})
    plain = visit.get(address, buffered=True)

    assert squeezed.headers["Cache-Control"] == plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(squeezed.data) == plain.data == (STATIC / "css/tokens.css").read_bytes()
    assert squeezed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    again = visit.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": squeezed.headers["ETag"]})
    assert again.status_code == 304


def test_a_file_without_its_hash_is_kept_for_an_hour(visit: FlaskClient) -> None:
    assert (
        visit.get("/static/css/tokens.css?v=000000000000", buffered=True).headers["Cache-Control"]
        == "public, max-age=3600"
    )
    assert (
        visit.get("/static/vendor/inter/inter-latin-5.3.0.woff2", buffered=True)
        .headers["Cache-Control"]
        .endswith("immutable")
    )


@pytest.mark.parametrize(
    "path", ["/static/../app/settings.py", "/static/%2e%2e/pyproject.toml", "/static/css/", "/static/none.css"]
)
def test_nothing_outside_the_folder_is_served(visit: FlaskClient, path: str) -> None:
    assert visit.get(path).status_code == 404


@pytest.mark.parametrize(
    ("cookie", "attribute"),
    [("dark", 'data-bs-theme="dark"'), ("light", 'data-bs-theme="light"'), ('"><script>', ""), ("", "")],
)
def test_the_chosen_colours_are_in_the_first_byte(gallery: Flask, cookie: str, attribute: str) -> None:
    visit = gallery.test_client()
    visit.set_cookie("theme", cookie)

    [opening] = re.findall(r"<html[^>]*>", visit.get("/sign-in").text)

    assert opening == f'<html lang="en" {attribute}>'.replace(" >", ">")


@pytest.mark.parametrize("code", CODES)
def test_an_error_page_needs_neither_session_nor_database(gallery: Flask, code: int) -> None:
    app = gallery_app()
    app.session_interface = Broken()

    answer = app.test_client().get(f"/error/{code}")

    assert answer.status_code == code
    assert f"{code}</span>" in answer.text
    assert "req-7f3a9c" in answer.text


class Broken(SecureCookieSessionInterface):
    """A session that nobody may touch."""

    class Untouchable(dict):  # type: ignore[type-arg]
        modified = accessed = False

        def _refuse(self, *_: object) -> None:
            raise AssertionError("an error page asked for the session")

        __getitem__ = get = pop = __contains__ = _refuse  # type: ignore[assignment]

    def open_session(self, *_: object) -> Untouchable:  # type: ignore[override]
        return self.Untouchable()

    def save_session(self, *_: object) -> None:  # type: ignore[override]
        pass


def test_signing_in_says_what_was_wrong_and_keeps_the_email(visit: FlaskClient) -> None:
    page = visit.get("/sign-in/refused").text

    assert "Email or password is wrong." in page
    assert 'value="ana@shop.example"' in page
    assert page.count('aria-invalid="true" aria-describedby="sign-in-error"') == 2


def test_signing_in_says_how_long_to_wait(visit: FlaskClient) -> None:
    assert "Too many tries. You can sign in again in 15 minutes." in visit.get("/sign-in/wait").text


def test_the_row_of_a_list_is_one_link_and_each_cell_knows_its_column(visit: FlaskClient) -> None:
    page = visit.get("/admin/payments/").text

    assert page.count('<a class="row-link" href="/admin/gallery/">') == 25
    assert page.count('data-label="Amount"') == 25
    assert page.count('aria-sort="descending"') == 1
    assert "about 12,400 payments" in page


def test_an_empty_list_says_so_and_offers_the_way_back(visit: FlaskClient) -> None:
    page = visit.get("/admin/payments/empty").text

    assert "No payment fits" in page
    assert "Clear filters" in page
    assert "<table" not in page


def test_where_one_is_is_said_to_screen_readers(visit: FlaskClient) -> None:
    page = visit.get("/admin/payments/").text

    assert page.count('aria-current="page"') == 1
    assert '<a class="skip" href="#content">' in page


@pytest.mark.parametrize(("mode", "words"), [("sandbox", "Sandbox"), ("test", "Test mode"), ("live", None)])
def test_the_banner_says_which_money_this_is(mode: str, words: str | None) -> None:
    page = gallery_app(mode).test_client().get("/admin/").text

    assert (f"<span>{words}<" in page) if words else ('class="banner' not in page)


def test_json_from_outside_stays_text(visit: FlaskClient) -> None:
    page = visit.get("/admin/gallery/").text

    assert "&lt;/pre&gt;&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize(
    ("kind", "value", "tone", "words"),
    [
        ("charge", "succeeded", "good", "Succeeded"),
        ("dispute", "warning_needs_response", "bad", "Inquiry, needs response"),
        ("dispute", "appeal_from_the_future", "calm", "Appeal from the future"),
        ("unheard_of", "x", "calm", "X"),
        ("refund", None, "calm", "Unknown"),
        ("refund", "<script>", "calm", "&lt;script&gt;"),
    ],
)
def test_no_status_is_too_new_for_a_badge(gallery: Flask, kind: str, value: str | None, tone: str, words: str) -> None:
    with gallery.test_request_context():
        badge = str(status_badge(kind, value))

    assert badge.startswith(f'<span class="badge tone-{tone}">')
    assert badge.endswith(f"{words}</span>")


def test_a_field_names_its_hint_and_its_error(visit: FlaskClient) -> None:
    page = visit.get("/admin/gallery/").text

    [control] = re.findall(r'<input[^>]* id="amount"[^>]*>', page)
    assert 'aria-describedby="amount-hint amount-error"' in control
    assert 'aria-invalid="true"' in control
    assert 'id="amount-hint"' in page
    assert 'id="amount-error"' in page


def test_ids_on_a_page_are_unique(visit: FlaskClient) -> None:
    ids = re.findall(r'\sid="([^"]+)"', visit.get("/admin/gallery/").text)

    assert len(ids) == len(set(ids))


def test_macros_need_no_request_context_variables(gallery: Flask) -> None:
    with gallery.test_request_context():
        text = render_template_string(
            '{% from "macros/forms.html" import post_button %}{{ post_button("/x", "Go", values={"id": "<1>"}) }}'
        )

    assert '<input type="hidden" name="id" value="&lt;1&gt;">' in text
