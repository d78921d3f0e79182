"""Rows as a sync would have left them. Each function adds one, in its own transaction; keywords replace single columns."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import orjson
import zstandard

from app import clock
from app.database import db, transaction
from app.models.account import Account
from app.models.act import Act
from app.models.balance_transaction import BalanceTransaction
from app.models.charge import Charge
from app.models.credit_note import CreditNote
from app.models.customer import Customer
from app.models.dispute import Dispute
from app.models.early_fraud_warning import EarlyFraudWarning
from app.models.invoice import Invoice
from app.models.mandate import Mandate
from app.models.payment_intent import PaymentIntent
from app.models.payment_method import PaymentMethod
from app.models.payout import Payout
from app.models.refund import Refund
from app.models.review import Review
from app.models.subscription import Subscription
from app.models.webhook_event import WebhookEvent

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
Row = TypeVar("Row")
_numbers = itertools.count(1)


def account(**columns: Any) -> Account:
    """The account that all rows belong to; made once."""
    known = db.session.query(Account).order_by(Account.id).first()
    if known:
        db.session.rollback()
        return known
    return _added(Account(**{"livemode": False, "stripe_id": "acct_1", "name": "Shop", "created_at": NOON} | columns))


def another_account() -> Account:
    """Somebody else's, whose rows must never show."""
    return _added(Account(livemode=False, stripe_id="acct_other", name="Other", created_at=NOON))


def customer(**columns: Any) -> Customer:
    n = next(_numbers)
    return _added(Customer(**_mirrored("cus", n, {"email": f"jo{n}@example.com", "name": f"Jo {n}"} | columns)))


def charge(**columns: Any) -> Charge:
    """A card payment of 50.00 EUR that succeeded, all of it captured and nothing refunded."""
    amount = columns.get("amount", 5_000)
    plain = {
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "currency": "eur",
        "status": "succeeded",
        "captured": True,
        "paid": True,
        "refunded": False,
        "disputed": False,
        "method_type": "card",
        "brand": "visa",
        "last4": "4242",
        "country": "DE",
    }
    return _added(Charge(**_mirrored("ch", next(_numbers), plain | columns)))


def refund(of: Charge, **columns: Any) -> Refund:
    """A refund made in Stripe, succeeded."""
    n = next(_numbers)
    plain = {
        "amount": 1_000,
        "currency": of.currency,
        "status": "succeeded",
        "balance_transaction_id": f"txn_re_{n:06}",
    }
    values = _mirrored("re", n, plain | columns)
    values["charge_id"] = of.id
    stripe_id = values.pop("id")
    return _added(Refund(**{"stripe_id": stripe_id} | values))


def review(of: Charge, **columns: Any) -> Review:
    """An open review that a rule asked for."""
    plain = {"open": True, "opened_reason": "rule", "charge_id": of.id, "payment_intent_id": of.payment_intent_id}
    return _added(Review(**_mirrored("prv", next(_numbers), plain | columns)))


def fraud_warning(of: Charge, **columns: Any) -> EarlyFraudWarning:
    """One that somebody has to decide about."""
    plain = {"actionable": True, "fraud_type": "made_with_stolen_card", "charge_id": of.id}
    return _added(EarlyFraudWarning(**_mirrored("issfr", next(_numbers), plain | columns)))


def invoice(**columns: Any) -> Invoice:
    """A bill over 50.00 EUR, paid."""
    n, total = next(_numbers), columns.get("total", 5_000)
    plain = {
        "number": f"COUNT-{n:04}",
        "status": "paid",
        "currency": "eur",
        "amount_due": total,
        "amount_paid": total,
        "amount_remaining": 0,
        "subtotal": total,
        "total": total,
    }
    return _added(Invoice(**_mirrored("in", n, plain | columns)))


def credit_note(**columns: Any) -> CreditNote:
    """20.00 EUR taken back after the bill was paid."""
    n = next(_numbers)
    plain = {
        "number": f"COUNT-{n:04}-CN-01",
        "status": "issued",
        "type": "post_payment",
        "currency": "eur",
        "total": 2_000,
        "refund_ids": [],
    }
    return _added(CreditNote(**_mirrored("cn", n, plain | columns)))


