"""Disputes lived through against a real sandbox, from the queue to the end."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from pypdf import PdfReader
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.acts import recovery
from app.acts.registry import kinds
from app.approvals import policies
from app.database import db
from app.gateways.current import gateway
from app.models.act import Act
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft, DisputeFile, DisputeSubmission
from tests.desk import Desk, Page, read, staff
from tests.disputes.papers import pdf, picture
from tests.system.shop import Shop
from tests.system.shop import form as refund_form

Json = dict[str, Any]
CHARGEBACK, INQUIRY = "pm_card_createDispute", "pm_card_createDisputeInquiry"
DAY = 86_400


def disputed(shop: Shop, card: str = CHARGEBACK, amount: int = 5_000, **more: Any) -> str:
    """A disputed payment, known here; the dispute's id."""
    shop.pay(amount, card=card, known=False, **more)
    shop.catch_up()
    return str(shop.sandbox.objects("dispute")[-1]["id"])


def form(page: Page) -> dict[str, str]:
    """The hidden fields of the form of this page, as a browser would send them back."""
    return next(found for found in page.forms if "number" in found)


def write(desk: Desk, dispute_id: str, texts: Json, *, expect: int = 303) -> Page:
    page = desk.get(f"/admin/disputes/{dispute_id}/evidence")
    sent = {"number": form(page)["number"], "product_type": "physical_product", **texts}
    return desk.post(f"/admin/disputes/{dispute_id}/evidence", sent, expect=expect)


def send(desk: Desk, dispute_id: str, *, expect: int = 303, **more: str) -> Page:
    page = desk.get(f"/admin/disputes/{dispute_id}/submit")
    hidden = form(page)
    sent = {"promise": hidden["promise"], "number": hidden["number"], "sure": "yes", **more}
    return desk.post(f"/admin/disputes/{dispute_id}/submit", sent, expect=expect)


def submitted(shop: Shop) -> list[Json]:
    """Every submit=true that reached Stripe, by key."""
    asked = [one for one in shop.sandbox.requests("POST") if one["path"].startswith("/v1/disputes/du_")]
    return list({one["idempotency_key"]: one for one in asked if one["params"].get("submit") == "true"}.values())


def drafted(shop: Shop) -> list[Json]:
    asked = [one for one in shop.sandbox.requests("POST") if one["path"].startswith("/v1/disputes/du_")]
    return [one for one in asked if one["params"].get("submit") == "false"]


def at_stripe(shop: Shop, dispute_id: str) -> Json:
    return next(one for one in shop.sandbox.objects("dispute") if one["id"] == dispute_id)


def here(dispute_id: str) -> Dispute:
    db.session.rollback()
    return db.session.get_one(Dispute, dispute_id, populate_existing=True)


