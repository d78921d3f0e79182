"""Alive, and ready: the first never looks further than this process, the second asks everything work depends on."""

from flask import Blueprint, Flask, jsonify
from flask.typing import ResponseReturnValue

from app.health import checks
from app.web.permissions import PUBLIC, needs

pages = Blueprint("health", __name__)


def init_health(app: Flask) -> None:
    app.register_blueprint(pages)


@pages.get("/health")
@needs(PUBLIC)
def live() -> ResponseReturnValue:
    """200 while this process answers at all: what a supervisor restarts by. No database, no network."""
    return jsonify(status="ok")


@pages.get("/health/ready")
@needs(PUBLIC)
def ready() -> ResponseReturnValue:
    """200 when work can be done, else 503 with the names of what is missing; details are for staff (`flask doctor`).

    jobs: the names of those that are late or failed, for whoever watches from outside: alerts are sent by a job as well.
    """
    missing = [check.name for check in checks.all_checks() if not check.passed]
    jobs = checks.troubled_jobs() if "database" not in missing else {"late": [], "failed": []}
    body = jsonify(status="unavailable" if missing else "ok", missing=missing, jobs=jobs)
    return body, 503 if missing else 200
