"""Visa's Compelling Evidence 3.0 (RULES B4): two older, undisputed payments with the same card, plainly of the same person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.database import db
from app.disputes.operations import CE3
from app.disputes.prefill import purchase_ip
from app.errors import BadRequest
from app.mirror import raw
from app.models.charge import Charge
from app.models.dispute import Dispute

YOUNGEST, OLDEST = timedelta(days=120), timedelta(days=365)
NEEDED = 2
_LOOKED_AT = 50
FEATURES = {
    "customer_purchase_ip": "IP address",
    "customer_device_fingerprint": "Device fingerprint",
    "customer_device_id": "Device id",
    "customer_email_address": "E-mail address",
    "customer_account_id": "Account",
}
# These two count as one; each must be long enough to be somebody's.
_DEVICES = {"customer_device_fingerprint": 20, "customer_device_id": 15}
ACTIONS = {
    "missing_customer_identifiers": "Too little that is the same in all three payments.",
    "missing_disputed_transaction_description": "Say what was sold.",
    "missing_merchandise_or_services": "Say whether it was goods or services.",
    "missing_prior_undisputed_transaction_description": "Say what was sold in both earlier payments.",
    "missing_prior_undisputed_transactions": "Choose two earlier payments that nobody disputed.",
}


@dataclass(frozen=True, slots=True)
class Prior:
    """An older payment with the same card, and what it shares with the disputed one."""

    charge: Charge
    shared: tuple[str, ...]

    @property
    def is_enough(self) -> bool:
        return is_enough(set(self.shared))


def applies(dispute: Dispute) -> bool:
    """Whether Stripe takes this evidence for this dispute."""
    return dispute.network_reason_code == "10.4" and CE3 in (dispute.enhanced_eligibility_types or [])


def priors(charge: Charge) -> list[Prior]:
    """Undisputed payments 120 to 365 days older with the same card, those that share most first."""
    if not charge.fingerprint or charge.created_at is None:
        return []
    older = (
        select(Charge)
        .where(Charge.fingerprint == charge.fingerprint, Charge.account_id == charge.account_id)
        .where(Charge.paid, ~Charge.disputed)
        .where(Charge.created_at.between(charge.created_at - OLDEST, charge.created_at - YOUNGEST))
        .order_by(Charge.created_at.desc())
        .limit(_LOOKED_AT)
    )
    mine = features(charge)
    found = [Prior(one, _shared(mine, features(one))) for one in db.session.scalars(older)]
    return sorted(found, key=lambda prior: -len(prior.shared))


def features(charge: Charge) -> dict[str, str]:
    """What says who paid, as far as the shop kept it."""
    labels = charge.labels or {}
    billing = charge.billing_details or {}
    found = {
        "customer_purchase_ip": purchase_ip(charge),
        "customer_device_fingerprint": labels.get("device_fingerprint"),
        "customer_device_id": labels.get("device_id"),
        "customer_email_address": billing.get("email") or charge.receipt_email,
        "customer_account_id": charge.customer_id,
    }
    return {name: str(value) for name, value in found.items() if value}


def is_enough(shared: set[str]) -> bool:
    """Two main features, or one and another: IP address and device are main."""
    main = ("customer_purchase_ip" in shared) + bool(shared & set(_DEVICES))
    other = bool(shared & {"customer_email_address", "customer_account_id"})
    return main == NEEDED or (main == 1 and other)


def build(charge: Charge, chosen: list[str], form: Mapping[str, str]) -> dict[str, Any]:
    """`enhanced_evidence` for these two payments.

    Raises:
        BadRequest: not two of them, or a description is missing.
    """
    found = {prior.charge.id: prior.charge for prior in priors(charge) if prior.charge.id in chosen}
    if len(found) != NEEDED:
        raise BadRequest("Choose exactly two earlier payments.")
    kind = form.get("kind", "")
    if kind not in {"merchandise", "services"}:
        raise BadRequest("Say whether it was goods or services.")
    names = ["description", *(f"description_{key}" for key in found)]
    said = {name: " ".join(form.get(name, "").replace("\0", " ").split()) for name in names}
    if not all(said.values()):
        raise BadRequest("Say for all three payments what was sold.")
    disputed = features(charge) | {"product_description": said["description"], "merchandise_or_services": kind}
    earlier = [
        features(one) | {"product_description": said[f"description_{key}"], "charge": key} for key, one in found.items()
    ]
    return {CE3: {"disputed_transaction": disputed, "prior_undisputed_transactions": earlier}}


def verdict(dispute: Dispute) -> tuple[str, list[str]]:
    """What Stripe says of it: its status, and in words what is missing."""
    details = raw.unpack(dispute.raw).get("evidence_details") or {}
    told = (details.get("enhanced_eligibility") or {}).get(CE3) or {}
    return str(told.get("status") or ""), [ACTIONS.get(one, one) for one in told.get("required_actions") or []]


def _shared(mine: dict[str, str], theirs: dict[str, str]) -> tuple[str, ...]:
    return tuple(
        name
        for name, value in mine.items()
        if value.lower() == theirs.get(name, "").lower() and len(value) >= _DEVICES.get(name, 1)
    )
