"""What somebody has beside their password."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from app.database import db
from app.models.role_policy import RolePolicy
from app.models.second_factor import Authenticator, Passkey, RecoveryCode


@dataclass(frozen=True, slots=True)
class Factors:
    """authenticator: a confirmed one. passkeys, codes_left: how many."""

    authenticator: bool
    passkeys: int
    codes_left: int

    @property
    def any(self) -> bool:
        """Recovery codes alone are none: they belong to something that can be lost."""
        return self.authenticator or self.passkeys > 0


def factors_of(staff_id: UUID) -> Factors:
    """One question for all of it."""
    confirmed = select(Authenticator.staff_id).where(
        Authenticator.staff_id == staff_id, Authenticator.confirmed_at.is_not(None)
    )
    passkeys = select(func.count()).select_from(Passkey).where(Passkey.staff_id == staff_id)
    codes = (
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None))
    )
    row = db.session.execute(select(confirmed.exists(), passkeys.scalar_subquery(), codes.scalar_subquery())).one()
    return Factors(*row)


def authenticator_of(staff_id: UUID) -> Authenticator | None:
    return db.session.get(Authenticator, staff_id, populate_existing=True)


def passkeys_of(staff_id: UUID) -> Sequence[Passkey]:
    mine = select(Passkey).where(Passkey.staff_id == staff_id).order_by(Passkey.created_at, Passkey.id)
    return db.session.execute(mine).scalars().all()


def is_enforced(role: str) -> bool:
    """People of this role have to have a second factor."""
    return bool(db.session.scalar(select(RolePolicy.second_factor).where(RolePolicy.role == role)))
