"""A seeded shop is one that could have come about through the API: every sum and every reference holds."""

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import stripe

from app.sandbox.resources.currencies import settle
from tests.sandbox.client import ROOT, Sandbox, running
from tests.sandbox.shapes import complaints
from tests.sandbox.test_core_shapes import CLASSES
from tests.servers import drop_database, fresh_database

DAY = 86_400
SPRING = 1_777_000_000  # a present for shops that nobody serves
DISPUTES = {
    *("warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review"),
    *("appeal_needs_response", "appeal_under_review", "won", "lost", "prevented"),
}
POINTS_TO = {
    "balance_transaction": "balance_transaction",
    "charge": "charge",
    "customer": "customer",
    "default_price": "price",
    "failure_balance_transaction": "balance_transaction",
    "latest_attempt": "setup_attempt",
    "latest_charge": "charge",
    "mandate": "mandate",
    "payment_intent": "payment_intent",
    "payment_method": "payment_method",
    "product": "product",
    "setup_intent": "setup_intent",
}


def fill(url: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.sandbox", "seed", *words]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "DATABASE_URL": url, **environment}, capture_output=True, text=True
    )


def flask(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "sandbox", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)


@dataclass
class Shop:
    """A seeded sandbox and everything in it, read once."""

    sandbox: Sandbox
    until: int
    said: str
    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def all(self, kind: str) -> list[dict[str, Any]]:
        return list(self.by_id(kind).values())

    def by_id(self, kind: str) -> dict[str, Any]:
        if kind not in self.kinds:
            self.kinds[kind] = {obj["id"]: obj for obj in self.sandbox.objects(kind)}
        return self.kinds[kind]

    @cached_property
    def refunds_of(self) -> dict[str, list[dict[str, Any]]]:
        found = defaultdict(list)
        for refund in self.all("refund"):
            found[refund["charge"]].append(refund)
        return found

    def read_again(self) -> "Shop":
        return Shop(self.sandbox, self.until, self.said)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    """Seeded while the sandbox runs, as `make run` does it."""
    url = fresh_database()
    until = SPRING  # at another hour chance makes another shop
    with running(url) as sandbox:
        sandbox.control("POST", "clock", {"freeze": until})  # nothing happens while it is read
        filled = fill(url, "--customers", "90", "--months", "4", "--seed", "3", "--until", str(until))
        assert filled.returncode == 0, filled.stderr
        yield Shop(sandbox, until, filled.stdout)
    drop_database(url)


def test_every_object_fits_the_types_of_the_sdk(shop: Shop) -> None:
    classes = {**CLASSES, "product": stripe.Product, "price": stripe.Price}
    seen = {kind: [obj for obj in shop.all(kind) if not obj.get("deleted")] for kind in classes}

    found = [line for kind, objects in seen.items() for obj in objects for line in complaints(obj, classes[kind], kind)]

    assert found == []
    assert [kind for kind, objects in seen.items() if not objects] == [
        *("balance", "file", "file_link", "token", "webhook_endpoint"),
    ]


def test_every_reference_leads_somewhere(shop: Shop) -> None:
    for kind in (
        "charge",
        "payment_intent",
        "refund",
        "dispute",
        "setup_intent",
        "mandate",
        "price",
        "product",
        "payout",
    ):
        for obj in shop.all(kind):
            for name, target in POINTS_TO.items():
                if obj.get(name):
                    assert obj[name] in shop.by_id(target), (obj["id"], name)
    sources = {**shop.by_id("charge"), **shop.by_id("refund"), **shop.by_id("dispute"), **shop.by_id("payout")}
    assert {movement["source"] for movement in shop.all("balance_transaction")} <= set(sources)


def test_a_charge_knows_what_was_given_back(shop: Shop) -> None:
    for charge in shop.all("charge"):
        counted = sum(
            refund["amount"]
            for refund in shop.refunds_of[charge["id"]]
            if refund["status"] in ("succeeded", "pending", "requires_action")
        )
        assert charge["amount_refunded"] == counted <= charge["amount"]
        assert charge["refunded"] is (counted == charge["amount"])
        assert charge["amount_captured"] + _released(shop, charge) <= charge["amount"]


