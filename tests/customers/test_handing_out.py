"""All of one person in a file: every row that refers to the person, and nothing of anybody else."""

import csv
import hashlib
import io
import json
import zipfile
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from app.actor import Actor
from app.audit import trail
from app.customers.belongings import tables
from app.database import db, transaction
from app.models.audit_log import AuditLog
from app.models.checkout_session import CheckoutSession
from app.models.customer_link import CustomerLink
from app.models.gateway_call import GatewayCall
from app.models.mail import Mail
from tests import factories
from tests.desk import staff
from tests.factories import NOON


def a_person(who: str) -> str:
    """A customer whose rows all say who it is; the customer's id."""
    key, mark = f"cus_{who}", f"{who}@example.com"
    factories.customer(id=key, email=mark, name=f"=Name {who}", raw=factories.packed({"id": key, "email": mark}))
    charge = factories.charge(id=f"ch_{who}", customer_id=key, receipt_email=mark)
    refund = factories.refund(charge, id=f"re_{who}", reason_text=f"Told by {who}")
    dispute = factories.dispute(charge, id=f"dp_{who}", evidence={"customer_name": who})
    factories.balance_transaction(id=f"txn_{who}", source_id=refund.stripe_id)
    factories.payment_method(id=f"pm_{who}", customer_id=key, billing_details={"email": mark})
    factories.mandate(id=f"mandate_{who}", payment_method_id=f"pm_{who}")
    factories.event(id=f"evt_{who}_1", object_id=dispute.id, body=factories.packed({"mail": mark}))
    factories.event(id=f"evt_{who}_2", object_id="txi_1", customer_id=key)
    account_id = charge.account_id
    with transaction():
        db.session.add_all(
            [
                CheckoutSession(
                    id=f"cs_{who}", account_id=account_id, customer_id=key, customer_email=mark, raw=b"", seen_at=NOON,
                    heard_at=NOON, rank=0,
                ),
                Mail(
                    account_id=account_id, kind="receipt.copy", recipient=mark, subject=who, text=who, customer_id=key,
                    asked_by="ana@shop.example", queued_at=NOON, not_before=NOON,
                ),
                GatewayCall(
                    at=NOON, method="POST", path="/v1/refunds", idempotency_key=f"refund:{refund.id}", object_id=charge.id,
                    duration_ms=1, parameters=who,
                ),
                CustomerLink(
                    account_id=account_id, one=f"cus_{who}", other="cus_zz", linked_by="ana@shop.example", linked_at=NOON
                ),
            ]
        )  # fmt: skip
        trail.record(Actor("staff", "ana@shop.example", ip="203.0.113.7"), "refund.requested", "refund", str(refund.id))
    return key


def taken(app: Flask, key: str) -> dict[str, bytes]:
    lead = staff(app, "support_lead", email="ana@shop.example")
    ben = staff(app, "support")
    for about in (f"customer/{key}", f"charge/ch_{key.removeprefix('cus_')}"):
        ben.post(f"/admin/remarks/{about}/note", {"words": f"Note about {key}"})
        ben.post(f"/admin/remarks/{about}/tags", {"tags": "vip"})
        ben.post(f"/admin/remarks/{about}/field", {"name": "level", "value": key})
    answer = lead.client.post(f"/admin/customers/{key}/hand-out", data={"csrf_token": lead.token})
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def test_every_row_of_the_person_is_in_it_and_nothing_of_anybody_else(app: Flask) -> None:
    mona, _ = a_person("mona"), a_person("otto")

    files = taken(app, mona)

    everything = b"".join(files.values()).decode()
    assert "otto" not in everything
    for table in tables():
        marked = f'SELECT count(*) FROM "{table.name}" t WHERE t::text ~ :mark'
        number = db.session.execute(text(marked), {"mark": "mona"}).scalar_one()
        told = len(json.loads(files.get(f"{table.name}.json", b"[]")))
        assert told >= number, f"{table.name}: {told} of {number}"
    assert len(json.loads(files["webhook_events.json"])) == 2
    assert json.loads(files["customers.json"])[0]["raw"] == {"id": mona, "email": "mona@example.com"}
    assert {note["subject_id"] for note in json.loads(files["notes.json"])} == {"cus_mona", "ch_mona"}
    db.session.rollback()


def test_the_manifest_answers_for_every_file(app: Flask) -> None:
    files = taken(app, a_person("mona"))

    manifest = json.loads(files.pop("manifest.json"))

    assert manifest["customer"] == "cus_mona"
    assert {entry["name"] for entry in manifest["files"]} == set(files)
    for entry in manifest["files"]:
        body = files[entry["name"]]
        assert (entry["bytes"], entry["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
        if entry["name"].endswith(".csv"):
            rows: list[Any] = list(csv.reader(io.StringIO(body.decode())))
            assert len(rows) == entry["rows"] + 1


def test_a_name_is_no_formula_and_staff_are_not_named(app: Flask) -> None:
    files = taken(app, a_person("mona"))

    everything = b"".join(files.values()).decode()
    assert "'=Name mona" in files["customers.csv"].decode()
    assert "@shop.example" not in everything
    assert "203.0.113.7" not in everything


def test_it_is_put_on_record_and_only_for_those_who_may(app: Flask) -> None:
    mona = a_person("mona")
    staff(app, "support").post(f"/admin/customers/{mona}/hand-out", expect=403)
    staff(app, "support_lead").post("/admin/customers/cus_nobody/hand-out", expect=404)

    taken(app, mona)

    acts = db.session.query(AuditLog).filter_by(action="customer.exported").all()
    assert [(act.object_id, act.actor) for act in acts] == [("cus_mona", "ana@shop.example")]


@pytest.mark.parametrize("payments", [450])
def test_a_long_history_comes_in_pieces(app: Flask, payments: int) -> None:
    mona = a_person("mona")
    for _ in range(payments):
        factories.charge(customer_id=mona)

    files = taken(app, mona)

    assert len(json.loads(files["charges.json"])) == payments + 1
