"""What our own rows can say for the evidence: filled in before anybody types, marked as such, and changed freely."""

from datetime import UTC

from sqlalchemy import or_, select

from app.database import db
from app.disputes.fields import TEXTS
from app.mirror import raw
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.dispute import Dispute
from app.models.evidence_policy import EvidencePolicy
from app.models.invoice import InvoiceLine, InvoicePayment
from app.models.payment_intent import PaymentIntent

# Under these names shops keep the address a purchase came from.
_IP_NAMES = ("customer_purchase_ip", "purchase_ip", "customer_ip", "ip_address", "ip")
_EARLIER = 20


def suggestions(dispute: Dispute) -> dict[str, str]:
    """Texts by field; only those that there is something for. What Stripe already holds wins."""
    charge = db.session.get(Charge, dispute.charge_id) if dispute.charge_id else None
    found: dict[str, str | None] = dict(_policies(dispute))
    if charge:
        found |= _of_charge(charge)
        found["product_description"] = _product(charge) or found.get("product_description")
        found["access_activity_log"] = _log_of(charge)
    stored = dispute.evidence or {}
    found |= {name: stored[name] for name in TEXTS if stored.get(name)}
    return {name: text for name, text in found.items() if text}


def address_of(place: dict[str, object] | None) -> str:
    """An address in one line, as Stripe's parts have it."""
    named = ("line1", "line2", "postal_code", "city", "state", "country")
    return ", ".join(str(place[name]) for name in named if place and place.get(name))


def purchase_ip(charge: Charge) -> str | None:
    """Where the purchase came from, if the shop kept it with the payment."""
    labels = charge.labels or {}
    return next((str(labels[name]) for name in _IP_NAMES if labels.get(name)), None)


def _of_charge(charge: Charge) -> dict[str, str | None]:
    customer = db.session.get(Customer, charge.customer_id) if charge.customer_id else None
    billing = charge.billing_details or {}
    shipping = raw.unpack(charge.raw).get("shipping") or {}
    place = address_of(shipping.get("address"))
    return {
        "customer_name": billing.get("name") or (customer.name if customer else None),
        "customer_email_address": billing.get("email")
        or charge.receipt_email
        or (customer.email if customer else None),
        "billing_address": address_of(billing.get("address")),
        "customer_purchase_ip": purchase_ip(charge),
        "shipping_address": ", ".join(part for part in (shipping.get("name"), place) if part) if place else None,
        "shipping_carrier": shipping.get("carrier"),
        "shipping_tracking_number": shipping.get("tracking_number"),
        "service_date": _service_date(charge),
    }


def _lines_of(charge: Charge) -> list[InvoiceLine]:
    paid = select(InvoicePayment.invoice_id).where(
        or_(InvoicePayment.payment_intent_id == charge.payment_intent_id, InvoicePayment.charge_id == charge.id)
        if charge.payment_intent_id
        else InvoicePayment.charge_id == charge.id
    )
    lines = select(InvoiceLine).where(InvoiceLine.invoice_id.in_(paid)).order_by(InvoiceLine.id).limit(_EARLIER)
    return list(db.session.scalars(lines))


def _product(charge: Charge) -> str | None:
    """The lines of the invoice, else what the payment was called."""
    if said := [line.description for line in _lines_of(charge) if line.description]:
        return "\n".join(said)
    intent = db.session.get(PaymentIntent, charge.payment_intent_id) if charge.payment_intent_id else None
    return charge.description or (intent.description if intent else None)


def _service_date(charge: Charge) -> str | None:
    """The period that the invoice was for."""
    starts = [line.period_started_at for line in _lines_of(charge) if line.period_started_at]
    ends = [line.period_ends_at for line in _lines_of(charge) if line.period_ends_at]
    if not starts or not ends:
        return None
    first, last = f"{min(starts):%-d %B %Y}", f"{max(ends):%-d %B %Y}"
    return first if first == last else f"{first} to {last}"


def _log_of(charge: Charge) -> str | None:
    """Earlier payments of this customer that nobody disputed: they used the shop, and knew it."""
    if not charge.customer_id or charge.created_at is None:
        return None
    earlier = (
        select(Charge)
        .where(Charge.customer_id == charge.customer_id, Charge.account_id == charge.account_id, Charge.paid)
        .where(Charge.created_at < charge.created_at, ~Charge.disputed)
        .order_by(Charge.created_at.desc())
        .limit(_EARLIER)
    )
    lines = [_told(one, same_card=one.fingerprint == charge.fingerprint) for one in db.session.scalars(earlier)]
    return "\n".join(["Earlier payments of this customer, none of them disputed:", *lines]) if lines else None


def _told(charge: Charge, *, same_card: bool) -> str:
    at = charge.created_at.astimezone(UTC) if charge.created_at else None
    card = ", same card" if same_card and charge.fingerprint else ""
    ip = f", from {purchase_ip(charge)}" if purchase_ip(charge) else ""
    return f"{at:%-d %b %Y, %H:%M} UTC: {charge.total} paid{card}{ip}"


def _policies(dispute: Dispute) -> dict[str, str]:
    """The shop's own words, from the settings."""
    names = {
        "refund": "refund_policy_disclosure",
        "cancellation": "cancellation_policy_disclosure",
        "product": "product_description",
    }
    kept = db.session.scalars(select(EvidencePolicy).where(EvidencePolicy.account_id == dispute.account_id))
    return {names[policy.kind]: policy.words for policy in kept}
