"""The theme in a real Chromium, light and dark, desk and phone: no policy breach, no accessibility fault, working scripts."""

import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, render_template_string, request
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from tests.web.gallery_app import gallery_app

pytestmark = pytest.mark.browser

PAGES = [
    "/admin/",
    "/admin/gallery/",
    "/admin/payments/",
    "/admin/payments/empty",
    "/sign-in",
    "/sign-in/refused",
    "/sign-in/wait",
    "/error/404",
]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


class Sent:
    """What arrived at the server, besides pages: every POST, in order."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.let_go = threading.Event()


@pytest.fixture(scope="module")
def sent() -> Sent:
    return Sent()


@pytest.fixture(scope="module")
def base(sent: Sent) -> Iterator[str]:
    app: Flask = gallery_app()

    def take() -> str:
        sent.forms.append(request.form.to_dict())
        sent.let_go.wait(10)
        return "taken"

    def one_form() -> str:
        return render_template_string(ONE_FORM, admin_view=app.extensions["admin"][0].index_view)

    app.add_url_rule("/take", view_func=take, methods=["POST"])
    app.add_url_rule("/one-form", view_func=one_form)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    sent.let_go.set()
    server.shutdown()
    thread.join()


ONE_FORM = """{% extends "admin/base.html" %}{% from "macros/forms.html" import post_button %}
{% set question = {"title": "Really?", "text": "For good.", "button": "Yes, do it"} %}
{% block body %}
{{ post_button("/take", "Plain act", values={"act": "plain"}) }}
{{ post_button("/take", "Grave act", confirm=question, values={"act": "grave"}) }}
{% endblock %}"""


@pytest.fixture
def desk(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=DESK, timezone_id="Europe/Vienna")
    yield context
    context.close()


def opened(context: BrowserContext, address: str) -> tuple[Page, list[str]]:
    """A page, and what its console said besides the answer's own status."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address, wait_until="load")
    return page, [words for words in said if "the server responded with a status of 404" not in words]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_page_is_open_to_everybody_and_breaks_no_policy(
    browser: Browser, base: str, path: str, colours: str, size: dict[str, int]
) -> None:
    context = browser.new_context(viewport=size, color_scheme=colours, has_touch=size is PHONE, is_mobile=size is PHONE)  # type: ignore[arg-type]
    page, said = opened(context, base + path)

    faults = Axe().run(page, options=RULES).response["violations"]

    assert said == []
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []
    context.close()


OPENED = {
    "filters": ("/admin/payments/", ".filters summary"),
    "long list": ("/admin/payments/", ".filters summary, .ts-control"),
    "dialog": ("/admin/gallery/", "[data-dialog=refund]"),
    "question": ("/admin/gallery/", "text=Cancel payment"),
    "person menu": ("/admin/gallery/", ".person-button"),
    "raw object": ("/admin/gallery/", ".fold summary"),
}


@pytest.mark.parametrize("what", OPENED)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_what_opens_is_open_to_everybody_too(browser: Browser, base: str, what: str, colours: str) -> None:
    path, clicks = OPENED[what]
    context = browser.new_context(viewport=DESK, color_scheme=colours)  # type: ignore[arg-type]
    page, said = opened(context, base + path)
    for click in clicks.split(", "):
        page.locator(click).first.click()

    faults = Axe().run(page, options=RULES).response["violations"]

    assert said == []
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in faults] == []
    context.close()


@pytest.mark.parametrize("width", [375, 390, 768, 1024])
def test_no_page_scrolls_sideways(browser: Browser, base: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, is_mobile=width < 768, has_touch=width < 768
    )
    pages = [opened(context, base + path)[0] for path in PAGES]

    assert [page.evaluate("document.documentElement.scrollWidth") for page in pages] == [width] * len(PAGES)
    context.close()


TOO_SMALL = """() => {
  const controls = 'button, summary, select, .btn, .rail-link, .menu-item, input:not([type=hidden])';
  const target = (control) => control.closest('label.form-check, label.menu-item, .segments label') ?? control;
  return [...document.querySelectorAll(controls)]
    .filter((control) => {
      const box = target(control).getBoundingClientRect();
      return box.width > 1 && box.height > 1 && (box.height < 44 || box.width < 44);
    })
    .map((control) => control.outerHTML.slice(0, 120));
}"""


def test_a_thumb_hits_every_control(browser: Browser, base: str) -> None:
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    pages = [opened(context, base + path)[0] for path in PAGES]

    assert [page.evaluate(TOO_SMALL) for page in pages] == [[]] * len(PAGES)
    context.close()


def test_on_a_phone_the_rail_is_a_drawer(browser: Browser, base: str) -> None:
    context = browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    page, _ = opened(context, base + "/admin/payments/")
    rail = page.locator("#rail")

    assert not rail.is_visible()
    page.get_by_role("button", name="Open menu").click()
    assert rail.is_visible()
    page.keyboard.press("Escape")
    assert not rail.is_visible()
    context.close()


