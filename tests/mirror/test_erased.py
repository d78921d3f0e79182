"""What comes in of an erased person is stripped before it is written, whichever door it takes and whatever it belongs to."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.database import db, transaction
from app.mirror import kinds, raw
from app.mirror.door import Saved
from app.mirror.kinds import KINDS
from app.mirror.stripped import stripped, stripped_event
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.erasure import ErasedObject, Erasure
from app.models.invoice import InvoiceLine
from app.models.refund import Refund
from app.models.webhook_event import WebhookEvent
from app.sync.compare import compare
from app.webhooks import inbox
from app.webhooks.envelope import of
from tests import factories, objects
from tests.objects import read, told
from tests.webhooks.signing import event

MARK = "quetzal"
METADATA = {"who": f"{MARK} meta", "counterfoil_refund": "0b0e7a2e-5f0f-4a55-8a6e-5f1a4d1a9d01"}
ADDRESS = {"city": MARK, "country": "DE", "line1": f"{MARK} 1", "postal_code": MARK}


@pytest.fixture
def account_id(app: Flask) -> int:
    return factories.account().id


def tombstone(account_id: int, *ids: str) -> UUID:
    with transaction():
        erasure = Erasure(
            id=uuid4(), account_id=account_id, customer_id="cus_q", state="done", asked_by="ana@shop.example",
            reason="Asked for it", obstacles=[], begun_at=clock.now(), done_at=clock.now(),
        )  # fmt: skip
        db.session.add(erasure)
        db.session.flush()
        db.session.add_all(
            ErasedObject(
                id=key, account_id=account_id, customer_id="cus_q", erasure_id=erasure.id, erased_at=clock.now(),
                swept_at=clock.now(),
            )
            for key in ids
        )  # fmt: skip
    return erasure.id


def save(kind: str, obj: dict[str, Any], account_id: int, second: int = 0) -> Saved:
    with transaction():
        return kinds.save_all(kind, [obj], told(account_id, second))


def customer(**fields: Any) -> dict[str, Any]:
    return {
        "id": "cus_q", "object": "customer", "created": 1_790_000_000, "email": f"{MARK}@example.com", "name": MARK,
        "phone": MARK, "description": MARK, "address": ADDRESS, "shipping": {"name": MARK, "address": ADDRESS},
        "metadata": METADATA, "currency": "eur", "balance": -500, "delinquent": False, "tax_exempt": "none",
        "invoice_settings": {"default_payment_method": "pm_1q", "footer": MARK, "custom_fields": [{"name": MARK, "value": MARK}]},
        "invoice_prefix": MARK.upper(), "preferred_locales": [MARK], "tax": {"ip_address": MARK}, **fields,
    }  # fmt: skip


def charge(**fields: Any) -> dict[str, Any]:
    return objects.charge(**{
        "id": "ch_1q", "customer": "cus_q", "description": MARK, "receipt_email": f"{MARK}@example.com", "metadata": METADATA,
        "billing_details": {"name": MARK, "email": MARK, "address": ADDRESS}, "shipping": {"name": MARK}, "receipt_url": MARK,
        "statement_descriptor": MARK, "calculated_statement_descriptor": MARK, "failure_message": MARK,
        "outcome": {"type": "authorized", "network_status": "approved_by_network", "seller_message": MARK, "risk_level": "normal"},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "country": "DE", "last4": MARK, "fingerprint": MARK,
            "exp_month": 4, "wallet": {"name": MARK}, "issuer": MARK}}, **fields,
    })  # fmt: skip


def rows_with_the_mark() -> list[str]:
    """Tables with a row in which the mark stands, packed objects included."""
    found = []
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(select(table)).mappings():
            told_all = " ".join(str(raw.unpack(v) if n in {"raw", "body"} and v else v) for n, v in row.items())
            if MARK in told_all.lower():
                found.append(table.name)
    db.session.rollback()
    return found


def test_a_customer_comes_back_as_ids_amounts_and_codes(account_id):
    tombstone(account_id, "cus_q")

    assert save("customer", customer(), account_id) == Saved(applied=["cus_q"])

    row = db.session.get_one(Customer, "cus_q")
    assert (row.email, row.name, row.phone, row.description, row.country) == (None, None, None, None, "DE")
    assert (row.balance, row.currency, row.delinquent, row.tax_exempt) == (-500, "eur", False, "none")
    assert row.default_payment_method_id == "pm_1q"
    assert raw.unpack(row.raw) == {
        "id": "cus_q", "object": "customer", "created": 1_790_000_000, "address": {"country": "DE"}, "currency": "eur",
        "balance": -500, "delinquent": False, "tax_exempt": "none", "invoice_settings": {"default_payment_method": "pm_1q"},
        "metadata": {"counterfoil_refund": METADATA["counterfoil_refund"]},
    }  # fmt: skip
    assert rows_with_the_mark() == []


def test_what_belongs_to_the_person_is_recognised_through_one_another(account_id):
    tombstone(account_id, "cus_q")

    save("charge", charge(), account_id)
    save("refund", {"id": "re_1q", "object": "refund", "charge": "ch_1q", "amount": 5, "currency": "eur", "status": "succeeded",
                    "metadata": METADATA, "description": MARK}, account_id)  # fmt: skip
    save("dispute", {"id": "dp_1q", "object": "dispute", "charge": "ch_1q", "amount": 5, "currency": "eur", "status": "lost",
                     "reason": "general", "evidence": {"customer_name": MARK, "uncategorized_text": MARK}}, account_id)  # fmt: skip
    save("balance_transaction", {"id": "txn_1q", "object": "balance_transaction", "source": "re_1q", "amount": -5, "fee": 0,
                                 "net": -5, "currency": "eur", "description": MARK}, account_id)  # fmt: skip
    save("invoice", {"id": "in_1q", "object": "invoice", "customer": "cus_q", "customer_email": MARK, "customer_name": MARK,
                     "currency": "eur", "total": 7, "number": "A-1", "status": "paid",
                     "lines": {"data": [{"id": "il_1q", "amount": 7, "currency": "eur", "description": MARK}]}},
         account_id)  # fmt: skip

    assert rows_with_the_mark() == []
    row = db.session.get_one(Charge, "ch_1q")
    assert (row.amount, row.status, row.customer_id, row.brand, row.country) == (
        5_000,
        "succeeded",
        "cus_q",
        "visa",
        "DE",
    )
    assert (row.risk_level, row.network_status) == ("normal", "approved_by_network")
    assert (row.last4, row.fingerprint, row.receipt_email, row.description) == (None, None, None, None)
    assert db.session.query(Refund).one().charge_id == "ch_1q"
    assert db.session.get_one(InvoiceLine, "il_1q").amount == 7
    known = {row.id: row.swept_at is not None for row in db.session.query(ErasedObject)}
    late = dict.fromkeys(("ch_1q", "re_1q", "dp_1q", "txn_1q", "in_1q", "il_1q"), False)
    assert known == {"cus_q": True} | late


def test_the_same_again_is_no_news_and_in_no_doubt(account_id):
    tombstone(account_id, "cus_q")
    save("customer", customer(), account_id, 5)

    assert save("customer", customer(), account_id, 5) == Saved(older=["cus_q"])
    assert save("customer", customer(name="Another"), account_id, 5) == Saved(older=["cus_q"])
    assert save("customer", customer(balance=1), account_id, 5) == Saved(doubtful=["cus_q"])
    assert save("customer", customer(balance=1), account_id, 4) == Saved(older=["cus_q"])
    assert save("customer", customer(balance=1), account_id, 6) == Saved(applied=["cus_q"])
    assert rows_with_the_mark() == []


def test_others_in_the_same_batch_are_written_as_they_are(account_id):
    tombstone(account_id, "cus_q")
    other = customer(id="cus_other", name="Otto")
    with transaction():
        saved = kinds.save_all("customer", [customer(), other], read(account_id, 1))

    assert saved.applied == ["cus_other", "cus_q"]
    assert raw.unpack(db.session.get_one(Customer, "cus_other").raw) == other
    assert db.session.get_one(Customer, "cus_q").name is None


def test_events_are_kept_without_the_person_and_counted(account_id):
    tombstone(account_id, "cus_q", "pi_1q")
    said = event("customer.updated", customer(), id="evt_q")
    said["data"]["previous_attributes"] = {"email": MARK, "balance": 3}
    said["request"] = {"id": "req_1", "idempotency_key": MARK}
    method = {
        "id": "pm_1q",
        "object": "payment_method",
        "customer": None,
        "billing_details": {"name": MARK},
        "type": "card",
    }
    gone = event("payment_method.detached", method, id="evt_m")
    gone["data"]["previous_attributes"] = {"customer": "cus_q"}
    inbox.take_in(
        [
            of(said),
            of(said),
            of(gone),
            of(event("charge.updated", charge(customer=None, payment_intent="pi_1q"), id="evt_c")),
        ]
    )
    inbox.take_in([of(said)])

    row = db.session.get_one(WebhookEvent, "evt_q", populate_existing=True)
    assert (row.state, row.deliveries, row.customer_id, row.object_id) == ("processed", 3, "cus_q", "cus_q")
    body = raw.unpack(row.body)
    assert body["data"]["previous_attributes"] == {"balance": 3}
    assert body["request"] == {"id": "req_1"}
    assert of(body).thing["balance"] == -500
    # The method names nobody any more, but its event did.
    assert rows_with_the_mark() == []


def test_stripping_twice_changes_nothing_and_no_kind_breaks_on_what_is_left(account_id):
    for kind in KINDS.values():
        obj = {
            "id": "x_1q",
            "object": kind.object,
            "created": 1,
            "metadata": METADATA,
            "customer": {"id": "cus_q", "name": MARK},
        }
        once = stripped(obj)
        assert stripped(once) == once
        assert once["metadata"] == {"counterfoil_refund": METADATA["counterfoil_refund"]}
        kind.door.row(once)
    said = stripped_event(event("customer.updated", customer()))
    assert stripped_event(said) == said


def test_a_name_that_looks_like_an_id_or_a_code_has_no_field_to_hide_in():
    names = ("name", "nickname", "id", "customer", "statement_descriptor", "status_text", "country")
    hidden = {"client_reference_id": "usr_quetzal99", "description": "ch_quetzal1", **dict.fromkeys(names, "quetzal")}

    assert stripped(hidden) == {}


def test_what_stripe_still_knows_is_no_drift_and_an_amount_is(account_id):
    tombstone(account_id, "cus_q")
    save("customer", customer(), account_id)
    door = KINDS["customer"].door

    assert compare("customer", door, [customer()]) == []
    [drift] = compare("customer", door, [customer(balance=9)])
    assert (drift.field, drift.local, drift.remote) == ("balance", -500, 9)
    db.session.rollback()


def test_nothing_else_is_looked_up_while_nobody_was_erased(account_id):
    with transaction():
        db.session.execute(text("ALTER TABLE erased_objects RENAME COLUMN customer_id TO moved"))
        saved = kinds.save_all("customer", [customer()], told(account_id, 1))

    assert saved.applied == ["cus_q"]
    assert db.session.get_one(Customer, "cus_q").name == MARK
