"""Bringing alerts to their receivers: claim one, hand it over with no transaction open, keep what was answered."""

import hashlib
import hmac
import http.client
import logging
from collections.abc import Callable
from datetime import timedelta

import orjson
from sqlalchemy import and_, or_, select, update

from app import clock
from app.alerts import targets
from app.alerts.targets import Reach
from app.database import db, transaction
from app.logs import redact
from app.mail import letters, outbox
from app.models.alert import AlertDelivery, AlertTry
from app.settings import Settings
from app.web.sealing import BrokenSeal, Seal

log = logging.getLogger("alerts")

AT_ONCE = 100
NOBODY_SENDS_AFTER = timedelta(minutes=5)
# After the first try, the second, …; after the last it has failed.
PATIENCE = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480))
_GOOD = range(200, 300)
_LONGEST_ANSWER = 300


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
            by_mail = delivery.channel.kind == "mail"
            done += _by_mail(delivery, settings) if by_mail else _by_http(delivery, settings)
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


def _by_mail(delivery: AlertDelivery, settings: Settings) -> int:
    link = _link(delivery, settings)
    letter = letters.write("alert.raised", text=delivery.text, kind=delivery.kind, link=link)
    with transaction():
        outbox.post(
            letter,
            to=delivery.channel.shown,
            account_id=delivery.account_id,
            by="alerts",
            dedup=f"alert:{delivery.id}",
            about=(delivery.object_type, delivery.object_id),
        )
        _set(delivery, "In the outbox", state="sent", sent_at=clock.now())
    return 1


def _by_http(delivery: AlertDelivery, settings: Settings) -> int:
    try:
        url, secret = _opened(delivery, settings)
        body, headers = _message(delivery, secret, _link(delivery, settings))
        status, words = targets.post(url, body, headers, reach=Reach.of(settings))
    except (targets.BadTarget, BrokenSeal) as refusal:
        return _end(delivery, "failed", str(refusal))
    except (OSError, http.client.HTTPException) as error:
        return _later(delivery, f"No answer: {error or type(error).__name__}")
    if status in _GOOD:
        return _end(delivery, "sent", f"{status}")
    return _later(delivery, f"{status} {words}")


def _opened(delivery: AlertDelivery, settings: Settings) -> tuple[str, str]:
    """The address and what it is signed with, for as long as this call lasts."""
    channel, seal = delivery.channel, Seal.for_alerts(settings.secret_key)
    url = seal.open(channel.sealed or b"", owner=channel.id).decode()
    return url, seal.open(channel.secret, owner=channel.id).decode() if channel.secret else ""


def _link(delivery: AlertDelivery, settings: Settings) -> str | None:
    return f"{settings.domain}{delivery.path}" if delivery.path else None


def _message(delivery: AlertDelivery, secret: str, link: str | None) -> tuple[bytes, dict[str, str]]:
    headers = {"Content-Type": "application/json", "User-Agent": "Counterfoil"}
    if delivery.channel.kind == "slack":
        return orjson.dumps({"text": _plain(delivery.text) + (f"\n{_plain(link)}" if link else "")}), headers
    now = clock.to_unix(clock.now())
    body = orjson.dumps(
        {
            "id": str(delivery.id),
            "kind": delivery.kind,
            "object": {"type": delivery.object_type, "id": delivery.object_id},
            "text": delivery.text,
            "url": link,
            "raised_at": clock.to_unix(delivery.raised_at),
        }
    )
    return body, headers | {"Counterfoil-Signature": signature(secret, now, body)}


def _plain(text: str) -> str:
    """Slack reads these three as its own marks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _later(delivery: AlertDelivery, answer: str) -> int:
    if delivery.tries > len(PATIENCE):
        return _end(delivery, "failed", answer)
    with transaction():
        again_at = clock.now() + PATIENCE[delivery.tries - 1]
        _set(delivery, answer, state="queued", not_before=again_at)
    return 0


def _end(delivery: AlertDelivery, state: str, answer: str) -> int:
    with transaction():
        _set(delivery, answer, state=state, sent_at=clock.now() if state == "sent" else None)
    log.info(f"alert.{state}", extra={"delivery": str(delivery.id)})
    return 1


def _set(delivery: AlertDelivery, answer: str, **values: object) -> None:
    """Keep what came of this try, beside those before it."""
    said = redact(answer.replace("\0", " ").encode("utf-8", "replace").decode())[:_LONGEST_ANSWER]
    kept = update(AlertDelivery).where(AlertDelivery.id == delivery.id)
    db.session.execute(kept.values(answer=said, asked_at=None, **values))
    db.session.add(AlertTry(delivery_id=delivery.id, at=delivery.asked_at or clock.now(), answer=said))