def test_a_choice_of_colours_is_kept(desk: BrowserContext, base: str) -> None:
    page, _ = opened(desk, base + "/admin/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator(".person-button").click()
    page.get_by_text("Dark", exact=True).click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()

    assert dark != light
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    page.locator(".person-button").click()
    page.get_by_text("System", exact=True).click()
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == light


def test_two_clicks_send_one_form(desk: BrowserContext, base: str, sent: Sent) -> None:
    sent.forms.clear()
    sent.let_go.clear()
    page, said = opened(desk, base + "/one-form")
    state = page.get_by_role("button", name="Plain act").evaluate(
        "(button) => { button.click(); button.click(); button.click(); return button.getAttribute('aria-disabled'); }"
    )
    assert state == "true"
    sent.let_go.set()
    page.wait_for_url("**/take")

    assert sent.forms == [{"act": "plain"}]
    assert said == []


def test_a_grave_act_asks_first(desk: BrowserContext, base: str, sent: Sent) -> None:
    sent.forms.clear()
    sent.let_go.set()
    page, _ = opened(desk, base + "/one-form")
    page.get_by_role("button", name="Grave act").click()
    question = page.get_by_role("dialog", name="Really?")
    question.get_by_role("button", name="Not now").click()
    assert not question.is_visible()
    assert sent.forms == []

    page.get_by_role("button", name="Grave act").click()
    question.get_by_role("button", name="Yes, do it").click()
    page.wait_for_url("**/take")
    assert sent.forms == [{"act": "grave"}]


def test_an_id_is_copied_with_one_click(desk: BrowserContext, base: str) -> None:
    desk.grant_permissions(["clipboard-read", "clipboard-write"])
    page, _ = opened(desk, base + "/admin/gallery/")
    page.get_by_role("button", name="Copy charge id").click()
    page.locator("[data-murmur][data-shown]").wait_for()

    assert page.evaluate("navigator.clipboard.readText()") == "ch_3QxKd2LkdIwHu7ix0yF4mZbT"
    assert page.locator("[data-murmur]").text_content() == "Copied"


def test_times_are_the_readers_own(desk: BrowserContext, base: str) -> None:
    page, _ = opened(desk, base + "/admin/gallery/")
    [settled] = page.locator('time[datetime="2026-11-21T13:30:00Z"]').all()

    assert settled.text_content() == page.evaluate(
        "new Date().getFullYear() === 2026 ? '21 Nov, 14:30' : '21 Nov 2026, 14:30'"
    )
    assert settled.get_attribute("title") == "2026-11-21 13:30:00 UTC"


def test_keys_search_and_go_until_they_are_switched_off(desk: BrowserContext, base: str) -> None:
    page, _ = opened(desk, base + "/admin/gallery/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("g p /")
    assert page.locator("[data-search]").input_value() == "g p /"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/admin/")

    page.locator(".person-button").click()
    page.get_by_label("Keyboard shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") != "q"


def test_empty_filters_stay_out_of_the_address(desk: BrowserContext, base: str) -> None:
    page, _ = opened(desk, base + "/admin/payments/")
    page.locator(".filters summary").click()
    page.get_by_label("Decline code").fill("expired_card")
    page.get_by_role("button", name="Apply filters").click()
    page.wait_for_url("**decline=**")

    assert page.url == f"{base}/admin/payments/?status=failed&amount_from=10.00&decline=expired_card"


def test_the_whole_row_is_one_link(desk: BrowserContext, base: str) -> None:
    page, _ = opened(desk, base + "/admin/payments/")
    cell = page.locator("tbody tr").nth(3).locator("td").nth(5).bounding_box()
    assert cell is not None
    page.mouse.click(cell["x"] + 5, cell["y"] + 5)

    page.wait_for_url("**/admin/gallery/")


MOVING = """[...document.querySelectorAll('*')]
  .filter((element) => getComputedStyle(element).transitionDuration.split(', ').some((time) => time !== '0s')).length"""


def test_motion_stops_for_those_who_ask(browser: Browser, base: str) -> None:
    context = browser.new_context(viewport=DESK, reduced_motion="reduce")
    page, _ = opened(context, base + "/admin/gallery/")

    moving = page.evaluate(MOVING)

    assert moving == 0
    context.close()


def test_paper_shows_the_content_alone(desk: BrowserContext, base: str) -> None:
    page, _ = opened(desk, base + "/admin/payments/")
    page.emulate_media(media="print")

    assert not page.locator(".rail").is_visible()
    assert not page.locator(".top").is_visible()
    assert page.locator(".list-table").is_visible()


def test_what_the_first_visit_loads_is_light(desk: BrowserContext, base: str) -> None:
    weights: dict[str, int] = {}
    page = desk.new_page()
    page.on("requestfinished", lambda asked: weights.update({asked.url: asked.sizes()["responseBodySize"]}))
    page.goto(base + "/admin/", wait_until="networkidle")

    # Tabler 79 KB, Inter 48 KB, all of ours 25 KB; squeezed, and kept for ever after.
    assert sum(size for url, size in weights.items() if "/static/" in url) < 160_000
    assert not [url for url in weights if "tom-select" in url]
