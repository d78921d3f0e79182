"""The finer rules of disputes: Visa's Compelling Evidence 3.0, compliance fees, appeals, Smart Disputes."""

from typing import Any

import stripe

from tests.sandbox.client import Sandbox
from tests.sandbox.money import balance, books, charge_of, events, pay, refused
from tests.sandbox.sdk_types import misfits

DAY = 86_400
CUSTOMER: Any = {
    "customer_purchase_ip": "203.0.113.7",
    "customer_device_id": "device-0123456789",
    "product_description": "Tea",
}


def eligible(sandbox: Sandbox, *, days: int = 200) -> tuple[str, list[str]]:
    """A dispute that Visa's rule may apply to, and two earlier payments with the same card."""
    client = sandbox.stripe()
    earlier = [charge_of(pay(client)).id for _ in range(2)]
    sandbox.advance(days * DAY)
    charge = charge_of(pay(client)).id
    made = sandbox.control("POST", "money/dispute", {"charge": charge, "cause": "visa_ce3"})
    return made["id"], earlier


def told(client: stripe.StripeClient, dispute: str) -> tuple[str, list[str]]:
    found = client.v1.disputes.retrieve(dispute).evidence_details.enhanced_eligibility.visa_compelling_evidence_3
    assert found is not None
    return found.status, list(found.required_actions)


def stage(client: stripe.StripeClient, dispute: str, *, submit: bool = False, **ce3: Any) -> stripe.Dispute:
    evidence: Any = {"enhanced_evidence": {"visa_compelling_evidence_3": ce3}}
    return client.v1.disputes.update(dispute, {"evidence": evidence, "submit": submit})


