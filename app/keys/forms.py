"""What stands in the form of a new key, and what it means."""

from collections.abc import Mapping
from uuid import UUID

from flask import current_app
from werkzeug.datastructures import MultiDict

from app.errors import BadRequest
from app.keys.operations import PER_MINUTE, Wish, clean_name
from app.web.bearer import is_for_keys
from app.web.permissions import FOR_KEYS, Permission, needs_of

ENDS = {"30": "In 30 days", "90": "In 90 days", "365": "In a year", "": "Never, until it is revoked"}
SPEEDS = {str(speed): f"{speed:,} requests a minute" for speed in PER_MINUTE}
USUAL = {"name": "", "scopes": "", "per_minute": "600", "lasts": "365"}


def offered(held: frozenset[Permission]) -> list[Permission]:
    """Scopes that open something, as far as the maker has them: a tick that changes nothing would promise what is not there."""
    routes = (endpoint for endpoint, view in current_app.view_functions.items() if is_for_keys(view))
    opens = {need for endpoint in routes for need in needs_of(current_app, endpoint)} | {Permission.PERSONAL_READ}
    return [permission for permission in Permission if permission in opens & FOR_KEYS & held]


def typed(form: MultiDict[str, str]) -> dict[str, str]:
    """What was sent, as it is kept while somebody proves who they are."""
    return {
        "name": form.get("name", "")[:200],
        "scopes": " ".join(form.getlist("scope"))[:500],
        "per_minute": form.get("per_minute", ""),
        "lasts": form.get("lasts", ""),
    }


def wish_of(said: Mapping[str, str]) -> Wish:
    """
    Raises:
        BadRequest: the form is damaged.
    """
    try:
        lasts = int(said["lasts"]) if said["lasts"] else None
        return Wish(clean_name(said["name"]), tuple(said["scopes"].split()), int(said["per_minute"]), lasts)
    except ValueError as error:
        raise BadRequest("This form is damaged. Open it again.") from error


def promise_of(form: MultiDict[str, str]) -> UUID:
    """
    Raises:
        BadRequest: the form is damaged.
    """
    try:
        return UUID(form.get("promise", ""))
    except ValueError as error:
        raise BadRequest("This form is damaged. Open it again.") from error
