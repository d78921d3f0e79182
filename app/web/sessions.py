"""Who is asking: the person behind the cookie, as the table of sessions knows it at this moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask, Request, Response, current_app, g, request
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from app import clock, logs
from app.actor import Actor
from app.database import db, transaction
from app.models.role_policy import RolePermission, RolePolicy
from app.models.staff import Staff, StaffSession
from app.settings import Settings
from app.web import accounts, networks, waiting
from app.web.permissions import Access, Need, Permission, granted
from app.web.tokens import ABSOLUTE, DEVICE, IDLE, PROOF, digest, new_token
from app.web.unmasked import Shown, still_shown

# What the shop changed about this person's role, and about the one they look through: {"support": {"export": true}}.
_of_role = (
    select(RolePermission.role, func.jsonb_object_agg(RolePermission.permission, RolePermission.granted).label("cells"))
    .where(or_(RolePermission.role == Staff.role, RolePermission.role == StaffSession.seen_as))
    .group_by(RolePermission.role)
    .correlate(Staff, StaffSession)
    .subquery()
)
_changes = select(func.jsonb_object_agg(_of_role.c.role, _of_role.c.cells)).scalar_subquery()
_wants_factor = func.coalesce(
    select(RolePolicy.second_factor).where(RolePolicy.role == Staff.role).correlate(Staff).scalar_subquery(), False
)

# Writing at every request would make every page a write; a minute of thirty is close enough.
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Person(UserMixin):  # type: ignore[misc] # Flask-Login has no types
    """The signed-in person of this request. A copy, not a row: it stays readable after a rollback, with no transaction open.

    unmasked: whose data they see in full for a while, with a reason.
    seen_as: the role they look through; then `permissions` are those that both this role and their own have. When
    `seen_as_until` stands without it, that is over and nobody has noted it yet, see guard.py.
    at_home: they come from a network their role may come from.
    waits: (act, account) of the requests that wait for others than who asked for them, see waiting.py.
    factor_wanted: their role has to have a second factor, and this session has none yet.
    """

    id: UUID
    email: str
    name: str
    role: str
    session_id: bytes
    proved_at: datetime
    last_seen_at: datetime
    seen_as: str | None
    seen_as_until: datetime | None
    unmasked: tuple[Shown, ...]
    at_home: bool
    factor_wanted: bool
    permissions: frozenset[Permission]
    waits: tuple[tuple[str, int | None], ...]

    def may(self, need: Need) -> bool:
        return isinstance(need, Access) or need in self.permissions

    @property
    def acts_as(self) -> str:
        """The role whose pages they see: their own, or the one they look through."""
        return self.seen_as or self.role

    @property
    def has_seen_enough(self) -> bool:
        """They looked through another role, and the time for it is up."""
        return self.seen_as is None and self.seen_as_until is not None

    @property
    def proved_recently(self) -> bool:
        """Who they are was proved in the last ten minutes."""
        return clock.now() - self.proved_at < PROOF


def init_sessions(app: Flask) -> None:
    """Let Flask-Login ask our table, and nothing else, who somebody is."""
    settings: Settings = app.extensions["settings"]
    app.config.update(
        SESSION_COOKIE_NAME=_prefixed("counterfoil_form", settings),
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        # Never read: nobody is remembered beyond a session.
        REMEMBER_COOKIE_NAME=_prefixed("counterfoil_unused", settings),
    )
    manager = LoginManager()
    # Its context processor asks the database for the person whenever a template is rendered, the page that says that the
    # database is away included. As a global, `current_user` asks only where a template names it.
    manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["current_user"] = current_user
    # Its own protection hashes X-Forwarded-For, which anybody may write; ours is the row in the table.
    manager.session_protection = None
    manager.request_loader(load)


def load(asking: Request) -> Person | None:
    """The person whose live session the cookie names. Ended, idle and outlived sessions are nobody's.

    Every page asks next whose data it shows, so that is answered with it.
    """
    if "key" in g:
        # A program asks: who else is signed in where it runs means nothing.
        return None
    token = asking.cookies.get(cookie_name())
    if not token:
        return None
    now = clock.now()
    alive = accounts.with_current(
        select(
            Staff.id,
            Staff.email,
            Staff.name,
            Staff.role,
            StaffSession.id,
            StaffSession.proved_at,
            StaffSession.last_seen_at,
            _seen_as(now).label("seen_as"),
            StaffSession.seen_as_until,
            StaffSession.unmasked,
            networks.is_home(Staff.role, asking.remote_addr),
            and_(StaffSession.second_factor_at.is_(None), _wants_factor).label("factor_wanted"),
            waiting.of_person(now, func.coalesce(_seen_as(now), Staff.role)),
            _changes,
        )
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(
            StaffSession.id == digest(token),
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
            StaffSession.last_seen_at > now - IDLE,
            Staff.deactivated_at.is_(None),
        )
    )
    row = db.session.execute(alive).one_or_none()
    if row is None:
        return None
    *person, unmasked, at_home, factor_wanted, waits, changes, account = row
    accounts.remember(account)
    permissions = _permissions(row.role, row.seen_as, changes or {})
    return Person(
        *person,
        unmasked=still_shown(unmasked, now),
        at_home=at_home,
        factor_wanted=factor_wanted,
        permissions=permissions,
        waits=tuple(map(tuple, waits or ())),
    )


def touch() -> None:
    """Note that the session is in use."""
    now = clock.now()
    if current_user.is_authenticated and now - current_user.last_seen_at > _TOUCH_EVERY:
        with transaction():
            db.session.execute(
                update(StaffSession).where(StaffSession.id == current_user.session_id).values(last_seen_at=now)
            )


def give_cookie(response: Response, token: str, *, name: str | None = None, lasts: timedelta = ABSOLUTE) -> None:
    """Put a new session, or another secret of this `name`, into the browser, out of reach of scripts and other sites."""
    settings: Settings = current_app.extensions["settings"]
    response.set_cookie(
        name or cookie_name(),
        token,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=settings.https,
        httponly=True,
        samesite="Lax",
    )


def take_cookie(response: Response, *, name: str | None = None) -> None:
    settings: Settings = current_app.extensions["settings"]
    response.delete_cookie(name or cookie_name(), path="/", secure=settings.https, httponly=True, samesite="Lax")


def cookie_name() -> str:
    """`__Host-` binds a cookie to this very host; browsers allow the prefix over https only."""
    return _prefixed("counterfoil_session", current_app.extensions["settings"])


def step_cookie_name() -> str:
    """What a browser holds between the first and the second half of a sign-in."""
    return _prefixed("counterfoil_step", current_app.extensions["settings"])


def passkey_cookie_name() -> str:
    """What a browser holds between the question to a passkey and its answer."""
    return _prefixed("counterfoil_passkey", current_app.extensions["settings"])


def device_token() -> str:
    """What this browser is known by from one sign-in to the next, and never lets in by: the cookie it has, or one made now."""
    if "device_token" not in g:
        g.device_token = (
            request.cookies.get(_prefixed("counterfoil_device", current_app.extensions["settings"])) or new_token()
        )
    return str(g.device_token)


def give_device_cookie(response: Response) -> None:
    """Let this browser be known again; each time for as long as browsers keep a cookie."""
    name = _prefixed("counterfoil_device", current_app.extensions["settings"])
    give_cookie(response, device_token(), name=name, lasts=DEVICE)


def current_actor() -> Actor:
    """Who to write into the audit trail for this request.

    Raises:
        RuntimeError: nobody is signed in; only a route that is open to the public can run into this.
    """
    if key := g.get("key"):
        return Actor("api_key", key.actor_name, ip=request.remote_addr, request_id=logs.request_id.get())
    if not current_user.is_authenticated:
        raise RuntimeError("nobody is signed in, so there is no actor")
    return Actor("staff", current_user.email, ip=request.remote_addr, request_id=logs.request_id.get())


def current_person() -> Person | None:
    """The signed-in person, or None."""
    person: Any = current_user
    return person._get_current_object() if person.is_authenticated else None


def _seen_as(now: datetime) -> ColumnElement[str | None]:
    return case((StaffSession.seen_as_until > now, StaffSession.seen_as))


def _permissions(role: str, seen_as: str | None, changes: dict[str, dict[str, bool]]) -> frozenset[Permission]:
    own = granted(role, changes.get(role))
    return own & granted(seen_as, changes.get(seen_as)) if seen_as else own


def _prefixed(name: str, settings: Settings) -> str:
    return f"__Host-{name}" if settings.https else name
