"""The audit trail: who did what to what, written in the transaction that does it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from app import clock
from app.actor import Actor
from app.database import db
from app.logs import redact
from app.models.audit_log import AuditLog
from app.money import Money

_LONGEST = 2_000


def record(  # noqa: PLR0913 - an act has that many sides, all but four by name
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    *,
    account_id: int | None = None,
    reason: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditLog:
    """Add one act to the caller's transaction. Call it as the last thing: the chain is locked from here to the commit.

    action: a dotted name that `sentences.py` knows, like `refund.requested`.
    before, after: the fields that changed. Money, instants and ids are written as text; never pass secrets or card data.
    The number and the hash are given by the database; see migration 0002.
    """
    entry = AuditLog(
        at=clock.now(),
        actor_kind=actor.kind,
        actor=_clean(actor.name),
        action=action,
        object_type=object_type,
        object_id=_clean(object_id),
        account_id=account_id,
        reason=_clean(reason) if reason is not None else None,
        before=_plain(before) if before is not None else None,
        after=_plain(after) if after is not None else None,
        ip=actor.ip,
        request_id=actor.request_id,
    )
    db.session.add(entry)
    return entry


def of(object_type: str, object_id: str, *, limit: int = 100) -> list[AuditLog]:
    """What was done to one thing, newest first."""
    return of_any([(object_type, object_id)], limit=limit)


def of_any(things: Sequence[tuple[str, str]], *, limit: int = 100) -> list[AuditLog]:
    """What was done to any of these (type, id), newest first; one question for all of them."""
    about = or_(*(and_(AuditLog.object_type == kind, AuditLog.object_id == key) for kind, key in things))
    return list(db.session.execute(select(AuditLog).where(about).order_by(AuditLog.id.desc()).limit(limit)).scalars())


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    if isinstance(value, Mapping):
        return {_clean(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (Money, UUID, Decimal, str)):
        return _clean(str(value))
    raise TypeError(f"{type(value).__name__} has no place in the audit trail: say it in words")


def _clean(text: str) -> str:
    """Without what PostgreSQL refuses or nobody may read later: NUL, lone surrogates, keys, card numbers."""
    storable = text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
    return redact(storable)[:_LONGEST]
