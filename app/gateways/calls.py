"""What we asked Stripe to change, kept with its answer; without personal data."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

_KEEP = text(
    "INSERT INTO gateway_calls (at, method, path, status, request_id, idempotency_key, object_id, duration_ms, error, parameters) "
    "VALUES (:at, :method, :path, :status, :request_id, :idempotency_key, :object_id, :duration_ms, :error, :parameters)"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One write to Stripe, one attempt. `status` is None when no answer came. `parameters` holds nothing personal."""

    at: datetime
    method: str
    path: str
    status: int | None
    request_id: str | None
    idempotency_key: str
    object_id: str | None
    duration_ms: int
    error: str | None
    parameters: dict[str, str]


class Ledger:
    """Keeps each call in a transaction of its own: it happened, whatever becomes of the caller's."""

    def __init__(self, bind: Callable[[], Engine | Connection]) -> None:
        self._bind = bind

    def keep(self, call: Call) -> None:
        values = {name: getattr(call, name) for name in call.__slots__}
        values["parameters"] = orjson.dumps(call.parameters).decode()
        try:
            with Session(self._bind(), join_transaction_mode="create_savepoint") as session, session.begin():
                session.execute(_KEEP, values)
        except SQLAlchemyError:
            # Stripe has acted. Its answer is worth more than this row, and the log line below tells the same.
            log.exception("gateway.call_not_kept")
        finally:
            extra = {
                name: values[name] for name in ("method", "path", "status", "idempotency_key", "duration_ms", "error")
            }
            log.info("gateway.wrote", extra={**extra, "stripe_request_id": call.request_id})
