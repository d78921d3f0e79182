"""A whole day with marked secrets: afterwards none of them is in a log, on a page or in the database."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import text

from app.database import db
from app.mirror import raw
from tests import invariants
from tests.sandbox.client import Sandbox
from tests.sandbox.money import CARDS_ONLY, pay
from tests.stack import Stack, eventually
from tests.system.browser import PASSWORD, Visitor
from tests.system.sending import send
from tests.system.shop import REFUNDS, Shop, form
from tests.webhooks.signing import customer, event

pytestmark = pytest.mark.timeout(300)
KEY = "sk_test_MARKEDkey0001"
WEBHOOK_SECRET = "whsec_MARKEDsecret0002"
COOKIE_KEY = "MARKED0003 cookie key that is long enough"
WRONG_PASSWORD = "MARKED0004 wrong password"
PAN, SPACED = "4000002760003184", "4000 0027 6000 3184"
EMAIL, NAME = "mona.MARKED0005@example.com", "Mona MARKED0006"
NEW = "/admin/refunds/new"
ROLES = ("support", "admin", "auditor")


class Marked(Stack):
    """The product with secrets that can be told from all other text."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "STRIPE_SECRET_KEY": KEY, "SECRET_KEY": COOKIE_KEY, "LOG_LEVEL": "DEBUG"}


@pytest.fixture
def stack(shop: Shop, database_url: str, sandbox: Sandbox, tmp_path: Path) -> Iterator[Stack]:
    running = Marked(database_url, sandbox.url, WEBHOOK_SECRET, tmp_path / "stack")
    try:
        for role in ROLES:
            running.run("staff", "add", f"{role}@shop.example", "--role", role, "--password-stdin", given=PASSWORD)
        running.start_web()
        running.start_jobs()
        sandbox.endpoint(f"{running.url}/webhooks/stripe", WEBHOOK_SECRET, version="2026-10-28.endive")
        yield running
    finally:
        running.stop()


def test_no_secret_leaves_a_trace(shop: Shop, sandbox: Sandbox, stack: Stack) -> None:
    secrets = _live_through_the_day(shop, sandbox, stack)
    pages = {role: _all_pages(Visitor(stack, f"{role}@shop.example")) for role in ROLES}
    logs = stack.log("web") + stack.log("jobs")
    kept = _everything_kept()

    forbidden = [KEY, WEBHOOK_SECRET, "MARKED0003", "MARKED0004", PAN, SPACED, PASSWORD, *secrets]
    for place, words in {"logs": logs, "database": kept, **pages}.items():
        assert [secret for secret in forbidden if secret in words] == [], place
    # Who somebody is belongs into the mirror and onto pages, and nowhere else.
    assert EMAIL in kept
    assert EMAIL in pages["support"]
    assert EMAIL not in logs
    assert NAME not in logs
    assert EMAIL not in pages["auditor"]
    assert "[card number]" in kept
    invariants.no_secrets()


def _live_through_the_day(shop: Shop, sandbox: Sandbox, stack: Stack) -> list[str]:
    """Payments, refunds, mistakes and errors; the client secrets that came into being."""
    client = sandbox.stripe()
    who = client.v1.customers.create({"email": EMAIL, "name": NAME})
    charge_id = str(pay(client, customer=who.id, setup_future_usage="off_session").latest_charge.id)  # type: ignore[union-attr]
    waiting = pay(client, "pm_card_authenticationRequired", customer=who.id)
    client.v1.setup_intents.create(
        {"customer": who.id, "payment_method": "pm_card_visa", "confirm": True, "automatic_payment_methods": CARDS_ONLY}
    )
    sandbox.control("POST", "money/authenticate", {"id": waiting.id, "outcome": "fail"})
    sandbox.wait_until_delivered()
    _refunds_and_errors(sandbox, stack, charge_id)
    _wrong_tries(stack)
    shop.app.test_client().get("/login")
    intents = [*sandbox.objects("payment_intent"), *sandbox.objects("setup_intent")]
    return [intent["client_secret"] for intent in intents]


