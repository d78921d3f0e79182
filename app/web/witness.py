"""What the machinery of the pages has to put on record. The audit trail lies above this floor, so the factory hands it in."""

from typing import Any, Protocol

from flask import Flask, current_app

from app.actor import Actor
from app.database import transaction
from app.web.sessions import current_actor


class Record(Protocol):
    """`app.audit.trail.record`."""

    def __call__(
        self,
        actor: Actor,
        action: str,
        object_type: str,
        object_id: str,
        *,
        after: dict[str, Any] | None = None,
    ) -> object: ...


def init_witness(app: Flask, record: Record) -> None:
    """Say once where what was seen is written down."""
    app.extensions["witness"] = record


def saw(action: str, object_type: str, object_id: str, *, after: dict[str, Any] | None = None) -> None:
    """Put on record, in a transaction of its own, that the person of this request did or saw something."""
    record: Record = current_app.extensions["witness"]
    with transaction():
        record(current_actor(), action, object_type, object_id, after=after)
