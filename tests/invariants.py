"""What is true after every case: our side asked in SQL, the other side from the sandbox's objects and its log of requests.

I1 refunds fit and are the same on both sides, I2 one promise one refund, I3 the mirror is the sandbox, I4 each refund in the audit
trail, I5 every event came to its end, I8 no secret anywhere in the database.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

from flask import Flask
from sqlalchemy import text

from app.audit import chain
from app.database import db
from app.gateways.current import gateway
from app.mirror import accounts, raw
from app.mirror.kinds import KINDS
from app.settings import Settings
from app.sync.check import check
from tests.sandbox.client import Sandbox

DEAD = ("failed", "canceled")
SECRETS = re.compile(r"[a-z]_[A-Za-z0-9]+_secret_\w|\b[sr]k_(test|live)_\w|\bwhsec_\w|\b4242424242424242\b")
Obj = dict[str, Any]


def hold(app: Flask, sandbox: Sandbox, *, mirrored: bool = True, all_heard: bool = True) -> None:
    """Assert all of them, once everything has come to rest. Call it in the application's context.

    `mirrored`: a sync or all webhooks came through, so the mirror is whole. `all_heard`: no event is missing here.
    """
    db.session.rollback()
    refunds_fit(sandbox)
    one_promise_one_refund(sandbox)
    if mirrored:
        mirror_is_stripe(app)
        _refunds_are_the_same(sandbox)
    acts_are_recorded()
    events_came_to_an_end(sandbox, all_heard=all_heard)
    no_secrets()
    db.session.rollback()


def refunds_fit(sandbox: Sandbox) -> None:
    """I1. What is held and let go is a refund by name only: no line of the ledger belongs to it."""
    over = """
        SELECT c.id FROM charges c JOIN refunds r ON r.charge_id = c.id
         WHERE r.status NOT IN ('refused', 'failed', 'canceled')
           AND NOT (r.requested_by IS NULL AND r.status = 'succeeded' AND r.balance_transaction_id IS NULL)
         GROUP BY c.id HAVING sum(r.amount) > CASE c.status WHEN 'pending' THEN c.amount ELSE c.amount_captured END"""
    _none(_column(over), "charges here that gave back more than they took")
    given: Counter[str] = Counter()
    for refund in sandbox.objects("refund"):
        released = refund["status"] == "succeeded" and refund["balance_transaction"] is None
        if refund["status"] not in DEAD and not released:
            given[refund["charge"]] += refund["amount"]
    taken = {charge["id"]: _worth(charge) for charge in sandbox.objects("charge")}
    too_much = [charge for charge, amount in given.items() if amount > taken[charge]]
    _none(too_much, "charges at Stripe that gave back more than they took")


def one_promise_one_refund(sandbox: Sandbox) -> None:
    """I2. Every write of ours carries the key of a promise that stands in the database, and made at most one object."""
    promised = {f"refund:{refund_id}" for refund_id in _column("SELECT id FROM refunds WHERE requested_by IS NOT NULL")}
    asked = [entry for entry in sandbox.requests("POST", "/v1/refunds") if _is_ours(entry)]
    _none({entry["idempotency_key"] for entry in asked} - promised, "refunds asked for without a promise")
    made = Counter(
        f"refund:{refund['metadata']['counterfoil_refund']}"
        for refund in sandbox.objects("refund")
        if "counterfoil_refund" in refund["metadata"]
    )
    _none(set(made) - promised, "refunds made without a promise")
    _none([key for key, count in made.items() if count > 1], "promises that made more than one refund")
    calls = {entry["request_id"] for entry in asked}
    kept = set(_column("SELECT request_id FROM gateway_calls WHERE path = '/v1/refunds' AND request_id IS NOT NULL"))
    _none(kept - calls, "calls we kept that Stripe never saw")
    keyless = _column("SELECT id FROM gateway_calls WHERE coalesce(idempotency_key, '') = ''")
    _none(keyless, "writes without a key")


def mirror_is_stripe(app: Flask) -> None:
    """I3. Row by row, field by field."""
    account_id = _account_id(app)
    report = check(gateway(), account_id)
    _none([str(drift) for drift in report.drifts], "differences between the mirror and Stripe")


def acts_are_recorded() -> None:
    """I4. Each promise has exactly one entry of who asked, of the same person; the chain is whole."""
    unrecorded = """
        SELECT r.id FROM refunds r
          LEFT JOIN audit_logs a ON a.object_type = 'refund' AND a.object_id = r.id::text AND a.action = 'refund.requested'
               AND a.actor = r.requested_by AND a.at IS NOT NULL AND a.before IS NOT NULL AND a.after IS NOT NULL
         WHERE r.requested_by IS NOT NULL GROUP BY r.id HAVING count(a.id) <> 1"""
    _none(_column(unrecorded), "promises without exactly one entry in the trail")
    several = """
        SELECT object_id FROM audit_logs WHERE action IN ('refund.answered', 'refund.refused')
         GROUP BY object_id, action HAVING count(*) > 1"""
    _none(_column(several), "refunds answered twice")
    broken = chain.verify()
    assert broken is None, broken


def events_came_to_an_end(sandbox: Sandbox, *, all_heard: bool) -> None:
    """I5. None waits, none was given up, and none that the sandbox told is missing."""
    rest = "SELECT concat_ws(' ', id, type, state, error) FROM webhook_events WHERE state IN ('waiting', 'dead')"
    _none(_column(rest), "events without an end")
    if all_heard:
        told = {event["id"] for event in sandbox.objects("event")}
        _none(told - set(_column("SELECT id FROM webhook_events")), "events that were never taken in")


def no_secrets() -> None:
    """I8, as far as the database goes: no key, no client secret, no card number, in no column and no packed object."""
    tables = _column("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
    found = [(table, hit) for table in tables for hit in _secrets_in(table)]
    _none(found, "secrets in the database")


def _secrets_in(table: str) -> Iterator[str]:
    for row in _column(f'SELECT t::text FROM "{table}" t'):  # bytes are shown in hexadecimal, where nothing is found
        yield from (match.group() for match in SECRETS.finditer(row))
    for column in _column(
        f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' AND column_name IN ('raw', 'body')"
    ):
        for packed in _column(f'SELECT {column} FROM "{table}" WHERE {column} IS NOT NULL'):
            yield from (match.group() for match in SECRETS.finditer(str(raw.unpack(packed))))


def _refunds_are_the_same(sandbox: Sandbox) -> None:
    ours = db.session.execute(
        text("SELECT stripe_id, charge_id, amount, currency, status FROM refunds WHERE stripe_id IS NOT NULL")
    )
    theirs = [
        tuple(refund[name] for name in ("id", "charge", "amount", "currency", "status"))
        for refund in sandbox.objects("refund")
    ]
    _none(set(theirs) ^ {tuple(row) for row in ours}, "refunds that are not the same on both sides")
    # Of other kinds at least: what is there is here. `check` goes through the API, this past it.
    for kind in ("charge", "payment_intent", "dispute", "payout", "customer", "balance_transaction"):
        here = set(_column(f"SELECT id FROM {KINDS[kind].table}"))
        _none({obj["id"] for obj in sandbox.objects(kind)} - here, f"objects of the kind {kind} that are not here")


def _none(found: Collection[Any], what: str) -> None:
    if found:
        raise AssertionError(f"{len(found)} {what}: {sorted(map(str, found))[:10]}")


def _is_ours(entry: Obj) -> bool:
    return str(entry["idempotency_key"]).startswith("refund:") or "counterfoil_refund" in str(entry["params"])


def _worth(charge: Obj) -> int:
    """What refunds may sum up to. One of a debit may be asked for before the debit has gone through."""
    return int(charge["amount"] if charge["status"] == "pending" else charge["amount_captured"])


def _account_id(app: Flask) -> int:
    settings: Settings = app.extensions["settings"]
    account_id = accounts.current(settings.livemode).id
    db.session.rollback()
    return account_id


def _column(query: str) -> list[Any]:
    return list(db.session.execute(text(query)).scalars())
