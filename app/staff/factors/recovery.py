"""Ten codes for the day the phone is gone, each good once."""

import secrets
from uuid import UUID

from sqlalchemy import delete, update

from app import clock
from app.database import db
from app.models.second_factor import RecoveryCode
from app.web.sealing import Seal

HOW_MANY = 10
# Without what looks alike on paper. Sixteen of them are 79 random bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 16


def renew(staff_id: UUID, *, seal: Seal) -> list[str]:
    """In the caller's transaction: ten new codes, `abcd-efgh-jkmn-pqrs`; all earlier ones are worthless from now on."""
    forget(staff_id)
    codes = [_new() for _ in range(HOW_MANY)]
    now = clock.now()
    db.session.add_all(
        RecoveryCode(staff_id=staff_id, code_hash=seal.mark(code, owner=staff_id), created_at=now) for code in codes
    )
    return ["-".join(code[at : at + 4] for at in range(0, _LENGTH, 4)) for code in codes]


def use(staff_id: UUID, typed: str, *, seal: Seal) -> bool:
    """In the caller's transaction: whether this is a code of theirs that was not used; now it is."""
    code = "".join(letter for letter in typed.lower() if letter not in "- ")
    used = (
        update(RecoveryCode)
        .where(
            RecoveryCode.staff_id == staff_id,
            RecoveryCode.code_hash == seal.mark(code, owner=staff_id),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    return db.session.execute(used).first() is not None


def forget(staff_id: UUID) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.staff_id == staff_id))


def _new() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
