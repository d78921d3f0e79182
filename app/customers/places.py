"""Where a page of a timeline or of the pairs begins, as a word in an address; signed, so that nobody makes one up."""

from datetime import datetime

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from app.customers.timeline import Happening
from app.errors import BadRequest


def sign(parts: list[str]) -> str:
    return str(URLSafeSerializer(str(current_app.secret_key), salt="customers.place").dumps(parts))


def _signed(token: str) -> list[str] | None:
    """What `sign` made into the token.

    Raises:
        BadRequest: it was changed, or made elsewhere.
    """
    if not token:
        return None
    try:
        first, second = URLSafeSerializer(str(current_app.secret_key), salt="customers.place").loads(token)
    except (BadData, ValueError, TypeError) as error:
        raise BadRequest("This page of the list is no longer valid. Start again from its first page.") from error
    return [str(first), str(second)]


def of_line(line: Happening) -> str:
    return sign([line.at.isoformat(), line.key])


def line_after(token: str) -> tuple[datetime, str] | None:
    parts = _signed(token)
    try:
        return (datetime.fromisoformat(parts[0]), parts[1]) if parts else None
    except ValueError as error:
        raise BadRequest("This page of the list is no longer valid. Start again from its first page.") from error


def pair_after(token: str) -> tuple[str, str] | None:
    parts = _signed(token)
    return (parts[0], parts[1]) if parts else None
