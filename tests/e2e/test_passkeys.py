"""Passkeys in a browser, with the virtual authenticator that Chromium has for tests."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, expect

from tests.e2e.visitor import Visitor, visiting
from tests.sandbox.client import Sandbox
from tests.stack import Stack
from tests.world import WEBHOOK_SECRET

pytestmark = [pytest.mark.browser, pytest.mark.timeout(170)]
PASSWORD = "four unrelated words"
ANA = "ana@shop.example"


class Named(Stack):
    """The product under a name: browsers know no passkeys for a bare address."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


def test_a_passkey_is_added_signs_in_with_and_without_a_password_and_is_removed(
    browser: Browser, database_url: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    named = Named(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "named")
    try:
        named.start_web()
        named.run("staff", "add", ANA, "--role", "support", "--password-stdin", given=PASSWORD)
        with visiting(browser, named.url) as ana:
            _journey(ana, _authenticator(ana))
    finally:
        named.stop()


def _journey(ana: Visitor, device: CDPSession) -> None:
    ana.sign_in(ANA, PASSWORD)
    ana.open("/admin/second-factor/")
    ana.click("Add a passkey")
    ana.page.get_by_label("Name").fill("Work laptop")
    ana.click("Add")
    assert "Ten codes, each good once" in ana.words
    ana.open("/admin/second-factor/")
    expect(ana.page.get_by_label("Name of passkey 1")).to_have_value("Work laptop")
    expect(ana.page.locator("main")).to_contain_text("not used yet")

    _leave(ana)
    ana.sign_in(ANA, PASSWORD)
    assert ana.page.url.endswith("/login/code")
    ana.click("Use a passkey")
    assert ana.page.url.endswith("/admin/")

    _leave(ana)
    ana.click("Sign in with a passkey")
    assert ana.page.url.endswith("/admin/")

    ana.open("/login/again?next=/admin/second-factor/")
    ana.click("Use a passkey")
    assert ana.page.url.endswith("/admin/second-factor/")

    # The finger is the wrong one: the device says no, the page says so, and nobody is in.
    _leave(ana)
    device.send("WebAuthn.setUserVerified", {"authenticatorId": _id(device), "isUserVerified": False})
    ana.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(ana.page.locator("[data-passkey-says]")).to_have_text(
        "The device gave no answer. Try again, or use another way."
    )
    ana.look()
    device.send("WebAuthn.setUserVerified", {"authenticatorId": _id(device), "isUserVerified": True})
    ana.click("Sign in with a passkey")

    ana.open("/admin/second-factor/")
    ana.page.get_by_role("button", name="Remove").click()
    with ana.page.expect_navigation():
        ana.page.locator("dialog[open]").get_by_role("button", name="Remove").click()
    ana.look()
    assert "The passkey is removed." in ana.words
    _leave(ana)
    ana.page.get_by_role("button", name="Sign in with a passkey").click()
    expect(ana.page.locator("#sign-in-error")).to_contain_text("This passkey opens nothing here.")


_ids: dict[int, str] = {}


def _authenticator(ana: Visitor) -> CDPSession:
    device = ana.page.context.new_cdp_session(ana.page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    _ids[id(device)] = device.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    return device


def _id(device: CDPSession) -> str:
    return _ids[id(device)]


def _leave(ana: Visitor) -> None:
    ana.page.context.clear_cookies()
    ana.open("/login")