def test_a_payment_intent_agrees_with_its_newest_charge(shop: Shop) -> None:
    charges = defaultdict(list)
    for charge in shop.all("charge"):
        charges[charge["payment_intent"]].append(charge)
    for intent in shop.all("payment_intent"):
        own = sorted(charges[intent["id"]], key=lambda charge: charge["created"])
        assert intent["latest_charge"] == (own[-1]["id"] if own else None)
        assert {(charge["customer"], charge["currency"], charge["amount"]) for charge in own} <= {
            (intent["customer"], intent["currency"], intent["amount"])
        }
        assert [charge["status"] for charge in own[:-1]] == ["failed"] * len(own[:-1])
        received = own[-1]["amount_captured"] if intent["status"] == "succeeded" else 0
        assert intent["amount_received"] == received


def test_captured_money_is_in_the_books(shop: Shop) -> None:
    movements = shop.by_id("balance_transaction")
    for charge in shop.all("charge"):
        if not charge["captured"]:
            assert charge["balance_transaction"] is None
            continue
        movement = movements[charge["balance_transaction"]]
        worth = settle(charge["amount_captured"], charge["currency"])
        assert movement["source"] == charge["id"]
        assert (movement["amount"], movement["currency"]) == (worth.amount, worth.currency)
        assert movement["exchange_rate"] == worth.rate
        assert movement["fee"] > 0
    for movement in movements.values():
        assert movement["net"] == movement["amount"] - movement["fee"]
        assert movement["fee"] == sum(part["amount"] for part in movement["fee_details"])


def test_refunds_and_disputes_move_what_they_say(shop: Shop) -> None:
    movements = shop.by_id("balance_transaction")
    for refund in shop.all("refund"):
        if refund["balance_transaction"]:
            movement = movements[refund["balance_transaction"]]
            assert movement["source"] == refund["id"]
            if movement["exchange_rate"] is None:
                assert movement["amount"] == -refund["amount"]
    for dispute in shop.all("dispute"):
        assert [movements[one["id"]]["amount"] for one in dispute["balance_transactions"]] == [
            one["amount"] for one in dispute["balance_transactions"]
        ]
        lost = -sum(one["amount"] for one in dispute["balance_transactions"])
        kept = dispute["status"].startswith("warning") or dispute["status"] in ("won", "prevented")
        assert lost == (0 if kept else settle(dispute["amount"], dispute["currency"]).amount)


def test_disputed_charges_are_those_with_a_dispute(shop: Shop) -> None:
    disputed = {charge["id"] for charge in shop.all("charge") if charge["disputed"]}

    assert disputed == {dispute["charge"] for dispute in shop.all("dispute")}


def test_the_balance_is_the_sum_of_its_movements(shop: Shop) -> None:
    assert _balance(shop.sandbox) == _sums(shop.sandbox.objects("balance_transaction"))


def test_automatic_payouts_and_what_is_in_them_make_zero(shop: Shop) -> None:
    client = shop.sandbox.stripe()
    payouts = shop.all("payout")

    for payout in payouts:
        inside = list(client.v1.balance_transactions.list({"payout": payout["id"], "limit": 100}).auto_paging_iter())
        assert len(inside) >= 2
        assert sum(movement.net for movement in inside) == 0
        assert {movement.currency for movement in inside} == {payout["currency"]}
    assert {payout["status"] for payout in payouts} >= {"paid", "failed"}
    assert {payout["currency"] for payout in payouts} == {"usd", "eur", "gbp"}


