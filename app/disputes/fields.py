"""Which evidence counts for which dispute. Read the tables from the top; each field is one field of Stripe's `evidence`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SHORT, LONG, FILE = "short", "long", "file"
# The API's limits: characters in one long text, and in all texts together.
MOST_IN_ONE = 20_000
MOST_IN_ALL = 150_000
# Short fields have no limit of their own at Stripe; nobody's name is longer, and a pasted page belongs elsewhere.
MOST_IN_SHORT = 5_000

PRODUCT_TYPES: dict[str, str] = {
    "physical_product": "Goods that were sent",
    "digital_product_or_service": "Something digital",
    "offline_service": "A service in person",
    "multiple": "Several of these",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form. kind: SHORT, LONG or FILE. section: a name in SECTIONS.

    hint: what the bank looks for. recommended: a strong answer has it.
    """

    name: str
    label: str
    kind: str
    section: str
    hint: str = ""
    recommended: bool = True

    @property
    def most(self) -> int:
        """Characters this field may hold."""
        return MOST_IN_ONE if self.kind == LONG else MOST_IN_SHORT

    @property
    def is_file(self) -> bool:
        return self.kind == FILE


SECTIONS: dict[str, tuple[str, str]] = {
    "product": ("What was bought", "Say it as you would to somebody who has never heard of the shop."),
    "customer": ("Who bought it", "What ties the card’s owner to this purchase."),
    "shipping": ("Delivery", "Proof that it arrived where the customer wanted it."),
    "access": ("Use", "Proof that the customer got in and used it."),
    "service": ("The service", "When and how it was given."),
    "refund": ("Refund policy", "What you promised, and why no money goes back."),
    "cancellation": ("Cancellation policy", "What you promised, and what the customer did."),
    "duplicate": ("The other payment", "Why these are two payments and not one twice."),
    "rest": ("Anything else", "What no other field has room for."),
}

_FIELDS = (
    Field("product_description", "What was sold", LONG, "product", "Name, what it is, how it was shown in the shop."),
    Field("receipt", "Receipt or invoice", FILE, "product", "What the customer got after paying."),
    Field("customer_name", "Name", SHORT, "customer"),
    Field("customer_email_address", "E-mail address", SHORT, "customer"),
    Field("billing_address", "Billing address", SHORT, "customer"),
    Field("customer_purchase_ip", "IP address at the purchase", SHORT, "customer"),
    Field("customer_communication", "Messages with the customer", FILE, "customer", "Mails or chats; the bank reads the dates."),
    Field("customer_signature", "Signature", FILE, "customer", "If there is one.", recommended=False),
    Field("shipping_carrier", "Carrier", SHORT, "shipping", "Several: separated by commas."),
    Field("shipping_tracking_number", "Tracking number", SHORT, "shipping", "Several: separated by commas."),
    Field("shipping_date", "Sent on", SHORT, "shipping", "As people write it, like 3 March 2026."),
    Field("shipping_address", "Delivery address", SHORT, "shipping", "Best the same as the billing address."),
    Field("shipping_documentation", "Proof of delivery", FILE, "shipping", "Carrier’s page or signature, with the full address."),
    Field("access_activity_log", "Log of use", LONG, "access", "Sign-ins and downloads: times and IP addresses."),
    Field("service_date", "Given on", SHORT, "service", "As people write it, like 3 March 2026."),
    Field("service_documentation", "Proof of the service", FILE, "service", "A signed agreement or work order, or photographs."),
    Field("refund_policy", "Refund policy", FILE, "refund", "As the customer saw it."),
    Field("refund_policy_disclosure", "How the customer saw it", LONG, "refund", "Where it stood before they paid."),
    Field("refund_refusal_explanation", "Why there is no refund", LONG, "refund"),
    Field("cancellation_policy", "Cancellation policy", FILE, "cancellation", "As the customer saw it."),
    Field("cancellation_policy_disclosure", "How the customer saw it", LONG, "cancellation", "Where it stood before they paid."),
    Field("cancellation_rebuttal", "Why it was not canceled", LONG, "cancellation", "When they did, if at all; use after."),
    Field("duplicate_charge_id", "Id of the other payment", SHORT, "duplicate", "The earlier one, like ch_…"),
    Field("duplicate_charge_explanation", "What each was for", LONG, "duplicate"),
    Field("duplicate_charge_documentation", "Receipt of the other payment", FILE, "duplicate"),
    Field("uncategorized_text", "More to say", LONG, "rest", recommended=False),
    Field("uncategorized_file", "Another file", FILE, "rest", recommended=False),
)  # fmt: skip
FIELDS: Mapping[str, Field] = {field.name: field for field in _FIELDS}
TEXTS = tuple(name for name, field in FIELDS.items() if not field.is_file)
FILES = tuple(name for name, field in FIELDS.items() if field.is_file)

