"""Disputes: chargebacks, inquiries, evidence and the money that goes back and forth."""

from typing import Any

import pytest
import stripe

from app.sandbox.resources.evidence import LONG_TEXTS
from tests.sandbox.client import Sandbox
from tests.sandbox.money import all_events, balance, books, charge_of, debit, events, pay, refused


def _disputed(
    client: stripe.StripeClient, method: str = "pm_card_createDispute", amount: int = 4_200
) -> stripe.Dispute:
    intent = pay(client, method, amount)
    return client.v1.disputes.list({"payment_intent": intent.id}).data[0]


def test_a_chargeback_takes_the_money_and_a_fee(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    dispute = _disputed(client)

    assert dispute.id.startswith("du_")
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 4_200)
    assert dispute.is_charge_refundable is False
    assert dispute.payment_method_details is not None
    assert dispute.payment_method_details.card is not None
    assert dispute.payment_method_details.card.case_type == "chargeback"
    assert dispute.network_reason_code == "10.4"
    move = dispute.balance_transactions[0]
    assert (move.amount, move.fee, move.net, move.reporting_category) == (-4_200, 1_500, -5_700, "dispute")
    charge = client.v1.charges.retrieve(str(dispute.charge))
    assert charge.disputed is True
    assert charge.balance_transaction != move.id
    assert dispute.evidence_details.due_by is not None
    assert dispute.evidence_details.due_by % 86_400 == 86_399
    assert balance(client) == books(sandbox) == {"usd": (-5_700, 4_200 - 152)}
    assert events(sandbox) == [
        "payment_intent.created", "charge.succeeded", "charge.dispute.created", "charge.dispute.funds_withdrawn",
        "payment_intent.succeeded",
    ]  # fmt: skip


def test_an_inquiry_moves_no_money(sandbox: Sandbox) -> None:
    client = sandbox.stripe()

    dispute = _disputed(client, "pm_card_createDisputeInquiry")

    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert dispute.balance_transactions == []
    assert dispute.payment_method_details is not None
    assert dispute.payment_method_details.card is not None
    assert dispute.payment_method_details.card.case_type == "inquiry"
    assert balance(client) == {"usd": (0, 4_200 - 152)}
    assert events(sandbox)[2] == "charge.dispute.created"
    assert len(events(sandbox)) == 4


def test_winning_evidence_brings_the_amount_back_but_not_the_fee(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)

    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})

    won = client.v1.disputes.retrieve(dispute.id)
    assert (won.status, won.evidence_details.submission_count) == ("won", 1)
    assert [(move.amount, move.fee, move.reporting_category) for move in won.balance_transactions] == [
        (-4_200, 1_500, "dispute"),
        (4_200, 0, "dispute_reversal"),
    ]
    assert balance(client) == books(sandbox) == {"usd": (-1_500, 4_200 - 152)}
    assert events(sandbox, after=5) == [
        "charge.dispute.updated", "charge.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed",
    ]  # fmt: skip
    assert client.v1.refunds.create({"charge": str(dispute.charge)}).status == "succeeded"


def test_losing_evidence_loses(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)

    lost = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "losing_evidence"}})

    assert lost.status == "lost"
    assert balance(client) == books(sandbox) == {"usd": (-5_700, 4_200 - 152)}
    refund = refused(client.v1.refunds.create, {"charge": str(dispute.charge)})
    assert (refund.code, refund.user_message) == (
        "charge_disputed",
        f"Charge {dispute.charge} has been charged back; cannot issue a refund.",
    )


def test_a_draft_is_kept_and_not_sent(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)

    draft = client.v1.disputes.update(
        dispute.id, {"evidence": {"product_description": "Tea", "customer_name": "Ana"}, "submit": False}
    )
    assert (draft.status, draft.evidence_details.has_evidence) == ("needs_response", True)
    assert (draft.evidence_details.submission_count, draft.evidence_details.submission_method) == (0, "not_submitted")
    more = client.v1.disputes.update(dispute.id, {"evidence": {"customer_name": ""}, "submit": False})

    assert (more.evidence.product_description, more.evidence.customer_name) == ("Tea", None)
    assert events(sandbox, after=5) == ["charge.dispute.updated", "charge.dispute.updated"]