def test_there_is_one_of_everything(shop: Shop) -> None:
    charges = shop.all("charge")
    assert {dispute["status"] for dispute in shop.all("dispute")} == DISPUTES
    assert {charge["currency"] for charge in charges} == {"usd", "eur", "gbp", "jpy", "kwd"}
    assert {charge["status"] for charge in charges} >= {"succeeded", "failed"}
    assert {charge["payment_method_details"]["type"] for charge in charges} == {"card", "sepa_debit"}
    assert {refund["status"] for refund in shop.all("refund")} >= {"succeeded", "pending", "failed"}
    assert {charge["failure_code"] for charge in charges} > {None, "card_declined"}
    assert [charge["id"] for charge in charges if charge["currency"] == "kwd" and charge["amount"] % 10] == []
    assert len(shop.all("customer")) == 90


def test_open_disputes_are_due_in_the_coming_days(shop: Shop) -> None:
    waiting = [dispute for dispute in shop.all("dispute") if dispute["status"].endswith("needs_response")]

    assert len(waiting) >= 6
    for dispute in waiting:
        assert shop.until < dispute["evidence_details"]["due_by"] < shop.until + 9 * DAY


def test_only_the_last_thirty_days_have_events_and_nobody_is_told(shop: Shop) -> None:
    events = shop.all("event")

    assert events
    assert min(event["created"] for event in events) >= shop.until - 30 * DAY
    assert sum(shop.sandbox.control("GET", "delivery")["deliveries"].values()) == 0
    assert {event["pending_webhooks"] for event in events} == {0}
    recent = {charge["id"] for charge in shop.all("charge") if charge["created"] >= shop.until - 30 * DAY}
    told = {event["data"]["object"]["id"] for event in events if event["data"]["object"]["object"] == "charge"}
    assert recent <= told


def test_the_sdk_reads_it_page_by_page(shop: Shop) -> None:
    client = shop.sandbox.stripe()

    charges = list(client.v1.charges.list({"limit": 100, "expand": ["data.refunds"]}).auto_paging_iter())

    assert [charge.id for charge in charges] == sorted(
        (charge.id for charge in charges), key=lambda one: -shop.by_id("charge")[one]["created"]
    )
    assert Counter(charge.status for charge in charges) == Counter(one["status"] for one in shop.all("charge"))
    for charge in charges:
        assert charge.refunds is not None
        assert len(charge.refunds.data) == len(shop.refunds_of[charge.id])


def test_the_command_says_what_there_is(shop: Shop) -> None:
    assert f"{len(shop.all('payout')):>9,}  payout\n" in shop.said
    assert "usd succeeded" in shop.said
    assert "appeal_under_review" in shop.said


