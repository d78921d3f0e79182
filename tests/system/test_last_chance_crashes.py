"""A power cut while a draft goes to the bank by itself: the jobs as processes, killed in the middle of the call."""

from datetime import timedelta
from typing import Any

import pytest

from app.database import db
from app.models.audit_log import AuditLog
from app.models.dispute_draft import DisputeSubmission
from tests.desk import staff
from tests.stack import Stack, eventually
from tests.system.shop import Shop
from tests.system.test_dispute_journeys import at_stripe, here, submitted
from tests.system.test_last_chances import due_in, switched_on, written

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("fault", [{"delay_before": 4, "status": 503}, {"delay_during": 4}], ids=["before", "during"])
def test_killed_around_the_call_it_is_filed_once(shop: Shop, stack: Stack, fault: dict[str, Any]) -> None:
    dispute_id = written(shop, staff(shop.app, "dispute_analyst", email="eva@shop.example"))
    switched_on()
    due_in(dispute_id, timedelta(hours=2))
    shop.sandbox.fault("POST", f"/v1/disputes/{dispute_id}", **fault)

    def promised() -> int:
        db.session.rollback()
        return db.session.query(DisputeSubmission).count()

    stack.start_jobs()
    eventually(lambda: promised() == 1, within=60)
    stack.kill("jobs")
    shop.sandbox.heal()
    assert here(dispute_id).status == "needs_response"
    stack.start_jobs()

    def filed() -> bool:
        db.session.rollback()
        return here(dispute_id).status == "under_review"

    eventually(filed, within=90)
    assert at_stripe(shop, dispute_id)["evidence_details"]["submission_count"] == 1
    assert len(submitted(shop)) == 1
    assert promised() == 1
    asked = db.session.query(AuditLog).filter_by(action="evidence.submit.requested", object_id=dispute_id).all()
    assert [entry.actor for entry in asked] == ["submit_last_chances"]
