"""Every call of a program leaves a row, written after its answer is made and never in its way."""

import logging
import time
from uuid import UUID

from flask import Flask, Response, g, request
from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError

from app import clock, logs
from app.database import db, drop_session, transaction
from app.models.api_call import ApiCall
from app.web import buckets
from app.web.accounts import current_account_id
from app.web.problems import for_programs
from app.web.requests import started

log = logging.getLogger(__name__)

# Calls without a key that works cost their sender nothing. More of them in a minute, all together, are in the logs only.
STRANGERS_PER_MINUTE = 60
_STRANGERS = "api_strangers"


def init_api_log(app: Flask) -> None:
    app.after_request(_keep)


def _keep(response: Response) -> Response:
    if not for_programs():
        return response
    try:
        with transaction():
            # A crash may lose the last moments of the log; no program waits for the disk because of it.
            db.session.execute(text("SET LOCAL synchronous_commit = off"))
            key: UUID | None = g.get("asked_with")
            if key or buckets.take(_STRANGERS, per_minute=STRANGERS_PER_MINUTE, burst=STRANGERS_PER_MINUTE) is not None:
                _write(key, response.status_code)
    except SQLAlchemyError:
        # The answer stands, whether it can be noted or not.
        log.warning("api_log.lost", exc_info=True)
        drop_session()
    return response


def _write(key: UUID | None, status: int) -> None:
    if account_id := current_account_id():
        db.session.execute(
            insert(ApiCall).values(
                at=clock.now(),
                account_id=account_id,
                key_id=key,
                method=request.method[:10],
                route=request.url_rule.rule if request.url_rule else None,
                status=status,
                duration_ms=round((time.perf_counter() - started()) * 1000),
                request_id=logs.request_id.get() or "",
            )
        )
