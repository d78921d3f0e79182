"""Making, rotating and ending keys for programs. The key itself is answered once and kept nowhere."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, NotAllowed, Unknown
from app.keys.letters import tell_admins
from app.logs import redact
from app.models.api_key import ApiKey
from app.models.staff import Staff
from app.web.key_format import WrittenKey, new_key
from app.web.permissions import FOR_KEYS, Permission
from app.web.roles import permissions_of
from app.web.sealing import Seal

LONGEST_NAME = 60
PER_MINUTE = (60, 300, 600, 3000)
# Days; None is without an end.
LASTS: tuple[int | None, ...] = (30, 90, 365, None)
# Hours for which a rotated key still works beside its successor.
OVERLAPS = (0, 1, 24, 72, 168)
OVERLAP = 24


@dataclass(frozen=True, slots=True)
class House:
    """Where keys are made: whose data they open, in which mode, what they are hashed with, and the address letters name."""

    account_id: int
    live: bool
    seal: Seal
    domain: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new key is to be. lasts: days, None for ever."""

    name: str
    scopes: Collection[str]
    per_minute: int
    lasts: int | None

    def check(self) -> None:
        """
        Raises:
            BadRequest: with what is wrong.
        """
        if not self.name:
            raise BadRequest("Give the key a name: what program is it for?")
        if len(self.name) > LONGEST_NAME:
            raise BadRequest(f"The name has {len(self.name)} characters; at most {LONGEST_NAME} will do.")
        if not self.scopes:
            raise BadRequest("Tick at least one scope: a key without any may nothing.")
        if self.per_minute not in PER_MINUTE or self.lasts not in LASTS:
            raise BadRequest("Choose one of the speeds and one of the ends.")


def make(wish: Wish, *, key_id: UUID, owner_id: UUID, house: House, actor: Actor) -> str:
    """A new key, answered this once. `key_id` comes with the form, so that sending it twice makes one.

    Raises:
        BadRequest: with what is wrong. NotAllowed: it would may more than its maker. Conflict: this form made one already.
    """
    wish.check()
    try:
        with transaction():
            _check_scopes(wish.scopes, owner_id)
            row, written = _added(wish, key_id=key_id, owner_id=owner_id, house=house, by=actor.name)
            tell_admins(row, domain=house.domain)
            trail.record(actor, "api_key.made", "api_key", row.prefix, account_id=row.account_id, after=_said(row))
    except IntegrityError as error:
        raise Conflict("This form made a key already, which was shown then. Look for it in the list.") from error
    return str(written)


def rotate(key_id: UUID, *, new_id: UUID, overlap: int, owner_id: UUID, house: House, actor: Actor) -> str:  # noqa: PLR0913 - all but one by name
    """A successor that may the same; the old key works for `overlap` more hours. Answers the new one, this once.

    Who rotates a key answers for the new one.
    Raises:
        Conflict: it was rotated, revoked or is expired already. NotAllowed: it may more than who rotates it.
        Unknown, BadRequest: no such key, or no such overlap.
    """
    if overlap not in OVERLAPS:
        raise BadRequest("Choose one of the overlaps.")
    try:
        with transaction():
            old, now = _locked(key_id, house.account_id), clock.now()
            if old.state(now) != "active":
                raise Conflict(_WHY_NOT[old.state(now)])
            _check_scopes(old.scopes, owner_id)
            life = (old.expires_at - old.created_at).days if old.expires_at else None
            wish = Wish(old.name, old.scopes, old.per_minute, life)
            row, written = _added(wish, key_id=new_id, owner_id=owner_id, house=house, by=actor.name)
            end = now + timedelta(hours=overlap)
            old.replaced_by_id, old.expires_at = row.id, min(end, old.expires_at or end)
            tell_admins(row, domain=house.domain, instead_of=old)
            trail.record(
                actor,
                "api_key.rotated",
                "api_key",
                old.prefix,
                account_id=old.account_id,
                after={"by": row.prefix, "works_until": old.expires_at},
            )
    except IntegrityError as error:
        raise Conflict("This form made a key already, which was shown then. Look for it in the list.") from error
    return str(written)


