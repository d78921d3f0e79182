"""A stolen card from the payment to the resolution, against a real sandbox."""

from uuid import uuid4

from app.database import db
from app.gateways.current import gateway
from app.models.early_fraud_warning import EarlyFraudWarning
from app.refunds.batches import running
from app.risk.fraud_warnings import settle
from tests.desk import staff
from tests.system.shop import Shop

STOLEN = "pm_card_createIssuerFraudRecord"
DESK = "/admin/fraud-warnings/"


def states(shop: Shop) -> dict[str | None, str]:
    """Resolution by payment."""
    shop.catch_up()
    settle()
    db.session.rollback()
    return {one.charge_id: one.state for one in db.session.query(EarlyFraudWarning).populate_existing()}


def test_two_are_refunded_in_a_batch_one_elsewhere_and_one_is_disputed(shop: Shop) -> None:
    first, second, elsewhere, late = (shop.pay(card=STOLEN, known=False) for _ in range(4))
    assert states(shop) == dict.fromkeys((first, second, elsewhere, late), "open")
    lead = staff(shop.app, "support_lead")
    assert all(charge in lead.get(DESK).html for charge in (first, second))

    # What the button of the list leads to: a check, then the start.
    sent = {"promise": str(uuid4()), "payments": f"{first}\n{second}", "reason": "fraudulent", "words": "Stolen card"}
    lead.get(f"/admin/refund-batches/new?reason=fraudulent&charge={first}&charge={second}")
    batch = lead.post("/admin/refund-batches/new", sent).location or ""
    assert "Can be refunded" in lead.get(batch).words
    assert shop.asked() == []
    lead.post(f"{batch}/start")
    running.run(gateway().background)
    shop.sandbox.stripe().v1.refunds.create({"charge": elsewhere})
    shop.sandbox.control("POST", "money/dispute", {"charge": late})

    assert states(shop) == {first: "refunded", second: "refunded", elsewhere: "refunded", late: "disputed"}
    assert [request["params"].get("reason") for request in shop.asked()] == ["fraudulent", "fraudulent", None]
    assert "Nothing matches" in lead.get(DESK).words