def _refunds_and_errors(sandbox: Sandbox, stack: Stack, charge_id: str) -> None:
    ana = Visitor(stack, "support@shop.example")
    eventually(lambda: ana.get(f"/admin/charges/{charge_id}").status_code == 200)
    typed = form(charge_id, "1.00") | {"words": f"Card {SPACED} or {PAN}, key {KEY}, secret {WEBHOOK_SECRET}"}
    assert ana.post(NEW, typed).status_code == 303
    for spoilt in ({"html": True}, {"cut": 20}, {"status": 500, "body": {"error": {"message": f"{KEY} {PAN}"}}}):
        sandbox.fault("POST", REFUNDS, when="after", times=4, **spoilt)
        answer = ana.post(NEW, form(charge_id, "1.00"))
        assert answer.status_code == 303
        sandbox.heal()
        state = answer.headers["Location"] + "/state"
        eventually(lambda state=state: "succeeded" in ana.get(state).text, within=60)  # type: ignore[misc]
    refusal = {"error": {"type": "invalid_request_error", "code": "made_up", "message": f"No {KEY} and {PAN}"}}
    sandbox.fault("POST", REFUNDS, times=1, status=400, body=refusal)
    assert ana.post(NEW, form(charge_id, "1.00")).status_code == 303
    for search in (PAN, SPACED, KEY):
        ana.get(f"/admin/charges/?q={search}")
        ana.get(f"/admin/charges/{search}")


def _wrong_tries(stack: Stack) -> None:
    """Passwords that are wrong, events that are forged or cannot be understood, addresses that hold secrets."""
    stranger = requests.Session()
    stranger.trust_env = False
    found = re.search(r'name="csrf_token" value="([^"]+)"', stranger.get(f"{stack.url}/login", timeout=20).text)
    assert found
    tried = {"csrf_token": found.group(1), "email": EMAIL, "password": WRONG_PASSWORD}
    stranger.post(f"{stack.url}/login", data=tried, timeout=20)
    headers = {"Authorization": f"Bearer {KEY}", "User-Agent": f"curl {KEY} {PAN}", "Stripe-Signature": WEBHOOK_SECRET}
    for path in (f"/{KEY}", f"/webhooks/stripe?secret={WEBHOOK_SECRET}", f"/login?next=/{PAN}"):
        stranger.get(stack.url + path, headers=headers, timeout=20)
        stranger.post(stack.url + path, headers=headers, data={"password": WRONG_PASSWORD, "card": PAN}, timeout=20)
    broken = event("customer.created", customer("cus_broken", email=EMAIL, name=NAME, balance=2**62, currency=[NAME]))
    assert send(stack.url, broken, secret=WEBHOOK_SECRET) == 200
    assert send(stack.url, broken) == 400


def _all_pages(visitor: Visitor) -> str:
    """Every page that a link leads to, from the start page on."""
    known, todo, words = {"/"}, ["/", "/admin/"], []
    while todo and len(known) < 150:
        answer = visitor.get(todo.pop(0))
        if "text/html" not in answer.headers.get("Content-Type", ""):
            continue
        words.append(answer.text)
        for link in re.findall(r'href="(/[^"#]*)"', answer.text):
            path = urlsplit(link.replace("&amp;", "&")).path
            if path.startswith("/admin") and path not in known:
                known.add(path)
                todo.append(path)
    assert len(words) > 15
    return "\n".join(words)


def _everything_kept() -> str:
    """All tables as text, and all that is packed in them."""
    db.session.rollback()
    found: list[str] = []
    for (table,) in db.session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all():
        found += db.session.execute(text(f'SELECT t::text FROM "{table}" t')).scalars()
        names = "SELECT column_name FROM information_schema.columns WHERE table_name = :table AND column_name IN ('raw', 'body')"
        for column in db.session.execute(text(names), {"table": table}).scalars().all():
            packed = db.session.execute(text(f'SELECT {column} FROM "{table}" WHERE {column} IS NOT NULL')).scalars()
            found += [str(raw.unpack(body)) for body in packed]
    db.session.rollback()
    return "\n".join(found)
