"""`make shots`: every page of the desk as pictures, at desk and phone width, light and dark, from a shop of a few months.

Each page is also held against WCAG AA, sideways scrolling and the console. Pictures go to shots/, which git ignores.
Some only: `make shots ONLY=disputes` takes the pages whose endpoint begins so.
"""

import itertools
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from flask import current_app
from playwright.sync_api import Browser, sync_playwright

from app import clock
from app.actor import Actor
from app.alerts import alerts
from app.alerts import operations as alert_rules
from app.alerts.targets import PUBLIC
from app.alerts.wishes import Wish
from app.database import db, transaction
from app.models.alert import AlertDelivery, AlertTry
from app.models.payment_intent import PaymentIntent
from app.settings import Settings
from app.web.sealing import Seal
from tests import factories
from tests.e2e.visitor import CHROMIUM, QUIET, Scheme, visiting
from tests.sandbox.client import Sandbox, running
from tests.sandbox.test_seed import fill
from tests.servers import drop_database, fresh_database
from tests.stack import ROOT, Stack
from tests.walk import Walk, links_of
from tests.world import WEBHOOK_SECRET, application

SHOTS = ROOT / "shots"
EMAIL, PASSWORD = "ana@shop.example", "four unrelated words"
LOOKS: tuple[tuple[str, Scheme], ...] = (("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark"))


def main(only: str = "") -> int:
    """Take them; 1 when a page had a fault."""
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir()
    faults: list[str] = []
    with _shop() as stack, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        pages = list(_found(stack, browser, only))
        for width, scheme in LOOKS:
            faults += _taken(stack, browser, pages, width, scheme)
        browser.close()
    print(f"{len(pages)} pages in {len(LOOKS)} looks: {SHOTS}", *faults, sep="\n")  # noqa: T201
    return bool(faults)


@contextmanager
def _shop() -> Iterator[Stack]:
    url, theirs = fresh_database(), fresh_database()
    with tempfile.TemporaryDirectory() as folder, running(theirs) as sandbox:
        stack = Stack(url, sandbox.url, WEBHOOK_SECRET, Path(folder))
        try:
            _filled(stack, sandbox)
            stack.start_web()
            yield stack
        finally:
            stack.stop()
    drop_database(url)
    drop_database(theirs)


def _filled(stack: Stack, sandbox: Sandbox) -> None:
    stack.run("db", "upgrade")
    stack.run("staff", "add", EMAIL, "--role", "admin", "--password-stdin", given=PASSWORD)
    sandbox.endpoint(f"{stack.url}/webhooks/stripe", WEBHOOK_SECRET)
    filled = fill(sandbox.database_url, "--customers", "200", "--months", "6", "--seed", "7")
    assert filled.returncode == 0, filled.stderr
    stack.run("sync", "run")
    with application(stack.database_url, stack.folder).app_context():
        _asked()
        _told()
        db.engine.dispose()


def _asked() -> None:
    """What was asked of Stripe and ended well, ended badly, or waits for somebody."""
    known = db.session.query(PaymentIntent.id).order_by(PaymentIntent.id).limit(3)
    lost, captured, refused = (intent_id for (intent_id,) in known)
    answered = {"refusal": None, "answered_at": clock.now(), "requested_at": clock.now()}
    factories.act(object_id=captured, status="done", **answered, result={"status": "succeeded"})
    why = "This payment could not be captured because it has a status of canceled."
    factories.act(object_id=refused, status="refused", requested_by=EMAIL, **answered | {"refusal": why})
    # The newest: pictures are taken of the first two.
    factories.act(object_id=lost, requested_by=EMAIL, requested_at=clock.now())


def _told() -> None:
    """Rules of alerts, and what one told: sent, and tried in vain."""
    settings: Settings = current_app.extensions["settings"]
    account_id, seal, ana = factories.account().id, Seal.for_alerts(settings.secret_key), Actor("staff", EMAIL)
    ways = (
        ("mail", EMAIL),
        ("slack", "https://hooks.slack.com/services/T0/B0/x"),
        ("webhook", "https://ops.example.com/in"),
    )
    wishes = [
        Wish("job.failed", ways),
        Wish("refund.failed", ways[:1], measure="sum", currency="eur", more_than=50_000),
    ]
    made = [
        alert_rules.add_rule(wish, account_id=account_id, reach=PUBLIC, seal=seal, actor=ana).rule for wish in wishes
    ]
    alert_rules.snooze(made[1].id, until=clock.now() + timedelta(hours=30), remark="The bank knows of it", actor=ana)
    with transaction():
        alerts.raise_alert(
            "job.failed", ("job", "keep_house"), "Job keep_house failed 2 times within a day.", account_id=account_id
        )
        for sent in db.session.query(AlertDelivery).filter(AlertDelivery.path.is_(None)):
            sent.state, sent.tries, sent.answer = "failed", 2, "503 Service Unavailable"
            tries = [
                AlertTry(delivery_id=sent.id, at=clock.now(), answer=words)
                for words in ("No answer: timed out", sent.answer)
            ]
            db.session.add_all(tries)


def _found(stack: Stack, browser: Browser, only: str) -> Iterator[tuple[str, str]]:
    """Every page there is, once."""
    app = application(stack.database_url, stack.folder)
    with visiting(browser, stack.url) as ana:
        ana.sign_in(EMAIL, PASSWORD)
        for endpoint, path in Walk(app, stack.url).pages(lambda: links_of(ana.page)):
            ana.page.goto(stack.url + path)
            if endpoint.startswith(only):
                yield endpoint, path


def _taken(stack: Stack, browser: Browser, pages: list[tuple[str, str]], width: str, scheme: Scheme) -> Iterator[str]:
    numbers = itertools.count(1)
    with visiting(browser, stack.url, width, scheme) as ana:
        ana.sign_in(EMAIL, PASSWORD)
        for endpoint, path in pages:
            ana.page.goto(stack.url + path)
            yield from (f"{width} {scheme} {path}: {fault[:400]}" for fault in ana.faults())
            ana.complaints.clear()
            ana.page.screenshot(path=SHOTS / f"{endpoint}-{next(numbers):03}-{width}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