ALWAYS = (
    "product_description", "customer_name", "customer_email_address", "customer_signature", "billing_address",
    "customer_purchase_ip", "receipt", "customer_communication", "uncategorized_text", "uncategorized_file",
)  # fmt: skip

_SHIPPED = (
    "shipping_carrier", "shipping_tracking_number", "shipping_documentation", "shipping_date", "shipping_address",
)  # fmt: skip
_SERVED = ("service_date", "service_documentation")
_USED = ("access_activity_log",)

# reason → what it needs whatever was sold.
BY_REASON: dict[str, tuple[str, ...]] = {
    "credit_not_processed": ("refund_policy", "refund_policy_disclosure", "refund_refusal_explanation"),
    "duplicate": ("duplicate_charge_id", "duplicate_charge_explanation", "duplicate_charge_documentation"),
    "subscription_canceled": ("cancellation_policy", "cancellation_policy_disclosure", "cancellation_rebuttal"),
}

_SHOW_IT_ARRIVED: dict[str, tuple[str, ...]] = {
    "physical_product": _SHIPPED,
    "digital_product_or_service": _USED,
    "offline_service": _SERVED,
}
# reason → product type → what it needs on top.
BY_PRODUCT: dict[str, dict[str, tuple[str, ...]]] = {
    "duplicate": {"physical_product": ("shipping_documentation",), "offline_service": ("service_documentation",)},
    "subscription_canceled": {"digital_product_or_service": _USED, "offline_service": _SERVED},
    "fraudulent": _SHOW_IT_ARRIVED,
    "product_not_received": _SHOW_IT_ARRIVED,
    "product_unacceptable": _SHOW_IT_ARRIVED,
    "unrecognized": _SHOW_IT_ARRIVED,
}

# What a strong answer shows, by reason.
ADVICE: dict[str, tuple[str, ...]] = {
    "fraudulent": (
        "That the card’s owner made or knew of the purchase: same address, device, IP address or e-mail as before.",
        "For something digital at least two of: IP address, device, profile, sign-in before, use after, same card earlier.",
    ),
    "unrecognized": ("That the customer knows the shop: messages, an account, earlier payments, the name on the statement.",),
    "product_not_received": (
        "That it arrived: the full address and the carrier’s confirmation, or sign-ins and downloads after the payment.",
    ),
    "product_unacceptable": (
        "That what was sent is what was described: the page of the shop, photographs, the customer’s own words.",
        "That you offered to put it right, and what the customer said.",
    ),
    "credit_not_processed": ("That no refund was due, by the policy the customer saw before paying, or that it was made already.",),
    "duplicate": ("That the two payments are for two things: both receipts and what each was for.",),
    "subscription_canceled": (
        "That it was not canceled, or too late: the policy as the customer saw it, and use after the day they name.",
        "That the customer was told before the renewal.",
    ),
    "noncompliant": ("That the network’s rule was kept, with the document that shows it.",),
}  # fmt: skip
_ANY_ADVICE = ("Short sentences and dates. The bank reads paper: it follows no links and opens no recordings.",)


def fields_of(reason: str, product_type: str | None) -> list[Field]:
    """Exactly the fields that count, in the order of the form. Without a product type those that always count."""
    if product_type == "multiple":
        return list(_FIELDS)
    wanted = {*ALWAYS, *BY_REASON.get(reason, ())}
    if product_type:
        wanted |= set(BY_PRODUCT.get(reason, {}).get(product_type, ()))
    return [field for field in _FIELDS if field.name in wanted]


def sections_of(fields: list[Field]) -> list[dict[str, Any]]:
    """The same by section: [{name, title, lead, fields}]."""
    return [
        {"name": name, "title": title, "lead": lead, "fields": inside}
        for name, (title, lead) in SECTIONS.items()
        if (inside := [field for field in fields if field.section == name])
    ]


def advice_of(reason: str) -> tuple[str, ...]:
    return ADVICE.get(reason, ()) + _ANY_ADVICE