def test_the_dispute_says_what_visas_rule_still_needs(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute, earlier = eligible(sandbox)

    at_first = told(client, dispute)
    stage(client, dispute, disputed_transaction={**CUSTOMER, "merchandise_or_services": "merchandise"})
    half_way = told(client, dispute)
    stage(client, dispute, prior_undisputed_transactions=[{"charge": one, **CUSTOMER} for one in earlier])

    assert at_first == (
        "requires_action",
        [
            "missing_customer_identifiers",
            "missing_disputed_transaction_description",
            "missing_merchandise_or_services",
            "missing_prior_undisputed_transactions",
            "missing_prior_undisputed_transaction_description",
        ],
    )
    assert half_way == (
        "requires_action",
        [
            "missing_customer_identifiers",
            "missing_prior_undisputed_transactions",
            "missing_prior_undisputed_transaction_description",
        ],
    )
    assert told(client, dispute) == ("qualified", [])
    assert client.v1.disputes.retrieve(dispute).status == "needs_response"


def test_evidence_that_qualifies_wins(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute, earlier = eligible(sandbox)
    stage(client, dispute, disputed_transaction={**CUSTOMER, "merchandise_or_services": "merchandise"})

    sent = stage(
        client, dispute, submit=True, prior_undisputed_transactions=[{"charge": one, **CUSTOMER} for one in earlier]
    )
    sandbox.advance(80 * DAY)

    assert sent.status == "under_review"
    assert client.v1.disputes.retrieve(dispute).status == "won"
    assert balance(client) == books(sandbox)


def test_two_features_of_one_device_are_not_enough(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute, earlier = eligible(sandbox)
    device: Any = {
        "customer_device_id": "device-0123456789",
        "customer_device_fingerprint": "fingerprint-0123456789",
        "product_description": "Tea",
    }

    stage(
        client,
        dispute,
        disputed_transaction={**device, "merchandise_or_services": "services"},
        prior_undisputed_transactions=[{"charge": one, **device} for one in earlier],
    )

    assert told(client, dispute) == ("requires_action", ["missing_customer_identifiers"])


def test_payments_of_last_month_do_not_count(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute, earlier = eligible(sandbox, days=30)

    stage(
        client,
        dispute,
        disputed_transaction={**CUSTOMER, "merchandise_or_services": "merchandise"},
        prior_undisputed_transactions=[{"charge": one, **CUSTOMER} for one in earlier],
    )

    status, missing = told(client, dispute)
    assert (status, "missing_prior_undisputed_transactions" in missing) == ("requires_action", True)


def test_only_an_eligible_dispute_takes_enhanced_evidence(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_createDispute")
    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0]

    error = refused(stage, client, dispute.id, disputed_transaction=CUSTOMER)

    assert error.param == "evidence[enhanced_evidence][visa_compelling_evidence_3]"
    assert client.v1.disputes.retrieve(dispute.id).evidence_details.submission_count == 0


def test_a_compliance_case_is_answered_by_who_agrees_to_the_fee(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_createComplianceDispute", 90_000)
    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    words: Any = {"uncategorized_text": "winning_evidence"}
    assert dispute.enhanced_eligibility_types == ["visa_compliance"]
    before = balance(client)

    silent = refused(client.v1.disputes.update, dispute.id, {"evidence": words})
    assert silent.param == "evidence[enhanced_evidence][visa_compliance][fee_acknowledged]"
    assert balance(client) == before
    agreed: Any = {"product_description": "Tea", "enhanced_evidence": {"visa_compliance": {"fee_acknowledged": True}}}
    sent = client.v1.disputes.update(dispute.id, {"evidence": agreed})

    assert sent.status == "under_review"
    assert sent.evidence_details.enhanced_eligibility.visa_compliance is not None
    assert sent.evidence_details.enhanced_eligibility.visa_compliance.status == "fee_acknowledged"
    assert balance(client)["usd"][0] == before["usd"][0] - 50_000
    sandbox.control("POST", "money/decide", {"dispute": dispute.id, "outcome": "won"})
    assert balance(client)["usd"][0] == before["usd"][0] + 90_000
    assert balance(client) == books(sandbox)


def test_an_appeal_is_sent_with_its_own_words(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_createDispute", 4_200)
    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0].id
    reason: Any = {"appeal": {"card": {"reason_for_filing": "The parcel was signed for."}}}
    too_early = refused(client.v1.disputes.update, dispute, {"evidence": reason})
    client.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "losing_evidence"}})
    sandbox.control("POST", "money/decide", {"dispute": dispute, "outcome": "appeal"})

    noted = client.v1.disputes.update(dispute, {"metadata": {"by": "ana"}})
    assert (too_early.param, noted.status) == ("evidence[appeal]", "appeal_needs_response")
    sent = client.v1.disputes.update(dispute, {"evidence": reason})

    assert (sent.status, sent.evidence_details.submission_count) == ("appeal_under_review", 2)
    assert sent.evidence.appeal is not None
    assert sent.evidence.appeal.card is not None
    assert sent.evidence.appeal.card.reason_for_filing == "The parcel was signed for."
    sandbox.advance(80 * DAY)
    assert client.v1.disputes.retrieve(dispute).status == "lost"
    assert events(sandbox).count("charge.dispute.closed") == 2


def test_smart_disputes_answer_for_who_forgot(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    intent = pay(client, "pm_card_createDispute")
    dispute = client.v1.disputes.list({"payment_intent": intent.id}).data[0].id
    client.v1.disputes.update(dispute, {"intended_submission_method": "prefer_smart_disputes", "submit": False})

    sandbox.advance(10 * DAY)

    found = client.v1.disputes.retrieve(dispute)
    assert (found.status, found.evidence_details.submission_method) == ("under_review", "smart_disputes")


def test_disputes_of_every_sort_fit_the_types_of_the_sdk(sandbox: Sandbox) -> None:
    client = sandbox.stripe()
    dispute, earlier = eligible(sandbox)
    stage(
        client,
        dispute,
        disputed_transaction={**CUSTOMER, "shipping_address": {"line1": "Rua 1", "city": "Porto"}},
        prior_undisputed_transactions=[{"charge": one, **CUSTOMER} for one in earlier],
    )
    for cause in ("compliance", "mastercard_compliance", "prevented", "inquiry"):
        charge = charge_of(pay(client)).id
        sandbox.control("POST", "money/dispute", {"charge": charge, "cause": cause})

    wrong = {line for one in sandbox.objects("dispute") for line in misfits(one, stripe.Dispute)}

    assert wrong == set()