def test_whoever_forgets_submit_false_sends_the_evidence(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)
    client.v1.disputes.update(dispute.id, {"evidence": {"product_description": "Tea"}, "submit": False})

    sent = client.v1.disputes.update(dispute.id, {"metadata": {"by": "ana"}})

    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    late = refused(client.v1.disputes.update, dispute.id, {"evidence": {"product_description": "Coffee"}})
    assert "already been submitted" in str(late.user_message)
    assert client.v1.disputes.retrieve(dispute.id).evidence.product_description == "Tea"


def test_a_note_without_evidence_sends_nothing(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)

    noted = client.v1.disputes.update(dispute.id, {"metadata": {"by": "ana"}})

    assert (noted.status, noted.evidence_details.submission_count) == ("needs_response", 0)


def test_accepting_a_dispute_loses_it_for_good(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)

    closed = client.v1.disputes.close(dispute.id)
    again = refused(client.v1.disputes.close, dispute.id)

    assert closed.status == "lost"
    assert again.user_message == "This dispute is already closed"
    assert events(sandbox, after=5) == ["charge.dispute.closed", "charge.updated"]


def test_an_inquiry_escalates_to_a_chargeback(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client, "pm_card_createDisputeInquiry")

    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}})

    grown = client.v1.disputes.retrieve(dispute.id)
    assert (grown.status, grown.is_charge_refundable) == ("needs_response", False)
    assert [move.net for move in grown.balance_transactions] == [-5_700]
    assert balance(client) == books(sandbox)
    assert events(sandbox)[-2:] == ["charge.dispute.updated", "charge.dispute.funds_withdrawn"]


def test_a_full_refund_ends_an_inquiry(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client, "pm_card_createDisputeInquiry")
    client.v1.refunds.create({"charge": str(dispute.charge), "amount": 200})
    assert client.v1.disputes.retrieve(dispute.id).status == "warning_needs_response"

    client.v1.refunds.create({"charge": str(dispute.charge)})

    assert client.v1.disputes.retrieve(dispute.id).status == "warning_closed"
    assert balance(client) == books(sandbox)


def test_an_open_chargeback_blocks_refunds(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client)).id
    client.v1.refunds.create({"charge": charge, "amount": 500})
    sandbox.control("POST", "money/dispute", {"charge": charge})

    error = refused(client.v1.refunds.create, {"charge": charge, "amount": 100})

    assert error.code == "charge_disputed"
    assert client.v1.disputes.list({"charge": charge}).data[0].amount == 1_500
    assert client.v1.charges.retrieve(charge).amount_refunded == 500


@pytest.mark.parametrize(
    ("method", "status"),
    [("pm_card_createDispute", "lost"), ("pm_card_createDisputeInquiry", "warning_closed")],
)
def test_who_does_not_answer_in_time_is_out(sandbox: Sandbox, method: str, status: str) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client, method)

    sandbox.advance(10 * 86_400)

    late = client.v1.disputes.retrieve(dispute.id)
    assert (late.status, late.evidence_details.past_due) == (status, True)
    assert "charge.dispute.closed" in events(sandbox)


