"""Bringing alerts to their receivers: claim one, hand it over with no transaction open, keep what was answered."""

import hashlib
import hmac
import http.client
import logging
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import orjson
from sqlalchemy import and_, or_, select, update

from app import clock
from app.alerts import targets
from app.database import db, transaction
from app.logs import redact
from app.mail import letters, outbox
from app.models.alert import AlertDelivery
from app.settings import Settings

log = logging.getLogger("alerts")

AT_ONCE = 100
NOBODY_SENDS_AFTER = timedelta(minutes=5)
# After the first try, the second, …; after the last it has failed.
PATIENCE = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
_GOOD = range(200, 300)


def deliver_waiting(settings: Settings, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Hand over what is due, oldest first. Returns how many came to an end."""
    done = 0
    for _ in range(AT_ONCE):
        delivery = None if stop() else _claim()
        if delivery is None:
            break
        if _is_hopeless(delivery):
            done += _end(delivery, "failed", "Every try ended without any answer, not even a bad one.")
        else:
            done += _by_mail(delivery) if delivery.rule.channel == "mail" else _by_http(delivery, settings)
    return done


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """As Stripe signs its webhooks: the HMAC-SHA256 of `<seconds>.<body>`."""
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def _claim() -> AlertDelivery | None:
    now = clock.now()
    forsaken = and_(AlertDelivery.state == "sending", AlertDelivery.asked_at < now - NOBODY_SENDS_AFTER)
    due = or_(and_(AlertDelivery.state == "queued", AlertDelivery.not_before <= now), forsaken)
    with transaction():
        oldest = select(AlertDelivery).where(due).order_by(AlertDelivery.not_before, AlertDelivery.id).limit(1)
        found = db.session.scalar(oldest.with_for_update(skip_locked=True, of=AlertDelivery))
        if found is None:
            return None
        found.state, found.asked_at, found.tries = "sending", now, found.tries + 1
    db.session.expunge_all()
    return found


def _is_hopeless(delivery: AlertDelivery) -> bool:
    """Each of its tries ended before an answer could be kept: it brings down whoever takes it, and holds up all others."""
    return delivery.tries > len(PATIENCE) + 1


def _by_mail(delivery: AlertDelivery) -> int:
    letter = letters.write("alert.raised", text=delivery.text, kind=delivery.kind)
    with transaction():
        outbox.post(
            letter,
            to=delivery.rule.target,
            account_id=delivery.account_id,
            by="alerts",
            dedup=f"alert:{delivery.id}",
            about=(delivery.object_type, delivery.object_id),
        )
        _set(delivery.id, state="sent", answer="In the outbox", sent_at=clock.now(), asked_at=None)
    return 1


def _by_http(delivery: AlertDelivery, settings: Settings) -> int:
    body, headers = _message(delivery)
    try:
        status, words = targets.post(delivery.rule.target, body, headers, local=settings.alerts_local)
    except targets.BadTarget as refusal:
        return _end(delivery, "failed", str(refusal))
    except (OSError, http.client.HTTPException) as error:
        return _later(delivery, f"No answer: {error or type(error).__name__}")
    if status in _GOOD:
        return _end(delivery, "sent", f"{status}")
    return _later(delivery, f"{status} {words}")


def _message(delivery: AlertDelivery) -> tuple[bytes, dict[str, str]]:
    headers = {"Content-Type": "application/json", "User-Agent": "Counterfoil"}
    if delivery.rule.channel == "slack":
        return orjson.dumps({"text": _plain(delivery.text)}), headers
    now = clock.to_unix(clock.now())
    body = orjson.dumps(
        {
            "id": str(delivery.id),
            "kind": delivery.kind,
            "object": {"type": delivery.object_type, "id": delivery.object_id},
            "text": delivery.text,
            "raised_at": clock.to_unix(delivery.raised_at),
        }
    )
    return body, headers | {"Counterfoil-Signature": signature(delivery.rule.secret or "", now, body)}


def _plain(text: str) -> str:
    """Slack reads these three as its own marks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _later(delivery: AlertDelivery, answer: str) -> int:
    if delivery.tries > len(PATIENCE):
        return _end(delivery, "failed", answer)
    with transaction():
        again_at = clock.now() + PATIENCE[delivery.tries - 1]
        _set(delivery.id, state="queued", answer=_short(answer), not_before=again_at, asked_at=None)
    return 0


def _end(delivery: AlertDelivery, state: str, answer: str) -> int:
    sent_at = clock.now() if state == "sent" else None
    with transaction():
        _set(delivery.id, state=state, answer=_short(answer), sent_at=sent_at, asked_at=None)
    log.info(f"alert.{state}", extra={"delivery": str(delivery.id)})
    return 1


def _set(delivery_id: UUID, **values: object) -> None:
    db.session.execute(update(AlertDelivery).where(AlertDelivery.id == delivery_id).values(**values))


def _short(text: str) -> str:
    return redact(text.replace("\0", " ").encode("utf-8", "replace").decode())[:300]
