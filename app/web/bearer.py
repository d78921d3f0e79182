"""Programs come in with `Authorization: Bearer cf_…`: no cookie, no form token, and never more than the key's owner may."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, NoReturn
from uuid import UUID

from flask import Flask, Response, current_app, g, request
from sqlalchemy import func, select, text, update

from app import clock
from app.database import db, transaction
from app.models.account import Account
from app.models.api_key import ApiKey
from app.models.role_policy import RolePermission
from app.models.staff import Staff
from app.settings import Settings
from app.web import accounts, buckets
from app.web.key_format import WORD, WrittenKey, read_key
from app.web.permissions import FOR_KEYS, Access, Need, Permission, granted
from app.web.problems import KeyInAddress, MissingScope, NoKey, TooFast
from app.web.sealing import Seal

log = logging.getLogger(__name__)

# So much of a minute's requests may come at once.
BURST = 1 / 6
_USE_EVERY = timedelta(minutes=5)
_SCHEME = "bearer "
_NOBODY = UUID(int=0)
_NO_SUCH_KEY = (
    "Send a key that works as “Authorization: Bearer cf_…”. This one is unknown, revoked, expired or damaged."
)

_LEFT = text(
    "SELECT tokens + :rate * extract(epoch FROM clock_timestamp() - filled_at) FROM rate_buckets WHERE name = :name"
)


@dataclass(frozen=True, slots=True)
class Key:
    """The key of this request. `permissions`: its scopes, as far as whoever answers for it has them at this moment."""

    id: UUID
    name: str
    prefix: str
    expires_at: datetime | None
    permissions: frozenset[Permission]

    @property
    def actor_name(self) -> str:
        """As the audit trail names it: what it is for, and the part that is no secret."""
        return f"{self.name} ({self.prefix})"

    def may(self, need: Need) -> bool:
        return isinstance(need, Access) or need in self.permissions


def init_bearer(app: Flask) -> None:
    """Tell programs with every answer how much they have left."""
    app.after_request(_tell_pace)


def is_for_keys(view: Any) -> bool:
    """Whether this view is for programs, and for nobody else."""
    return bool(getattr(view, "for_keys", False))


def let_in(needs: tuple[Need, ...]) -> None:
    """Let the request through when its key meets everything the route names.

    Raises:
        KeyInAddress, NoKey, TooFast, MissingScope: no view is called.
    """
    # Said first, so that a person's cookie means nothing on this way: see sessions.load.
    g.key, g.permissions = None, frozenset()
    if WORD.search(request.query_string.decode("latin-1")):
        raise KeyInAddress(
            "Keys are sent in the Authorization header only. Addresses are kept in logs: rotate this key."
        )
    written = _written(request.headers.get("Authorization", ""))
    key, per_minute = _known(written)
    # For the log of calls, which names the key of a refused call as well.
    g.asked_with = key.id
    _keep_pace(key, per_minute)
    g.key, g.permissions = key, key.permissions
    missing = [need for need in needs if not key.may(need)]
    if missing:
        log.warning("api.refused", extra={"key": key.prefix, "missing": [str(need) for need in missing]})
        raise MissingScope(f"This key may not do this. It needs the scope {' and '.join(map(str, missing))}.")


def current_key() -> Key | None:
    """The key of this request, None where a person asks."""
    found: Key | None = g.get("key")
    return found


def seal() -> Seal:
    settings: Settings = current_app.extensions["settings"]
    return Seal.for_keys(settings.secret_key)


def _written(header: str) -> WrittenKey:
    """What the header says, whatever somebody put into it."""
    if not header:
        raise NoKey("Send a key as “Authorization: Bearer cf_…”.")
    found = read_key(header[len(_SCHEME) :]) if header[: len(_SCHEME)].lower() == _SCHEME else None
    return found or _refuse("unreadable", None)


def _known(written: WrittenKey) -> tuple[Key, int]:
    """The key and how fast it may ask; one question, found by the part that is no secret. Its account is remembered."""
    settings: Settings = current_app.extensions["settings"]
    changes = (
        select(func.jsonb_object_agg(RolePermission.permission, RolePermission.granted))
        .where(RolePermission.role == Staff.role)
        .correlate(Staff)
        .scalar_subquery()
    )
    asked = (
        select(ApiKey, Account, Staff.role, Staff.deactivated_at, changes)
        .join(Staff, Staff.id == ApiKey.owner_id)
        .join(Account, Account.id == ApiKey.account_id)
        .where(ApiKey.prefix == written.prefix)
    )
    found = db.session.execute(asked).one_or_none()
    # The same work whether there is such a key or not, and compared in a time that says nothing about where they differ.
    mark = seal().mark(written.secret, owner=found[0].id if found else _NOBODY)
    if not compare_digest(mark, found[0].secret_hash if found else bytes(len(mark))) or found is None:
        _refuse("unknown", written)
    row, account, role, ended, changed = found
    now = clock.now()
    if row.state(now) not in {"active", "ending"} or ended is not None:
        _refuse("stopped" if ended else row.state(now), written)
    if account.livemode != settings.livemode:
        _refuse("mode", written)
    scopes = {Permission(scope) for scope in row.scopes if scope in FOR_KEYS}
    key = Key(row.id, row.name, row.prefix, row.expires_at, frozenset(scopes & granted(role, changed)))
    # Before the session is used again, which would forget what was read.
    accounts.remember(account)
    _note_use(row, now)
    return key, row.per_minute


def _refuse(why: str, written: WrittenKey | None) -> NoReturn:
    log.warning("api.unknown_key", extra={"why": why, "key": written.prefix if written else None})
    raise NoKey(_NO_SUCH_KEY)


def _note_use(row: ApiKey, now: datetime) -> None:
    """When and from where it was last used, true to a few minutes: a write at every request would be the dearest part of it."""
    db.session.expunge(row)
    address = request.remote_addr
    if row.last_used_at is None or now - row.last_used_at > _USE_EVERY or row.last_used_ip != address:
        with transaction():
            used = update(ApiKey).where(ApiKey.id == row.id)
            db.session.execute(used.values(last_used_at=now, last_used_ip=address))


def _keep_pace(key: Key, per_minute: int) -> None:
    """A bucket in PostgreSQL, so that all processes count together.

    Raises:
        TooFast: with the seconds after which the next request will do.
    """
    rate, most = per_minute / 60, max(1.0, per_minute * BURST)
    name = f"api_key:{key.id}"
    with transaction():
        # What a crash could lose is a second of counting.
        db.session.execute(text("SET LOCAL synchronous_commit = off"))
        left = buckets.take(name, per_minute=per_minute, burst=most)
        have = (
            left if left is not None else float(db.session.execute(_LEFT, {"name": name, "rate": rate}).scalar() or 0)
        )
    g.pace = (per_minute, max(0, int(have)), max(0, -int(-((most - have) / rate) // 1)))
    if left is None:
        wait = max(1, -int(-((1 - have) / rate) // 1))
        raise TooFast(f"This key has {per_minute} requests a minute. Wait {wait} s.", Retry_After=str(wait))


def _tell_pace(response: Response) -> Response:
    if pace := g.get("pace"):
        limit, remaining, reset = pace
        response.headers["RateLimit-Limit"] = str(limit)
        response.headers["RateLimit-Remaining"] = str(remaining)
        response.headers["RateLimit-Reset"] = str(reset)
    return response
