"""Enhanced evidence: Visa Compelling Evidence 3.0, and the compliance cases that cost a fee to answer.

Visa's rule (docs.stripe.com/disputes/api/visa-ce3): two undisputed payments with the same card, 120 to 365 days before
this one, that share two main features with it, or one main and one other. Main: IP address; device fingerprint (20 signs
at least) or device id (15). Other: delivery address, email, account id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.sandbox.errors import StripeError, invalid, no_such
from app.sandbox.params import Obj, allow, boolean, choice, hash_of, list_of, text
from app.sandbox.resources import ledger
from app.sandbox.resources.currencies import settle
from app.sandbox.resources.shapes import ADDRESS
from app.sandbox.tx import Tx

DAY = 86_400
CE3 = "visa_compelling_evidence_3"
COMPLIANCE = ("visa_compliance", "mastercard_compliance")
NETWORK_FEE = 50_000
FEATURES = (
    "customer_account_id", "customer_device_fingerprint", "customer_device_id", "customer_email_address",
    "customer_purchase_ip",
)  # fmt: skip


def begin(types: list[str]) -> Obj:
    """`evidence_details.enhanced_eligibility` of a new dispute."""
    found: Obj = {}
    for name in types:
        if name == CE3:
            found[name] = {"required_actions": _missing_of({}), "status": "requires_action"}
        else:
            found[name] = {"status": "requires_fee_acknowledgement"}
    return found


def merged(tx: Tx, dispute: Obj, old: Obj, given: Mapping[str, Any]) -> Obj:
    """`evidence.enhanced_evidence` after this request. What a dispute is not eligible for is refused."""
    allow(given, CE3, *COMPLIANCE)
    after = dict(old)
    for name, value in given.items():
        if name not in dispute["enhanced_eligibility_types"]:
            raise invalid(f"This dispute is not eligible for {name}.", param=f"evidence[enhanced_evidence][{name}]")
        if value == "":
            after.pop(name, None)
        elif name == CE3:
            after[name] = _ce3(tx, hash_of(given, name), after.get(name) or {})
        else:
            after[name] = {"fee_acknowledged": boolean(hash_of(given, name), "fee_acknowledged") is True}
    return after


def judge(tx: Tx, dispute: Obj, charge: Obj) -> None:
    """Say in `enhanced_eligibility` what is still missing."""
    told = dispute["evidence_details"]["enhanced_eligibility"]
    enhanced = dispute["evidence"]["enhanced_evidence"]
    for name in told:
        if name == CE3:
            missing = _missing_of(enhanced.get(name) or {}, _counting(tx, enhanced.get(name) or {}, charge))
            told[name] = {"required_actions": missing, "status": "requires_action" if missing else "qualified"}
        else:
            agreed = (enhanced.get(name) or {}).get("fee_acknowledged")
            told[name] = {"status": "fee_acknowledged" if agreed else "requires_fee_acknowledgement"}


def check_submission(dispute: Obj) -> None:
    """A compliance case may be answered only by who agrees to pay for it."""
    for name in COMPLIANCE:
        told = dispute["evidence_details"]["enhanced_eligibility"].get(name)
        if told and told["status"] != "fee_acknowledged":
            raise StripeError(
                f"To counter this dispute you must acknowledge the network's fee: set {name}[fee_acknowledged] to true.",
                param=f"evidence[enhanced_evidence][{name}][fee_acknowledged]",
                code="dispute_fee_not_acknowledged",
            )


def is_convincing(dispute: Obj) -> bool:
    """Evidence that qualifies shifts the liability: the bank cannot but give in."""
    told = dispute["evidence_details"]["enhanced_eligibility"].get(CE3)
    return bool(told and told["status"] == "qualified")


def pay_fee(tx: Tx, dispute: Obj) -> None:
    _move_fee(tx, dispute, -1)


def return_fee(tx: Tx, dispute: Obj) -> None:
    _move_fee(tx, dispute, 1)


def _move_fee(tx: Tx, dispute: Obj, sign: int) -> None:
    if not any(name in dispute["evidence_details"]["enhanced_eligibility"] for name in COMPLIANCE):
        return
    home = settle(dispute["amount"], dispute["currency"]).currency
    text_ = "Network fee for countering a compliance dispute"
    ledger.post(
        tx,
        type="stripe_fee",
        category="fee",
        source=dispute["id"],
        amount=sign * NETWORK_FEE,
        currency=home,
        description=text_ if sign < 0 else f"{text_}, returned",
    )


def _ce3(tx: Tx, given: Mapping[str, Any], old: Obj) -> Obj:
    allow(given, "disputed_transaction", "prior_undisputed_transactions")
    after: Obj = {"disputed_transaction": None, "prior_undisputed_transactions": [], **old}
    if "disputed_transaction" in given:
        told = hash_of(given, "disputed_transaction")
        kinds = ("merchandise", "services")
        after["disputed_transaction"] = {
            **(after["disputed_transaction"] or {**_payment({}), "merchandise_or_services": None}),
            **_payment(told, old=after["disputed_transaction"]),
            **({"merchandise_or_services": choice(told, "merchandise_or_services", kinds)} if told else {}),
        }
    if "prior_undisputed_transactions" in given:
        priors = [one for one in list_of(given, "prior_undisputed_transactions") if isinstance(one, Mapping)]
        after["prior_undisputed_transactions"] = [{"charge": _charge(tx, one), **_payment(one)} for one in priors]
    return after


def _payment(told: Mapping[str, Any], old: Obj | None = None) -> Obj:
    allow(told, *FEATURES, "product_description", "shipping_address", "merchandise_or_services", "charge")
    known: Obj = dict.fromkeys((*FEATURES, "product_description", "shipping_address")) | dict(old or {})
    for name in (*FEATURES, "product_description"):
        if name in told:
            known[name] = text(told, name)
    if "shipping_address" in told:
        place = hash_of(told, "shipping_address")
        known["shipping_address"] = {name: place.get(name) or None for name in ADDRESS} if place else None
    return known


def _charge(tx: Tx, told: Mapping[str, Any]) -> str:
    param = "evidence[enhanced_evidence][visa_compelling_evidence_3][prior_undisputed_transactions][0][charge]"
    charge_id = text(told, "charge") or ""
    if tx.get("charge", charge_id) is None:
        raise no_such("charge", charge_id, param=param, status=400)
    return charge_id


def _counting(tx: Tx, told: Obj, charge: Obj) -> list[Obj]:
    """The earlier payments that Visa would count."""
    card = (charge["payment_method_details"].get("card") or {}).get("fingerprint")
    found = []
    for prior in told.get("prior_undisputed_transactions") or []:
        earlier = tx.get("charge", prior["charge"])
        if earlier is None or not earlier["paid"] or earlier["disputed"]:
            continue
        same = (earlier["payment_method_details"].get("card") or {}).get("fingerprint") == card
        if same and 120 * DAY <= charge["created"] - earlier["created"] <= 365 * DAY:
            found.append(prior)
    return found


def _missing_of(told: Obj, counting: list[Obj] | None = None) -> list[str]:
    disputed, priors = told.get("disputed_transaction") or {}, counting or []
    missing = []
    if len(priors) < 2 or not _share_enough([disputed, *priors]):
        missing.append("missing_customer_identifiers")
    if not disputed.get("product_description"):
        missing.append("missing_disputed_transaction_description")
    if not disputed.get("merchandise_or_services"):
        missing.append("missing_merchandise_or_services")
    if len(priors) < 2:
        missing.append("missing_prior_undisputed_transactions")
    if not all(prior["product_description"] for prior in priors) or not priors:
        missing.append("missing_prior_undisputed_transaction_description")
    return missing


def _share_enough(payments: list[Obj]) -> bool:
    device = _same(payments, "customer_device_fingerprint", 20) or _same(payments, "customer_device_id", 15)
    main = _same(payments, "customer_purchase_ip") + device
    other = sum(_same(payments, name) for name in ("customer_email_address", "customer_account_id"))
    other += _same_place(payments)
    return main == 2 or (main == 1 and other >= 1)


def _same(payments: list[Obj], name: str, least: int = 1) -> bool:
    values = {str(payment.get(name) or "").strip().lower() for payment in payments}
    return len(values) == 1 and len(values.pop()) >= least


def _same_place(payments: list[Obj]) -> bool:
    places = [payment.get("shipping_address") for payment in payments]
    full = all(place and all(place[name] for name in ADDRESS if name != "line2") for place in places)
    return full and all(place == places[0] for place in places)