def test_won(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst", email="ana@shop.example")
    assert dispute_id in ana.get("/admin/disputes/").html

    write(ana, dispute_id, {"uncategorized_text": "winning_evidence", "customer_name": "Mona Berg"})
    assert at_stripe(shop, dispute_id)["evidence_details"]["submission_count"] == 0
    assert at_stripe(shop, dispute_id)["evidence"]["customer_name"] == "Mona Berg"
    send(ana, dispute_id)

    assert here(dispute_id).status == "won"
    page = ana.get(f"/admin/disputes/{dispute_id}")
    assert "Won." in page.words
    assert "ana@shop.example submitted the evidence" in page.words
    assert (len(drafted(shop)), len(submitted(shop))) == (1, 1)
    assert "Read only." in ana.get(f"/admin/disputes/{dispute_id}/evidence").words


def test_lost(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")

    write(ana, dispute_id, {"uncategorized_text": "losing_evidence"})
    send(ana, dispute_id)

    assert here(dispute_id).status == "lost"
    assert "Lost." in ana.get(f"/admin/disputes/{dispute_id}").words


def test_accepted(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst", email="ana@shop.example")
    page = ana.get(f"/admin/disputes/{dispute_id}/accept")
    assert "50.00 EUR" in page.words
    assert "Dispute fee 20.00 EUR" in page.words or "Dispute fee 15.00" in page.words
    assert "This is for good." in page.words
    promise = next(found for found in page.forms if "promise" in found)["promise"]

    refused = ana.post(f"/admin/disputes/{dispute_id}/accept", {"promise": promise, "words": " "}, expect=400)
    assert "Write a sentence on why this is accepted." in refused.words
    assert here(dispute_id).status == "needs_response"
    ana.post(f"/admin/disputes/{dispute_id}/accept", {"promise": promise, "words": "The parcel was lost."})

    page = ana.get(f"/admin/disputes/{dispute_id}")
    assert here(dispute_id).status == at_stripe(shop, dispute_id)["status"] == "lost"
    assert f"ana@shop.example accepted {dispute_id}, giving up 50.00 EUR" in page.words
    assert "The parcel was lost." in page.words


def test_an_inquiry_is_closed_by_a_refund(shop: Shop) -> None:
    dispute_id, lead = disputed(shop, INQUIRY), staff(shop.app, "support_lead")
    page = lead.get(f"/admin/disputes/{dispute_id}")
    assert "An inquiry: the bank asks, and no money has moved." in page.words
    charge_id = here(dispute_id).charge_id
    assert f"/admin/refunds/new?charge={charge_id}" in page.links
    assert dispute_id not in lead.get("/admin/disputes/?status=chargeback").html
    assert dispute_id in lead.get("/admin/disputes/?status=inquiry").html

    refused = lead.get(f"/admin/disputes/{dispute_id}/accept")

    assert "An inquiry is not accepted" in refused.words
    lead.post("/admin/refunds/new", refund_form(str(charge_id), "50.00"))
    shop.catch_up()
    assert (here(dispute_id).status, here(dispute_id).deducted) == ("warning_closed", None)


def test_an_inquiry_that_escalates_is_answered_once_more(shop: Shop) -> None:
    dispute_id, ana = disputed(shop, INQUIRY), staff(shop.app, "dispute_analyst")

    write(ana, dispute_id, {"uncategorized_text": "escalate_inquiry_evidence"})
    send(ana, dispute_id)
    shop.catch_up()
    assert here(dispute_id).status == "needs_response"
    write(ana, dispute_id, {"uncategorized_text": "winning_evidence"})
    send(ana, dispute_id)

    assert here(dispute_id).status == "won"
    assert len(submitted(shop)) == 2
    rounds = [one.round for one in db.session.query(DisputeSubmission).order_by(DisputeSubmission.id)]
    assert rounds == ["inquiry", "chargeback"]


def test_an_appeal_is_written_and_sent(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    write(ana, dispute_id, {"uncategorized_text": "losing_evidence"})
    send(ana, dispute_id)
    shop.sandbox.control("POST", "money/decide", {"dispute": dispute_id, "outcome": "appeal"})
    shop.catch_up()
    assert dispute_id in ana.get("/admin/disputes/").html

    page = ana.get(f"/admin/disputes/{dispute_id}/evidence")
    assert "Why the network should look again" in page.words
    ana.post(f"/admin/disputes/{dispute_id}/evidence", {"number": form(page)["number"], "appeal": "winning_evidence"})
    send(ana, dispute_id)

    assert submitted(shop)[-1]["params"]["evidence"] == {"appeal": {"card": {"reason_for_filing": "winning_evidence"}}}
    assert here(dispute_id).status == "won"


def test_a_deadline_that_passed_takes_nothing_more(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    shop.sandbox.advance(9 * DAY)
    shop.catch_up()

    page = ana.get(f"/admin/disputes/{dispute_id}/evidence")
    kept = ana.post(
        f"/admin/disputes/{dispute_id}/evidence",
        {"number": "0", "customer_name": "Mona", "product_type": ""},
        expect=422,
    )

    assert here(dispute_id).status == "lost"
    assert "This dispute is closed." in page.words
    assert "This dispute is closed." in kept.words
    assert [draft.texts for draft in db.session.query(DisputeDraft)] == [{"customer_name": "Mona"}]
    assert submitted(shop) == drafted(shop) == []


def test_a_compliance_case_needs_a_tick_by_a_role_that_may(shop: Shop) -> None:
    dispute_id = disputed(shop, "pm_card_createComplianceDispute")
    ana, finn = staff(shop.app, "dispute_analyst"), staff(shop.app, "finance")
    write(ana, dispute_id, {"uncategorized_text": "winning_evidence"})

    assert "Your role may not agree to this fee." in ana.get(f"/admin/disputes/{dispute_id}/submit").words
    send(ana, dispute_id, expect=400, fee="yes")
    send(finn, dispute_id, expect=400)
    assert submitted(shop) == []
    send(finn, dispute_id, fee="yes")

    [asked] = submitted(shop)
    assert asked["params"]["evidence"]["enhanced_evidence"] == {"visa_compliance": {"fee_acknowledged": "true"}}
    assert here(dispute_id).status == "won"


def test_files_go_to_stripe_and_into_the_evidence(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    page = ana.get(f"/admin/disputes/{dispute_id}/evidence")
    upload = {
        "file_receipt": (io.BytesIO(pdf(2)), "receipt.pdf"),
        "file_customer_signature": (io.BytesIO(b"x"), "s.png"),
    }
    sent = {"number": form(page)["number"], "product_type": "", "customer_name": "Mona", **upload}

    refused = ana.post(f"/admin/disputes/{dispute_id}/evidence", sent, expect=400)
    assert "this file is none of them" in refused.words
    write(ana, dispute_id, {"customer_name": "Mona Berg"})

    [file] = shop.sandbox.objects("file")
    assert (file["purpose"], file["type"], file["filename"]) == ("dispute_evidence", "pdf", "receipt.pdf")
    assert at_stripe(shop, dispute_id)["evidence"]["receipt"] == file["id"]
    [kept] = db.session.query(DisputeFile).all()
    assert (kept.stripe_id, kept.pages) == (file["id"], 2)
    keys = {one["idempotency_key"] for one in shop.sandbox.requests("POST", "/v1/files")}
    assert keys == {f"file:{kept.id}"}
    got = ana.client.get(f"/admin/disputes/{dispute_id}/files/receipt")
    assert (got.mimetype, got.data[:5]) == ("application/pdf", b"%PDF-")
    ana.post(f"/admin/disputes/{dispute_id}/files/receipt/remove")
    write(ana, dispute_id, {"customer_name": "Mona Berg"})
    assert at_stripe(shop, dispute_id)["evidence"]["receipt"] is None


def test_while_stripe_is_away_text_and_file_are_kept_and_follow_later(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    shop.sandbox.fault("POST", "/v1/*", status=503, times=40)
    page = ana.get(f"/admin/disputes/{dispute_id}/evidence")
    sent = {
        "number": form(page)["number"],
        "product_type": "",
        "customer_name": "Mona",
        "file_receipt": (io.BytesIO(picture()), "r.png"),
    }

    ana.post(f"/admin/disputes/{dispute_id}/evidence", sent)

    assert "Stripe has not confirmed its copy yet." in ana.get(f"/admin/disputes/{dispute_id}/evidence").words
    shop.sandbox.control("DELETE", "faults")
    recovery.recover(gateway(), kinds())
    write(ana, dispute_id, {"customer_name": "Mona Berg"})
    evidence = at_stripe(shop, dispute_id)["evidence"]
    assert evidence["customer_name"] == "Mona Berg"
    assert evidence["receipt"] == shop.sandbox.objects("file")[0]["id"]


def test_visa_evidence_that_qualifies_wins(shop: Shop) -> None:
    client = shop.sandbox.stripe()
    customer = client.v1.customers.create({"name": "Mona Berg"})
    charges = []
    for _ in range(3):
        more = {"customer": customer.id, "metadata": {"customer_ip": "203.0.113.7"}, "description": "Oak chair"}
        charges.append(shop.pay(known=False, **more))
        shop.sandbox.advance(130 * DAY)
    shop.sandbox.control("POST", "money/dispute", {"charge": charges[2], "cause": "visa_ce3"})
    shop.catch_up()
    dispute_id, ana = str(shop.sandbox.objects("dispute")[0]["id"]), staff(shop.app, "dispute_analyst")
    path = f"/admin/disputes/{dispute_id}/visa"
    page = ana.get(path)
    assert f"prior_{charges[0]}" in page.ids
    sent = {"kind": "merchandise", "description": "Oak chair", "prior": charges[:2]}

    refused = ana.post(path, sent, expect=400)
    assert "Say for all three payments what was sold." in refused.words
    ana.post(path, sent | {f"description_{one}": "Oak chair" for one in charges[:2]})
    here(dispute_id)
    assert "Qualified." in ana.get(path).words
    send(ana, dispute_id)
    shop.sandbox.advance(80 * DAY)
    shop.catch_up()

    assert here(dispute_id).status == "won"
    told = submitted(shop)[0]["params"]["evidence"]["enhanced_evidence"]["visa_compelling_evidence_3"]
    assert {one["charge"] for one in told["prior_undisputed_transactions"]} == set(charges[:2])


def test_the_preview_is_one_pdf_of_all_of_it(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    files = {"file_receipt": (io.BytesIO(pdf(2)), "r.pdf"), "file_customer_signature": (io.BytesIO(picture()), "s.png")}
    write(ana, dispute_id, {"customer_name": "Mona Berg", **files})

    page = ana.get(f"/admin/disputes/{dispute_id}/submit")
    got = ana.client.get(f"/admin/disputes/{dispute_id}/packet.pdf")

    assert "4 pages, " in page.words
    reader = PdfReader(io.BytesIO(got.data))
    assert len(reader.pages) == 4
    assert "Mona Berg" in reader.pages[0].extract_text()


def test_with_four_eyes_accepting_waits_for_another_person(shop: Shop) -> None:
    dispute_id = disputed(shop)
    ana, lead, admin = staff(shop.app, "dispute_analyst"), staff(shop.app, "support_lead"), staff(shop.app, "admin")
    policies.set_policy(
        "dispute.accept",
        is_on=True,
        thresholds={},
        needed=1,
        ask_roles=[],
        approve_roles=[],
        expires_after_days=3,
        actor=Actor("staff", admin.email),
    )
    promise = next(f for f in ana.get(f"/admin/disputes/{dispute_id}/accept").forms if "promise" in f)["promise"]

    asked = ana.post(f"/admin/disputes/{dispute_id}/accept", {"promise": promise, "words": "The parcel was lost."})
    assert here(dispute_id).status == "needs_response"
    lead.get(asked.location or "")
    lead.post(f"{asked.location}/approve", {"words": "Seen."})

    assert here(dispute_id).status == at_stripe(shop, dispute_id)["status"] == "lost"


def poster(desk: Desk, path: str, sent: Json) -> Callable[[], Page]:
    client = desk.client.application.test_client()
    for name in ("counterfoil_session", "counterfoil_form"):
        cookie = desk.client.get_cookie(name)
        assert cookie is not None
        client.set_cookie(name, cookie.value)
    return lambda: read(client.post(path, data={"csrf_token": desk.token, **sent}))


def test_two_who_press_submit_at_once_send_it_once_and_the_second_learns_who_was_first(shop: Shop) -> None:
    dispute_id = disputed(shop)
    ana = staff(shop.app, "dispute_analyst", email="ana@shop.example")
    ben = staff(shop.app, "dispute_analyst", email="ben@shop.example")
    write(ana, dispute_id, {"customer_name": "Mona Berg"})
    number = form(ana.get(f"/admin/disputes/{dispute_id}/submit"))["number"]
    path = f"/admin/disputes/{dispute_id}/submit"
    gate = Barrier(8)

    def press(n: int) -> Page:
        post = poster((ana, ben)[n % 2], path, {"promise": str(uuid4()), "number": number, "sure": "yes"})
        gate.wait()
        return post()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(press, range(8)))

    assert sorted(page.status for page in answers) == [303] + [409] * 7
    assert len(submitted(shop)) == 1
    assert at_stripe(shop, dispute_id)["evidence_details"]["submission_count"] == 1
    [row] = db.session.query(DisputeSubmission).all()
    late = ben.post(path, {"promise": str(uuid4()), "number": number, "sure": "yes"}, expect=409)
    assert f"{row.submitted_by} submitted the evidence on " in late.words


def test_an_older_draft_is_not_sent_and_its_text_is_kept(shop: Shop) -> None:
    dispute_id = disputed(shop)
    ana, ben = staff(shop.app, "dispute_analyst"), staff(shop.app, "dispute_analyst", email="ben@shop.example")
    write(ana, dispute_id, {"customer_name": "Mona"})
    old = form(ana.get(f"/admin/disputes/{dispute_id}/submit"))
    begun = form(ben.get(f"/admin/disputes/{dispute_id}/evidence"))
    write(ben, dispute_id, {"customer_name": "Mona Berg"})

    sent = {"promise": old["promise"], "number": old["number"], "sure": "yes"}
    page = ana.post(f"/admin/disputes/{dispute_id}/submit", sent, expect=409)
    assert "ben@shop.example saved this evidence on" in page.words
    assert submitted(shop) == []
    send(ana, dispute_id)
    late = {"number": begun["number"], "product_type": "", "customer_name": "Mona Berg of Oslo"}
    page = ben.post(f"/admin/disputes/{dispute_id}/evidence", late, expect=409)

    assert "submitted the evidence on" in page.words
    assert "Mona Berg of Oslo" in ben.get(f"/admin/disputes/{dispute_id}/texts").words
    assert [one["params"]["evidence"]["customer_name"] for one in submitted(shop)] == ["Mona Berg"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_the_submission_is_looked_up(shop: Shop, when: str) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    write(ana, dispute_id, {"customer_name": "Mona Berg"})
    shop.sandbox.fault("POST", f"/v1/disputes/{dispute_id}", when=when, reset=True, times=20)
    send(ana, dispute_id)
    assert "On its way to Stripe." in ana.get(f"/admin/disputes/{dispute_id}").words
    shop.sandbox.control("DELETE", "faults")

    assert recovery.recover(gateway(), kinds()) == 1

    assert len(submitted(shop)) == 1
    assert at_stripe(shop, dispute_id)["evidence_details"]["submission_count"] == 1
    assert here(dispute_id).status == "under_review"
    assert db.session.scalar(select(Act.status).where(Act.kind == "evidence.submit")) == "done"


def test_what_stripe_refuses_may_be_sent_again(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    write(ana, dispute_id, {"customer_name": "Mona Berg"})
    words = {"error": {"type": "invalid_request_error", "message": "Not like this."}}
    shop.sandbox.fault("POST", f"/v1/disputes/{dispute_id}", status=400, body=words, times=1)

    page = send(ana, dispute_id, expect=422)

    assert "Stripe did not take it: Not like this." in page.words
    assert db.session.query(DisputeSubmission).count() == 0
    send(ana, dispute_id)
    assert here(dispute_id).status == "under_review"


def test_the_password_is_asked_for_again_before_it_is_sent(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    write(ana, dispute_id, {"customer_name": "Mona Berg"})

    with time_machine.travel(clock.now() + timedelta(minutes=15)):
        page = send(ana, dispute_id)

    assert (page.location or "").startswith("/login/again")
    assert submitted(shop) == []


def test_the_receipt_is_attached_with_one_click_and_by_the_same_rules(shop: Shop) -> None:
    dispute_id, ana = disputed(shop), staff(shop.app, "dispute_analyst")
    page = ana.get(f"/admin/disputes/{dispute_id}/evidence")
    assert "Attach it" in page.words
    sent: Json = {"number": form(page)["number"], "product_type": "", "attach": "receipt"}
    full: Json = {"file_refund_policy": (io.BytesIO(pdf(49)), "policy.pdf")}

    refused = ana.post(f"/admin/disputes/{dispute_id}/evidence", sent | full, expect=400)
    assert "have 50 pages; banks take fewer than 50" in refused.words
    ana.post(f"/admin/disputes/{dispute_id}/files/refund_policy/remove")
    number = form(ana.get(f"/admin/disputes/{dispute_id}/evidence"))["number"]
    ana.post(f"/admin/disputes/{dispute_id}/evidence", sent | {"number": number, "customer_name": "Mona"})

    [file] = shop.sandbox.objects("file")
    assert at_stripe(shop, dispute_id)["evidence"]["receipt"] == file["id"]
    got = ana.client.get(f"/admin/disputes/{dispute_id}/files/receipt")
    assert "50.00 EUR" in PdfReader(io.BytesIO(got.data)).pages[0].extract_text()
    page = ana.get(f"/admin/disputes/{dispute_id}/evidence")
    assert f"receipt-{here(dispute_id).charge_id}.pdf" in page.words
    assert "Attach it" not in page.words


def test_what_was_prevented_is_no_loss(shop: Shop) -> None:
    charge = shop.pay(known=False)
    shop.sandbox.control("POST", "money/dispute", {"charge": charge, "cause": "prevented"})
    shop.catch_up()
    dispute_id, ana = str(shop.sandbox.objects("dispute")[0]["id"]), staff(shop.app, "dispute_analyst")

    page = ana.get(f"/admin/disputes/{dispute_id}")

    assert "Rapid resolution" in page.words
    assert (here(dispute_id).is_settled_early, here(dispute_id).closed_at) == (True, here(dispute_id).created_at)
