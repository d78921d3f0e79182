"""What our own rows say is in the form before anybody types."""

from datetime import timedelta

from flask import Flask

from app.database import db
from app.models.audit_log import AuditLog
from tests import factories
from tests.desk import staff
from tests.factories import NOON


def test_the_form_begins_with_what_is_known_of_the_payment(app: Flask) -> None:
    mona = factories.customer(name="Mona Berg", email="mona@example.com")
    earlier = factories.charge(customer_id=mona.id, fingerprint="fp_1", created_at=NOON - timedelta(days=200))
    charge = factories.charge(
        customer_id=mona.id,
        fingerprint="fp_1",
        description="Oak chair",
        labels={"customer_ip": "203.0.113.7"},
        billing_details={"name": "M. Berg", "address": {"line1": "Storgata 5", "city": "Oslo", "country": "NO"}},
        raw=factories.packed({"shipping": {"name": "Mona Berg", "carrier": "Posten", "tracking_number": "70123"}}),
    )
    dispute = factories.dispute(charge, reason="product_not_received")
    admin, analyst = staff(app, "admin"), staff(app, "dispute_analyst")
    admin.get("/admin/evidence-words/")
    admin.post("/admin/evidence-words/refund", {"words": "Shown above the button that pays."})

    page = analyst.get(f"/admin/disputes/{dispute.id}/evidence")

    for known in ("M. Berg", "mona@example.com", "Storgata 5, Oslo, NO", "203.0.113.7", "Oak chair"):
        assert known in page.html
    assert "5 of 7 recommended fields filled" in page.words
    assert earlier.id not in page.html
    opened = db.session.query(AuditLog).filter_by(action="personal.read", object_id=dispute.id).count()
    assert opened == 1


def test_the_words_of_the_shop_are_in_disputes_they_count_for(app: Flask) -> None:
    dispute = factories.dispute(factories.charge(), reason="credit_not_processed")
    admin = staff(app, "admin")
    admin.get("/admin/evidence-words/")
    admin.post("/admin/evidence-words/refund", {"words": "Shown above the button that pays."})

    page = admin.get(f"/admin/disputes/{dispute.id}/evidence")
    refused = admin.post("/admin/evidence-words/refund", {"words": "x" * 20_001}, expect=400)

    assert "Shown above the button that pays." in page.html
    assert "20,001 characters; 20,000 fit." in refused.words
    admin.post("/admin/evidence-words/nothing", {"words": "x"}, expect=404)
