"""From what the trail, a mail or an act says it is about, to the page of that thing."""

from flask import current_app, url_for

from app.web.admin import may
from app.web.permissions import Permission

# Kind of thing → (its page, what opens it). A kind that is not here has no page.
_PAGES = {
    "charge": ("charges.details", Permission.CHARGE_READ),
    "payment_intent": ("payments.details", Permission.CHARGE_READ),
    "refund": ("refunds.details", Permission.REFUND_READ),
    "credit_note": ("credit_notes.details", Permission.REFUND_READ),
    "dispute": ("disputes.details", Permission.DISPUTE_READ),
    "review": ("reviews.details", Permission.RISK_READ),
    "fraud_warning": ("fraud_warnings.details", Permission.RISK_READ),
    "customer": ("customers.details", Permission.CUSTOMER_READ),
    "payout": ("payouts.details", Permission.PAYOUT_READ),
    "act": ("acts.details", Permission.ACT_READ),
    "invoice": ("invoices.details", Permission.CUSTOMER_READ),
    "subscription": ("subscriptions.details", Permission.CUSTOMER_READ),
}


def page_of(kind: str | None, key: str | None) -> str | None:
    """The address of the page; None where there is none, or where this person may not open it."""
    endpoint, permission = _PAGES.get(kind or "", ("", None))
    if not key or permission is None or not may(permission) or endpoint not in current_app.view_functions:
        return None
    return url_for(endpoint, key=key)
