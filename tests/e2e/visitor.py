"""A person with a browser. Every page they see is held against WCAG 2.2 AA, and the console must stay silent."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDTHS: dict[str, ViewportSize] = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
Scheme = Literal["light", "dark"]


@dataclass
class Visitor:
    """One browser window. `complaints` collects what the console and the network said."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.look()

    def sign_in(self, email: str, password: str) -> None:
        self.open("/login")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.click("Sign in")

    def click(self, name: str, role: Any = "button") -> None:
        """Press what is called so, and look at the page it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role(role, name=name, exact=True).first.click()
        self.look()

    def look(self) -> None:
        """No accessibility fault, no sideways scrolling, nothing in the console."""
        assert self.faults() == [], self.page.url

    def faults(self) -> list[str]:
        """What is wrong with the page that is open."""
        self.page.wait_for_load_state("networkidle")
        found = Axe().run(self.page, options=RULES).response["violations"]
        too_wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [
            *(f"{fault['id']}: {fault['nodes'][0]['html']}" for fault in found),
            *([f"scrolls sideways by {too_wide} px"] if too_wide else []),
            *self.complaints,
        ]

    @property
    def words(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())


@contextmanager
def visiting(browser: Browser, base: str, width: str = "desk", scheme: Scheme = "light") -> Iterator[Visitor]:
    """A new window without history, this wide and in this colour scheme."""
    context = browser.new_context(
        viewport=WIDTHS[width], color_scheme=scheme, locale="en-GB", timezone_id="Europe/Berlin"
    )
    page = context.new_page()
    visitor = Visitor(page, base)
    page.on("console", lambda message: visitor.complaints.append(message.text))
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    try:
        yield visitor
    finally:
        context.close()