def revoke(key_id: UUID, *, account_id: int, actor: Actor) -> None:
    """It opens nothing from the next request on.

    Raises:
        Conflict: it does not anyway. Unknown: no such key.
    """
    with transaction():
        row, now = _locked(key_id, account_id), clock.now()
        if row.state(now) not in {"active", "ending"}:
            raise Conflict(_WHY_NOT[row.state(now)])
        row.revoked_at = now
        trail.record(
            actor, "api_key.revoked", "api_key", row.prefix, account_id=row.account_id, after={"name": row.name}
        )


def take_over(key_id: UUID, *, account_id: int, owner_id: UUID, actor: Actor) -> None:
    """Answer for somebody else's key from now on, before or after their access ends.

    Raises:
        NotAllowed: it may more than who takes it over. Conflict: it is theirs, or works no more. Unknown: no such key.
    """
    with transaction():
        row, now = _locked(key_id, account_id), clock.now()
        if row.state(now) not in {"active", "ending"}:
            raise Conflict(_WHY_NOT[row.state(now)])
        if row.owner_id == owner_id:
            raise Conflict("You answer for this key already.")
        _check_scopes(row.scopes, owner_id)
        before = db.session.get_one(Staff, row.owner_id).email
        row.owner_id = owner_id
        trail.record(
            actor,
            "api_key.taken_over",
            "api_key",
            row.prefix,
            account_id=row.account_id,
            before={"owner": before},
            after={"owner": actor.name},
        )


_WHY_NOT = {
    "revoked": "This key is revoked already.",
    "expired": "This key has expired. Make a new one.",
    "ending": "This key was rotated already: its successor is in the list.",
}


def _check_scopes(scopes: Collection[str], owner_id: UUID) -> None:
    """In the caller's transaction: what somebody may at this very moment, whatever their page said."""
    owner = db.session.get_one(Staff, owner_id, with_for_update={"key_share": True}, populate_existing=True)
    held = permissions_of(owner.role) if owner.is_active else frozenset()
    known = {permission.value for permission in FOR_KEYS}
    if strange := sorted(set(scopes) - known):
        raise BadRequest(f"No key can have the scope {strange[0]}.")
    if more := sorted(set(scopes) - {permission.value for permission in held}):
        raise NotAllowed(f"You may not do this yourself, so no key of yours can: {Permission(more[0]).label}.")


def _added(wish: Wish, *, key_id: UUID, owner_id: UUID, house: House, by: str) -> tuple[ApiKey, WrittenKey]:
    now, written = clock.now(), new_key(live=house.live)
    row = ApiKey(
        id=key_id,
        account_id=house.account_id,
        name=wish.name,
        prefix=written.prefix,
        # Fast on purpose: 256 random bits cannot be guessed, so a slow hash would only make every request slow.
        secret_hash=house.seal.mark(written.secret, owner=key_id),
        scopes=sorted(wish.scopes),
        per_minute=wish.per_minute,
        created_by=by,
        owner_id=owner_id,
        created_at=now,
        expires_at=now + timedelta(days=wish.lasts) if wish.lasts else None,
    )
    db.session.add(row)
    db.session.flush()
    return row, written


def _locked(key_id: UUID, account_id: int) -> ApiKey:
    mine = select(ApiKey).where(ApiKey.id == key_id, ApiKey.account_id == account_id)
    row = db.session.scalars(mine.with_for_update(of=ApiKey).execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise Unknown("There is no such key here.")
    return row


def clean_name(text: str) -> str:
    """On one line, without what nobody may read later."""
    return redact(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def _said(row: ApiKey) -> dict[str, object]:
    return {
        "name": row.name,
        "scopes": row.scopes,
        "per_minute": row.per_minute,
        "expires_at": row.expires_at or "never",
    }