def test_a_charge_can_be_disputed_twice(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_createMultipleDisputes", 4_201)

    disputes = client.v1.disputes.list({"payment_intent": intent.id}).data

    assert sorted(dispute.amount for dispute in disputes) == [2_100, 2_101]
    client.v1.disputes.update(disputes[0].id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert refused(client.v1.refunds.create, {"payment_intent": intent.id}).code == "charge_disputed"


@pytest.mark.parametrize(
    ("evidence", "param"),
    [
        ({"product_description": "x" * 20_001}, "evidence[product_description]"),
        ({"receipt": "file_none"}, "evidence[receipt]"),
        (
            dict.fromkeys(LONG_TEXTS[:7], "x" * 20_000) | {"billing_address": "x" * 10_001},
            "evidence",
        ),
        ({"mood": "angry"}, "mood"),
    ],
)
def test_evidence_that_is_too_much_or_unknown_is_refused(
    sandbox: Sandbox, evidence: dict[str, str], param: str
) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)
    before = client.v1.disputes.retrieve(dispute.id).to_dict()
    params: Any = {"evidence": evidence}

    error = refused(client.v1.disputes.update, dispute.id, params)

    assert (error.http_status, error.param) == (400, param)
    assert client.v1.disputes.retrieve(dispute.id).to_dict() == before
    assert len(events(sandbox)) == 5


def test_evidence_files_are_evidence_and_not_too_big_together(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)
    sandbox.put(*(_file(name, size) for name, size in (("file_a", 3_000_000), ("file_b", 1_800_000), ("file_c", 1))))
    sandbox.put(_file("file_logo", 10, purpose="business_logo"))
    two: Any = {"evidence": {"receipt": "file_a", "refund_policy": "file_b"}, "submit": False}
    three: Any = {"evidence": {"uncategorized_file": "file_c"}, "submit": False}
    twice: Any = {"evidence": {"receipt": "file_a", "refund_policy": "file_a"}, "submit": False}
    logo: Any = {"evidence": {"receipt": "file_logo"}, "submit": False}

    wrong = refused(client.v1.disputes.update, dispute.id, logo)
    doubled = refused(client.v1.disputes.update, dispute.id, twice)
    client.v1.disputes.update(dispute.id, two)
    over = refused(client.v1.disputes.update, dispute.id, three)

    assert wrong.param == "evidence[receipt]"
    assert (doubled.param, over.param) == ("evidence", "evidence")
    kept = client.v1.disputes.retrieve(dispute.id).evidence
    assert (kept.receipt, kept.refund_policy, kept.uncategorized_file) == ("file_a", "file_b", None)


def test_a_lost_dispute_can_be_appealed(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)
    client.v1.disputes.close(dispute.id)

    sandbox.control("POST", "money/decide", {"dispute": dispute.id, "outcome": "appeal"})
    assert client.v1.disputes.retrieve(dispute.id).status == "appeal_needs_response"
    sent = client.v1.disputes.update(dispute.id, {"evidence": {"product_description": "Tea"}})
    assert sent.status == "appeal_under_review"
    sandbox.control("POST", "money/decide", {"dispute": dispute.id, "outcome": "won"})

    won = client.v1.disputes.retrieve(dispute.id)
    assert (won.status, [move.net for move in won.balance_transactions]) == ("won", [-5_700, 4_200])
    assert balance(client) == books(sandbox)


def test_a_prevented_dispute_costs_nothing(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    charge = charge_of(pay(client)).id

    made = sandbox.control("POST", "money/dispute", {"charge": charge, "cause": "prevented"})

    assert (made["status"], made["balance_transactions"]) == ("prevented", [])
    assert events(sandbox, after=3) == ["charge.dispute.created", "charge.dispute.closed"]
    assert client.v1.refunds.create({"charge": charge}).status == "succeeded"


def test_the_bank_decides_when_nobody_convinces_it(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute = _disputed(client)
    client.v1.disputes.update(dispute.id, {"evidence": {"product_description": "Tea"}})

    sandbox.advance(20 * 86_400)
    assert client.v1.disputes.retrieve(dispute.id).status == "under_review"
    sandbox.advance(60 * 86_400)

    assert client.v1.disputes.retrieve(dispute.id).status == "lost"


def test_a_disputed_debit_is_lost_from_the_start(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = debit(client, "AT591904300235473203")
    sandbox.advance(30)

    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0]

    assert (dispute.status, dispute.reason) == ("lost", "debit_not_authorized")
    assert balance(client) == books(sandbox) == {"eur": (-5_750, 4_965)}
    assert [event["type"] for event in all_events(sandbox)][3:] == [
        "charge.succeeded", "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed",
        "payment_intent.succeeded",
    ]  # fmt: skip


def _file(file_id: str, size: int, *, purpose: str = "dispute_evidence") -> dict[str, Any]:
    return {"id": file_id, "object": "file", "created": 1, "purpose": purpose, "size": size, "type": "pdf"}
