"""The attempts of one intent: charges, and tries that never became one because the customer or the bank broke off before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import zstandard
from sqlalchemy import select

from app.database import db
from app.mirror.fields import part
from app.models.charge import Charge
from app.models.payment_intent import PaymentIntent
from app.models.webhook_event import WebhookEvent

_AT_MOST = 50
_LARGEST_BODY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt. charge: None when it never became one. why: the code and Stripe's words, as far as there are any."""

    at: datetime | None
    charge: Charge | None
    code: str | None
    why: str | None


def of(intent: PaymentIntent, charges: Sequence[Charge]) -> list[Try]:
    """Oldest first."""
    made = [Try(one.created_at, one, one.decline_code or one.failure_code, one.failure_message) for one in charges]
    return sorted(made + _without_charge(intent), key=lambda one: (one.at is None, one.at))


def _without_charge(intent: PaymentIntent) -> list[Try]:
    failed = (
        select(WebhookEvent)
        .where(
            WebhookEvent.object_id == intent.id,
            WebhookEvent.account_id == intent.account_id,
            WebhookEvent.type == "payment_intent.payment_failed",
        )
        .order_by(WebhookEvent.created_at.desc())
        .limit(_AT_MOST)
    )
    found = [(event.created_at, _problem(event)) for event in db.session.scalars(failed)]
    return [
        Try(at, None, problem.get("decline_code") or problem.get("code"), problem.get("message"))
        for at, problem in found
        if problem and not problem.get("charge")
    ]


def _problem(event: WebhookEvent) -> dict[str, Any]:
    """The error the event tells of; nothing where its body cannot be read."""
    try:
        body = zstandard.ZstdDecompressor().decompress(event.body, max_output_size=_LARGEST_BODY)
        return part(orjson.loads(body), "data", "object", "last_payment_error")
    except (zstandard.ZstdError, orjson.JSONDecodeError):
        return {}
