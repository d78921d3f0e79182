"""What the sandbox knows about every kind of object: where it is listed, what filters it, what can be expanded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FilterType = Literal["text", "bool", "range"]


@dataclass(frozen=True)
class Kind:
    """`path` lists and retrieves (None: no list), `label` is how Stripe names it in 'No such ...'."""

    name: str
    prefixes: tuple[str, ...]
    path: str | None = None
    label: str = ""
    filters: tuple[tuple[str, FilterType], ...] = ()
    required: tuple[str, ...] = ()
    listed: bool = True
    id_param: str = "id"
    search: str | None = None
    children: tuple[tuple[str, str, str], ...] = ()
    """Lists that appear only when expanded: (field, kind, filter that holds this object's id)."""

    @property
    def called(self) -> str:
        return self.label or self.name


def _texts(*names: str) -> tuple[tuple[str, FilterType], ...]:
    return tuple((name, "text") for name in names)


CREATED: tuple[tuple[str, FilterType], ...] = (("created", "range"),)

_ALL = (
    Kind(
        "customer",
        ("cus_",),
        "/v1/customers",
        filters=CREATED + _texts("email", "test_clock"),
        search="customers",
        children=(("subscriptions", "subscription", "customer"),),
    ),
    Kind(
        "payment_method",
        ("pm_",),
        "/v1/payment_methods",
        "PaymentMethod",
        _texts("customer", "type", "allow_redisplay"),
    ),
    Kind(
        "payment_intent",
        ("pi_",),
        "/v1/payment_intents",
        filters=CREATED + _texts("customer"),
        id_param="intent",
        search="payment_intents",
    ),
    Kind(
        "charge",
        ("ch_", "py_"),
        "/v1/charges",
        filters=CREATED + _texts("customer", "payment_intent", "transfer_group"),
        search="charges",
        children=(("refunds", "refund", "charge"),),
    ),
    Kind("refund", ("re_", "pyr_"), "/v1/refunds", filters=CREATED + _texts("charge", "payment_intent")),
    Kind("dispute", ("du_", "dp_"), "/v1/disputes", filters=CREATED + _texts("charge", "payment_intent")),
    Kind(
        "setup_intent",
        ("seti_",),
        "/v1/setup_intents",
        "setupintent",
        (*CREATED, *_texts("customer", "payment_method"), ("attach_to_self", "bool")),
        id_param="intent",
    ),
    Kind(
        "setup_attempt",
        ("setatt_",),
        "/v1/setup_attempts",
        filters=CREATED + _texts("setup_intent"),
        required=("setup_intent",),
    ),
    Kind("mandate", ("mandate_",), "/v1/mandates", listed=False, id_param="mandate"),
    Kind(
        "subscription",
        ("sub_",),
        "/v1/subscriptions",
        filters=(
            *CREATED,
            *_texts("customer", "price", "collection_method", "status", "test_clock"),
            ("current_period_start", "range"),
            ("current_period_end", "range"),
        ),
        search="subscriptions",
    ),
    Kind(
        "subscription_item",
        ("si_",),
        "/v1/subscription_items",
        filters=_texts("subscription"),
        required=("subscription",),
    ),
    Kind(
        "invoice",
        ("in_",),
        "/v1/invoices",
        filters=(*CREATED, *_texts("status", "customer", "subscription", "collection_method"), ("due_date", "range")),
        id_param="invoice",
        search="invoices",
        children=(("payments", "invoice_payment", "invoice"),),
    ),
    Kind("invoiceitem", ("ii_",), "/v1/invoiceitems", filters=CREATED + _texts("customer", "invoice")),
    Kind("line_item", ("il_",), label="invoice line item"),
    Kind("invoice_payment", ("inpay_",), "/v1/invoice_payments", filters=CREATED + _texts("invoice", "status")),
    Kind("credit_note", ("cn_",), "/v1/credit_notes", "credit note", CREATED + _texts("customer", "invoice")),
    Kind("customer_balance_transaction", ("cbtxn_",), label="customer balance transaction", filters=CREATED),
    Kind("discount", ("di_",)),
    Kind("coupon", (), "/v1/coupons", filters=CREATED),
    Kind(
        "promotion_code",
        ("promo_",),
        "/v1/promotion_codes",
        "promotion code",
        (*CREATED, *_texts("code", "customer"), ("active", "bool")),
    ),
    Kind(
        "tax_rate",
        ("txr_",),
        "/v1/tax_rates",
        "tax rate",
        (*CREATED, ("active", "bool"), ("inclusive", "bool")),
    ),
    Kind("event", ("evt_",), "/v1/events", filters=CREATED + _texts("type")),
    Kind(
        "balance_transaction",
        ("txn_",),
        "/v1/balance_transactions",
        "balance transaction",
        CREATED + _texts("type", "currency", "payout", "source"),
    ),
    Kind(
        "payout",
        ("po_",),
        "/v1/payouts",
        filters=(*CREATED, *_texts("status", "destination"), ("arrival_date", "range")),
        id_param="payout",
    ),
    Kind(
        "checkout.session",
        ("cs_",),
        "/v1/checkout/sessions",
        "checkout.session",
        CREATED + _texts("status", "customer", "payment_intent", "subscription", "payment_link"),
        id_param="session",
    ),
    Kind("payment_link", ("plink_",), "/v1/payment_links", filters=(("active", "bool"),), id_param="payment_link"),
    Kind(
        "billing_portal.configuration",
        ("bpc_",),
        "/v1/billing_portal/configurations",
        "configuration",
        (("active", "bool"), ("is_default", "bool")),
        id_param="configuration",
    ),
    Kind("billing_portal.session", ("bps_",)),
    Kind(
        "radar.early_fraud_warning",
        ("issfr_",),
        "/v1/radar/early_fraud_warnings",
        "early fraud warning",
        CREATED + _texts("charge", "payment_intent"),
    ),
    Kind(
        "product",
        ("prod_",),
        "/v1/products",
        filters=(*CREATED, ("active", "bool"), ("shippable", "bool")),
        search="products",
    ),
    Kind(
        "price",
        ("price_",),
        "/v1/prices",
        filters=(*CREATED, *_texts("product", "currency", "type"), ("active", "bool")),
        id_param="price",
        search="prices",
    ),
    Kind("webhook_endpoint", ("we_",), "/v1/webhook_endpoints", "webhook endpoint", id_param="webhook_endpoint"),
    Kind("file", ("file_",), "/v1/files", "file upload", CREATED + _texts("purpose"), id_param="file"),
    Kind("token", ("tok_",), "/v1/tokens", listed=False, id_param="token"),
    Kind(
        "radar.value_list",
        ("rsl_",),
        "/v1/radar/value_lists",
        "value list",
        CREATED + _texts("alias", "contains"),
    ),
    Kind(
        "radar.value_list_item",
        ("rsli_",),
        "/v1/radar/value_list_items",
        "value list item",
        CREATED + _texts("value_list", "value"),
        required=("value_list",),
    ),
    Kind("review", ("prv_",), "/v1/reviews", filters=CREATED),
    Kind("test_helpers.test_clock", ("clock_",), "/v1/test_helpers/test_clocks", "test clock"),
    Kind("file_link", ("link_",), "/v1/file_links", "file link", CREATED + _texts("file"), id_param="link"),
    Kind("account", ("acct_",)),
    Kind("bank_account", ("ba_",)),
    Kind("card", ("card_",)),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
BY_PREFIX: dict[str, Kind] = {prefix: kind for kind in _ALL for prefix in kind.prefixes}
BY_PATH: dict[str, Kind] = {kind.path: kind for kind in _ALL if kind.path}
FACETS: tuple[str, ...] = tuple(sorted({name for kind in _ALL for name, _ in kind.filters} - {"created"}))


def of_id(object_id: str) -> Kind | None:
    """The kind an id belongs to, by its prefix."""
    return BY_PREFIX.get(object_id.partition("_")[0] + "_")


def label(name: str) -> str:
    kind = KINDS.get(name)
    return kind.called if kind else name