def dispute(of: Charge, **columns: Any) -> Dispute:
    """A chargeback of the whole payment that needs a response."""
    plain = {
        "charge_id": of.id,
        "amount": of.amount,
        "currency": of.currency,
        "status": "needs_response",
        "reason": "fraudulent",
        "is_charge_refundable": False,
        "due_at": clock.now() + timedelta(days=9),
    }
    return _added(Dispute(**_mirrored("dp", next(_numbers), plain | columns)))


def balance_transaction(**columns: Any) -> BalanceTransaction:
    plain = {
        "type": "charge",
        "reporting_category": "charge",
        "amount": 5_000,
        "fee": 175,
        "net": 4_825,
        "currency": "eur",
        "status": "available",
    }
    return _added(BalanceTransaction(**_mirrored("txn", next(_numbers), plain | columns)))


def act(**columns: Any) -> Act:
    """A capture that somebody asked for, which Stripe shows no trace of: it waits for a person."""
    n, act_id = next(_numbers), columns.pop("id", uuid4())
    plain = {
        "id": act_id,
        "account_id": columns.get("account_id") or account().id,
        "kind": "payment.capture",
        "lock": f"payment:pi_{n}",
        "object_type": "payment_intent",
        "object_id": f"pi_{n:06}",
        "method": "POST",
        "path": f"/v1/payment_intents/{columns.get('object_id', f'pi_{n:06}')}/capture",
        "form": {"amount_to_capture": 7_000},
        "status": "requested",
        "refusal": "Stripe shows no trace of it, and it is too old to be asked for again without knowing.",
        "reason_text": "The parcel is on its way",
        "requested_by": "ana@shop.example",
        "requested_at": NOON,
        "tries": 3,
    }
    return _added(Act(**plain | columns))


def payment_intent(**columns: Any) -> PaymentIntent:
    """One of 50.00 EUR whose money is held and waits for a capture."""
    plain = {
        "amount": 5_000,
        "amount_capturable": 5_000,
        "amount_received": 0,
        "currency": "eur",
        "status": "requires_capture",
        "capture_method": "manual",
    }
    return _added(PaymentIntent(**_mirrored("pi", next(_numbers), plain | columns)))


def payment_method(**columns: Any) -> PaymentMethod:
    plain = {"type": "card", "brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2031}
    return _added(PaymentMethod(**_mirrored("pm", next(_numbers), plain | columns)))


def mandate(**columns: Any) -> Mandate:
    plain = {"status": "active", "type": "multi_use", "payment_method_type": "sepa_debit"}
    return _added(Mandate(**_mirrored("mandate", next(_numbers), plain | columns)))


def subscription(**columns: Any) -> Subscription:
    """One that goes on, charged by itself."""
    plain = {"status": "active", "collection_method": "charge_automatically", "currency": "eur"}
    return _added(Subscription(**_mirrored("sub", next(_numbers), plain | columns)))


def open_invoice(**columns: Any) -> Invoice:
    """One over 50.00 EUR that Stripe will collect by itself."""
    waits = {"status": "open", "collection_method": "charge_automatically", "amount_paid": 0, "amount_remaining": 5_000}
    return invoice(**waits | columns)


def payout(**columns: Any) -> Payout:
    plain = {"amount": 12_500, "currency": "eur", "status": "paid", "automatic": True}
    return _added(Payout(**_mirrored("po", next(_numbers), plain | columns)))


def event(**columns: Any) -> WebhookEvent:
    n = next(_numbers)
    plain = {
        "id": f"evt_{n:06}",
        "account_id": account().id,
        "type": "charge.succeeded",
        "created_at": NOON,
        "received_at": NOON,
        "body": packed({"id": f"evt_{n:06}"}),
        "source": "webhook",
        "state": "processed",
    }
    return _added(WebhookEvent(**plain | columns))


def packed(value: dict[str, Any]) -> bytes:
    """JSON as the mirror keeps it."""
    return zstandard.compress(orjson.dumps(value))


def _mirrored(prefix: str, n: int, columns: dict[str, Any]) -> dict[str, Any]:
    identity = columns.get("id", f"{prefix}_{n:06}")
    plain = {
        "id": identity,
        "account_id": account().id,
        "created_at": NOON + timedelta(seconds=n),
        "seen_at": NOON,
        "heard_at": NOON,
        "rank": 0,
        "raw": packed({"id": identity}),
    }
    return plain | columns


def _added(row: Row) -> Row:
    with transaction():
        db.session.add(row)
    return row
