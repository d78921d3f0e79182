"""Which fields the form shows: the table of the rules, written down a second time."""

import pytest

from app.disputes.fields import FIELDS, FILES, TEXTS, fields_of

ALWAYS = {
    "product_description", "customer_name", "customer_email_address", "customer_signature", "billing_address",
    "customer_purchase_ip", "receipt", "customer_communication", "uncategorized_text", "uncategorized_file",
}  # fmt: skip
SHIPPED = {
    "shipping_carrier",
    "shipping_tracking_number",
    "shipping_documentation",
    "shipping_date",
    "shipping_address",
}
DUPLICATE = {"duplicate_charge_id", "duplicate_charge_explanation", "duplicate_charge_documentation"}
CANCELED = {"cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal"}
CREDIT = {"refund_policy", "refund_policy_disclosure", "refund_refusal_explanation"}
SERVED = {"service_date", "service_documentation"}
USED = {"access_activity_log"}
ARRIVED = ("fraudulent", "product_not_received", "product_unacceptable", "unrecognized")
TYPES = ("physical_product", "digital_product_or_service", "offline_service")


@pytest.mark.parametrize(
    ("reason", "product_type", "more"),
    [
        *(("credit_not_processed", kind, CREDIT) for kind in TYPES),
        ("duplicate", "physical_product", DUPLICATE | {"shipping_documentation"}),
        ("duplicate", "digital_product_or_service", DUPLICATE),
        ("duplicate", "offline_service", DUPLICATE | {"service_documentation"}),
        ("subscription_canceled", "physical_product", CANCELED),
        ("subscription_canceled", "digital_product_or_service", CANCELED | USED),
        ("subscription_canceled", "offline_service", CANCELED | SERVED),
        *((reason, "physical_product", SHIPPED) for reason in ARRIVED),
        *((reason, "digital_product_or_service", USED) for reason in ARRIVED),
        *((reason, "offline_service", SERVED) for reason in ARRIVED),
        *((reason, kind, set()) for reason in ("general", "noncompliant", "never_heard_of") for kind in TYPES),
        ("fraudulent", None, set()),
        ("duplicate", None, DUPLICATE),
    ],
)
def test_reason_and_product_type_decide_the_fields(reason: str, product_type: str | None, more: set[str]) -> None:
    assert {field.name for field in fields_of(reason, product_type)} == ALWAYS | more


def test_several_kinds_of_product_show_every_field() -> None:
    assert {field.name for field in fields_of("general", "multiple")} == set(FIELDS)


def test_the_fields_are_those_of_the_api() -> None:
    assert (len(TEXTS), len(FILES)) == (18, 9)
    assert {name for name in TEXTS if FIELDS[name].most == 20_000} == {
        "access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal", "duplicate_charge_explanation",
        "product_description", "refund_policy_disclosure", "refund_refusal_explanation", "uncategorized_text",
    }  # fmt: skip
