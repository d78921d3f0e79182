"""The sandbox's own page: what it holds, and buttons that make things happen in it."""

from __future__ import annotations

from typing import Any

from app.sandbox.errors import StripeError
from app.sandbox.http import Reply
from app.sandbox.pages import rendering
from app.sandbox.pages.scenes import SCENES
from app.sandbox.pages.visit import Visit, act
from app.sandbox.params import Obj
from app.sandbox.resources.currencies import SETTLED, shown
from app.sandbox.resources.dispute_cases import CAUSES, OPEN
from app.sandbox.routes import route
from app.sandbox.tx import Tx

COUNTABLE = 300_000
Options = list[tuple[str, str]]

LABELS = {
    "how": "How it goes",
    "how_long": "How long",
    "kind": "What goes wrong",
    "webhooks": "Webhooks",
}
FIXED: dict[str, Options] = {
    "how": [
        ("pays", "Pays by card"),
        ("declined", "Card declined"),
        ("no_funds", "No funds"),
        ("three_d_secure", "Asks for 3-D Secure"),
        ("held", "Held, to be captured"),
        ("disputed", "Pays, disputed at once"),
        ("inquiry", "Pays, inquiry at once"),
        ("warning", "Pays, fraud warning at once"),
        ("refund_fails", "Pays, refunds fail later"),
        ("debit", "SEPA debit"),
        ("debit_fails", "SEPA debit that fails"),
    ],
    "currency": [(name, name.upper()) for name in (*SETTLED, "jpy")],
    "mode": [("payment", "Payment"), ("subscription", "Subscription"), ("setup", "Save a card")],
    "cause": [(name, name.replace("_", " ")) for name in CAUSES if not name.endswith("debit")],
    "outcome": [(name, name.capitalize()) for name in ("won", "lost", "escalate", "close", "appeal")],
    "how_long": [("hour", "An hour"), ("day", "A day"), ("week", "A week"), ("month_end", "Until the month is over")],
    "webhooks": [("hold", "Hold them"), ("release", "Let them go"), ("off", "As usual")],
    "kind": [
        ("down", "5 calls answered 503"),
        ("rate_limit", "20 calls answered 429"),
        ("slow", "20 calls take three seconds"),
        ("lost_refund", "The next refund’s answer is lost"),
        ("heal", "Nothing: all works again"),
    ],
}


@route("GET", "/_control/")
def show(visit: Visit) -> Reply:
    return _page(visit, str(visit.asked.get("said", ""))[:300])


@route("POST", "/_control/")
def play(visit: Visit) -> Reply:
    form = {name: str(value) for name, value in visit.form.items()}
    scene = SCENES.get(form.get("scene", ""))
    if scene is None:
        return rendering.trouble(400, "There is no such button.")
    if "webhooks" in form:
        form["mode"] = form["webhooks"]
    try:
        words, onward = scene.play(visit, form)
    except StripeError as refusal:
        return _page(visit, refusal.message, bad=True)
    return rendering.redirect(onward or rendering.with_query("/_control/", said=words))


def _page(visit: Visit, said: str, *, bad: bool = False) -> Reply:
    facts = act(visit, _facts)
    choices = {**FIXED, **facts["choices"]}
    return rendering.page(
        "people",
        title="Sandbox",
        said=said,
        bad=bad,
        now=visit.world.now,
        scenes=SCENES,
        choices=choices,
        missing={key: next((name for name in one.fields if not choices[name]), None) for key, one in SCENES.items()},
        labels={name: LABELS.get(name, name.capitalize()) for name in choices},
        facts=facts,
        requests=list(reversed(visit.sandbox.journal.entries(method=None, path=None, since=0)[-12:])),
        held=bool(visit.sandbox.deliverer.settings.get("hold")),
        faults=len(visit.sandbox.faults.as_list()),
    )


def _facts(tx: Tx) -> dict[str, Any]:
    charges = [one for one in tx.find("charge", limit=60) if one.get("paid") and one.get("captured")]
    clean = [one for one in charges if not one["disputed"] and not one["refunded"]][:15]
    disputes = [one for one in tx.find("dispute", limit=60) if one.get("status") in (*OPEN, "lost")][:15]
    refunds = [one for one in tx.find("refund", limit=60) if one.get("status") in ("succeeded", "pending")][:15]
    payouts = [one for one in tx.find("payout", limit=30) if one.get("status") in ("pending", "in_transit", "paid")]
    waiting = [one for one in tx.find("payment_intent", limit=200) if one.get("status") == "requires_action"][:15]
    return {
        "choices": {
            "charge": [_money(one) for one in clean],
            "dispute": [_money(one, one["status"]) for one in disputes],
            "refund": [_money(one, one["status"]) for one in refunds],
            "payout": [_money(one, one["status"]) for one in payouts[:15]],
            "mandate": _mandates(tx),
            "customer": [
                (one["id"], one.get("name") or one.get("email") or one["id"]) for one in tx.find("customer", limit=15)
            ],
        },
        "counts": _counts(tx),
        "events": [_event(one) for one in tx.find("event", limit=12)],
        "waiting": [one for one in waiting if _door(one)],
        "doors": {one["id"]: _door(one) for one in waiting},
        "endpoints": tx.find("webhook_endpoint", limit=5),
    }


def _counts(tx: Tx) -> list[tuple[str, int]]:
    """How many of each kind; a world too large to be counted between two clicks is only estimated."""
    tx.cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'objects'::regclass")
    row = tx.cursor.fetchone()
    if row and row[0] > COUNTABLE:
        return [("everything, about", int(row[0]))]
    tx.cursor.execute(
        "SELECT kind, count(*) FROM objects WHERE NOT starts_with(kind, 'sandbox.') GROUP BY kind ORDER BY 2 DESC, 1"
    )
    return tx.cursor.fetchall()[:12]


def _money(obj: Obj, status: str = "") -> tuple[str, str]:
    words = (
        f"{shown(obj['amount'], obj['currency'])}{', ' + status.replace('_', ' ') if status else ''}, {obj['id'][-8:]}"
    )
    return obj["id"], words


def _mandates(tx: Tx) -> Options:
    live = [one for one in tx.find("mandate", limit=40) if one.get("status") in ("active", "pending")]
    return [
        (one["id"], f"{one['payment_method_details']['type'].replace('_', ' ')}, {one['id'][-8:]}") for one in live[:15]
    ]


def _event(event: Obj) -> dict[str, Any]:
    about = str(event["data"]["object"].get("id") or "")
    short = about if len(about) <= 32 else f"{about[:14]}…{about[-8:]}"
    return {"type": event["type"], "created": event["created"], "about": short}


def _door(intent: Obj) -> str | None:
    """Where the customer of this payment is waited for."""
    kind = (intent.get("next_action") or {}).get("type")
    if kind == "verify_with_microdeposits":
        return f"/verify/{intent['id']}"
    return f"/3ds/{intent['id']}" if kind in ("redirect_to_url", "use_stripe_sdk") else None