def test_the_shop_goes_on(shop: Shop) -> None:
    """Timers were left behind for everything that is open; this one moves the clock and so comes last."""
    client = shop.sandbox.stripe()
    paid_out = len(shop.all("payout"))  # a shop reads each kind once: here, or the count would come after the clock
    saved = next(one for one in shop.all("payment_method") if one["customer"] and one["type"] == "card")
    paid = client.v1.payment_intents.create(
        {
            "amount": 4_200,
            "currency": "usd",
            "customer": saved["customer"],
            "payment_method": saved["id"],
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    assert paid.status == "succeeded"

    shop.sandbox.advance(100 * DAY)

    later = shop.read_again()
    assert {dispute["status"] for dispute in later.all("dispute")} <= {"won", "lost", "warning_closed", "prevented"}
    assert {refund["status"] for refund in later.all("refund")} <= {"succeeded", "failed"}
    assert "pending" not in {charge["status"] for charge in later.all("charge")}
    assert _balance(shop.sandbox) == _sums(shop.sandbox.objects("balance_transaction"))
    assert len(later.all("payout")) > paid_out
    test_automatic_payouts_and_what_is_in_them_make_zero(later)
    test_a_charge_knows_what_was_given_back(later)


def test_the_same_words_make_the_same_shop() -> None:
    words = ("--customers", "50", "--months", "2", "--seed", "5", "--until", str(SPRING))
    urls = fresh_database(), fresh_database()

    for url, salt in zip(urls, ("1", "2"), strict=True):
        assert fill(url, *words, PYTHONHASHSEED=salt).returncode == 0
    first, second = (_everything(url) for url in urls)

    assert len(first["objects"]) > 500
    assert first == second
    for url in urls:
        drop_database(url)


def test_another_seed_makes_another_shop_beside_the_first() -> None:
    url = fresh_database()
    words = ("--customers", "20", "--months", "1", "--until", str(SPRING))

    assert fill(url, *words, "--seed", "1").returncode == 0
    once = _everything(url)
    again = fill(url, *words, "--seed", "1")
    unchanged = _everything(url)
    assert fill(url, *words, "--seed", "2").returncode == 0

    assert again.returncode == 1
    assert again.stderr == "This very shop is there already. Another --seed makes another one.\n"
    assert unchanged == once
    bodies = [json.loads(row[-1]) for row in _everything(url)["objects"]]
    assert len([body for body in bodies if body["object"] == "customer"]) == 40
    totals = [body for body in bodies if body["object"] == "sandbox.totals"]
    kept = {(one["id"], status): one[status] for one in totals for status in ("available", "pending") if one[status]}
    assert kept == _sums([body for body in bodies if body["object"] == "balance_transaction"])
    drop_database(url)


def test_flask_seeds_the_sandbox_of_its_own_database(tmp_path: Path) -> None:
    url = fresh_database()
    environment = {"DATABASE_URL": url, "INSTANCE_DIR": str(tmp_path), "STRIPE_SECRET_KEY": "", "STRIPE_API_BASE": ""}

    filled = flask("seed", "--customers", "8", "--months", "1", **environment)

    assert filled.returncode == 0, filled.stderr
    assert "        8  customer\n" in filled.stdout
    assert len({row[1] for row in _everything(url)["objects"] if row[0] == "customer"}) == 8
    drop_database(url)


@pytest.mark.parametrize("command", ["seed", "serve"])
def test_no_play_money_beside_a_live_key(tmp_path: Path, command: str) -> None:
    url = fresh_database()
    environment = {
        "DATABASE_URL": url,
        "INSTANCE_DIR": str(tmp_path),
        "STRIPE_SECRET_KEY": "sk_live_neverused",
        "STRIPE_WEBHOOK_SECRET": "whsec_neverused",
        "STRIPE_API_BASE": "https://api.stripe.com",
        "SECRET_KEY": "a key for tests that is long enough to be one",
        "DOMAIN": "https://desk.example.com",
    }

    refused = flask(command, **environment)

    assert refused.returncode == 1
    assert "is a live key: play money has no place in this database" in refused.stderr
    with psycopg2.connect(url) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'sandbox'")
        assert cursor.fetchall() == [(0,)]
    conn.close()
    drop_database(url)


def _released(shop: Shop, charge: dict[str, Any]) -> int:
    """Held money that was let go: written as refunds without a balance transaction."""
    return sum(
        refund["amount"]
        for refund in shop.refunds_of[charge["id"]]
        if refund["status"] == "succeeded" and refund["balance_transaction"] is None
    )


def _sums(movements: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    """(currency, status) → sum of net, zeros left out."""
    sums: Counter[tuple[str, str]] = Counter()
    for movement in movements:
        sums[movement["currency"], movement["status"]] += movement["net"]
    return {name: amount for name, amount in sums.items() if amount}


def _balance(sandbox: Sandbox) -> dict[tuple[str, str], int]:
    said = sandbox.get("/v1/balance")
    return {
        (line["currency"], status): line["amount"]
        for status in ("available", "pending")
        for line in said[status]
        if line["amount"]
    }


def _everything(url: str) -> dict[str, list[Any]]:
    """All rows in the order of the lists, and all timers."""
    with psycopg2.connect(url) as conn, conn.cursor() as cursor:
        cursor.execute(
            "SELECT kind, id, created, deleted, payout, status, facets::text, body FROM sandbox.objects ORDER BY seq"
        )
        objects = cursor.fetchall()
        cursor.execute("SELECT at, task, args FROM sandbox.timers ORDER BY id")
        timers = cursor.fetchall()
    conn.close()
    return {"objects": objects, "timers": timers}
