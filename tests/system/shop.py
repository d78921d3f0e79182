"""A shop with a real sandbox behind it: payments made through the official SDK, and an agent who refunds them."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from flask import Flask

from app import cli
from app.database import db, transaction
from app.gateways.current import gateway
from app.mirror import accounts, charges
from app.mirror.news import News
from app.models.audit_log import AuditLog
from app.models.refund import Refund
from app.sync import operations
from tests.sandbox.client import Sandbox

REFUNDS = "/v1/refunds"


@dataclass
class Shop:
    """`app` is the product on a database of its own; `sandbox` is its Stripe."""

    app: Flask
    sandbox: Sandbox

    def pay(
        self, amount: int = 5_000, currency: str = "eur", card: str = "pm_card_visa", *, known: bool = True, **more: Any
    ) -> str:
        """A payment, which the mirror knows if it is `known`; its charge id."""
        intent = self.sandbox.stripe().v1.payment_intents.create(
            {
                "amount": amount,
                "currency": currency,
                "payment_method": card,
                "confirm": True,
                "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                **more,
            }
        )
        if known:
            self.sync(str(intent.latest_charge))
        return str(intent.latest_charge)

    def sync(self, charge_id: str) -> None:
        """Read the charge as a sync would."""
        answer = gateway().retrieve(f"/v1/charges/{charge_id}")
        with transaction():
            charges.save_all([answer.body], News.read(answer, accounts.current(livemode=False).id))

    def catch_up(self) -> None:
        """What `flask sync run` does."""
        operations.run(gateway(), livemode=False, take_in=cli.take_in)

    def asked(self) -> list[dict[str, Any]]:
        """Every request for a refund, as the sandbox logged it."""
        return self.sandbox.requests("POST", REFUNDS)

    def keys(self) -> set[str]:
        return {request["idempotency_key"] for request in self.asked()}

    def made(self, charge_id: str | None = None) -> list[dict[str, Any]]:
        """The refunds that exist at Stripe."""
        return [made for made in self.sandbox.objects("refund") if charge_id in {None, made["charge"]}]

    def row(self) -> Refund:
        """The one refund there is here, as the database has it now."""
        db.session.rollback()
        return db.session.query(Refund).populate_existing().one()

    def acts(self) -> list[tuple[str, str]]:
        """(act, actor kind) of everything done to refunds."""
        db.session.rollback()
        found = db.session.query(AuditLog).filter_by(object_type="refund").order_by(AuditLog.id)
        return [(act.action, act.actor_kind) for act in found]


def form(charge_id: str, amount: str, promise: str | None = None) -> dict[str, str]:
    return {
        "charge": charge_id,
        "promise": promise or str(uuid4()),
        "amount": amount,
        "reason": "requested_by_customer",
        "words": "Sent the wrong size",
    }
