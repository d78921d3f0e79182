"""Evidence against a dispute: which fields there are, and how much they may hold.

Text limits are those of the API reference; files are checked for purpose and combined size (kind and pages: at upload).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import invalid, no_such
from app.sandbox.params import Obj, allow, hash_of, list_of, text
from app.sandbox.resources import compelling_evidence
from app.sandbox.tx import Tx

LONG_TEXTS = (
    "access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal", "duplicate_charge_explanation",
    "product_description", "refund_policy_disclosure", "refund_refusal_explanation", "uncategorized_text",
)  # fmt: skip
SHORT_TEXTS = (
    "billing_address", "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_id",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
)  # fmt: skip
FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation", "receipt",
    "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip

MOST_TEXT = 150_000
MOST_PER_TEXT = 20_000
MOST_BYTES = 4_800_000


def blank_evidence() -> Obj:
    return {
        "appeal": None,
        **dict.fromkeys(sorted((*LONG_TEXTS, *SHORT_TEXTS, *FILES))),
        "enhanced_evidence": {},
    }


def merged(tx: Tx, dispute: Obj, given: Mapping[str, Any]) -> Obj:
    """The evidence after this request; "" empties a field. Raises when a file is no evidence or all is too much."""
    allow(given, *LONG_TEXTS, *SHORT_TEXTS, *FILES, "enhanced_evidence", "appeal")
    after = dict(dispute["evidence"])
    for name, value in given.items():
        if name == "enhanced_evidence":
            after[name] = compelling_evidence.merged(tx, dispute, after[name], value or {})
            continue
        if name == "appeal":
            after[name] = _appeal(tx, dispute, given)
            continue
        if name in FILES and value:
            _check_file(tx, name, value)
        elif name in LONG_TEXTS and len(value) > MOST_PER_TEXT:
            raise invalid(
                f"Invalid string: {value[:20]}...; must be at most {MOST_PER_TEXT} characters",
                param=f"evidence[{name}]",
            )
        after[name] = value or None
    _check_total(tx, after)
    return after


def says_something(evidence: Obj) -> bool:
    return any(evidence.values())


def verdict(dispute: Obj) -> str | None:
    """Test mode reads the free text, or an appeal's reason: winning_evidence, losing_evidence, escalate_inquiry_evidence."""
    words = dispute["evidence"]["uncategorized_text"]
    if dispute["status"].startswith("appeal_"):
        words = ((dispute["evidence"]["appeal"] or {}).get("card") or {}).get("reason_for_filing")
    return words if words in ("winning_evidence", "losing_evidence", "escalate_inquiry_evidence") else None


def _appeal(tx: Tx, dispute: Obj, given: Mapping[str, Any]) -> Obj | None:
    """Why the network should look again; only a dispute that may be appealed takes it."""
    if dispute["status"] != "appeal_needs_response":
        raise invalid("This dispute cannot be appealed now.", param="evidence[appeal]")
    told = hash_of(hash_of(given, "appeal"), "card")
    if not told:
        return None
    allow(told, "reason_for_filing", "supporting_files")
    files = [str(one) for one in list_of(told, "supporting_files")]
    for one in files:
        _check_file(tx, "appeal][card][supporting_files", one)
    return {"card": {"reason_for_filing": text(told, "reason_for_filing"), "supporting_files": files or None}}


def _check_file(tx: Tx, name: str, value: Any) -> None:
    param = f"evidence[{name}]"
    found = tx.get("file", value) if isinstance(value, str) else None
    if found is None:
        raise no_such("file upload", str(value), param=param, status=400)
    if found["purpose"] != "dispute_evidence":
        raise invalid(
            f"The file {value} was uploaded for {found['purpose']}, but must have the purpose dispute_evidence.",
            param=param,
        )


def _check_total(tx: Tx, evidence: Obj) -> None:
    letters = sum(len(evidence[name] or "") for name in (*LONG_TEXTS, *SHORT_TEXTS))
    if letters > MOST_TEXT:
        raise invalid(
            f"The combined length of all evidence text must be at most {MOST_TEXT} characters.", param="evidence"
        )
    files = [tx.get("file", evidence[name]) for name in FILES if evidence[name]]
    size = sum(found["size"] for found in files if found)
    if size > MOST_BYTES:
        raise invalid("The combined size of all evidence files is too large for this dispute.", param="evidence")
