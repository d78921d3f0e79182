"""The daily digest: what waits for one person, at 08:00 where they are.

The hour is read from the wall, so a night that skips or repeats an hour changes nothing: it comes on the first look after eight,
and the day it is for is the promise that is kept once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.alerts.sources import BY_NAME
from app.approvals import queries as approvals
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest
from app.mail import letters, outbox
from app.models.alert import DigestWish
from app.models.mail import Mail
from app.models.staff import Staff
from app.settings import Settings
from app.web.permissions import Access, Need, Permission
from app.web.roles import permissions_of

_HOUR = 8
# Looked for until then: after an outage of a morning nobody wants the day's work at night.
_UNTIL = 18
_USUAL_ZONE = "UTC"
# What stands in it, who has to do with it, and the list that shows it.
_LINES = (
    ("dispute.due", "Disputes due within 3 days", Permission.DISPUTE_READ, "/admin/disputes/"),
    ("refund.failed", "Failed refunds", Permission.REFUND_READ, "/admin/refund-queue/?queue=failed"),
    ("refund.pending", "Refunds pending for 10 business days", Permission.REFUND_READ, "/admin/refund-queue/?queue=late"),
    ("authorisation.ending", "Held payments that end within 24 hours", Permission.CHARGE_READ, "/admin/authorisations/?ends=day"),
    ("event.dead", "Dead webhook events", Permission.EVENT_READ, "/admin/webhooks/?state=dead"),
    ("sync.drift", "Differences to Stripe", Permission.SYNC, ""),
)  # fmt: skip
_APPROVALS = "/admin/approvals/?queue=decide"
# Differences are seen in the trail, by who may read it.
_HEALED = "/admin/audit/?action=sync.healed"


@dataclass(frozen=True, slots=True)
class Reader:
    """One person, as far as it matters what may be told to them."""

    id: UUID
    email: str
    acts_as: str
    permissions: frozenset[Permission]

    def may(self, need: Need) -> bool:
        return isinstance(need, Access) or need in self.permissions


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of work: how much of it there is, and the list of it, where this person may open one."""

    label: str
    count: int
    url: str


def send_due(account_id: int) -> int:
    """Write today's digest to everybody for whom it is time, and who has something to do. Returns how many."""
    now = clock.now()
    rows = db.session.execute(
        select(Staff.id, Staff.email, Staff.role, DigestWish.zone)
        .outerjoin(DigestWish, DigestWish.staff_id == Staff.id)
        .where(Staff.deactivated_at.is_(None), func.coalesce(DigestWish.wanted, True))
    ).all()
    due = [(row, local) for row in rows if (local := _local(now, row.zone)).hour in range(_HOUR, _UNTIL)]
    due = [(row, local) for row, local in due if not _is_written(account_id, _key(row.id, local))]
    if not due:
        return 0
    found = {name: len(find(account_id, now)) for name, *_ in _LINES if (find := BY_NAME[name].find)}
    rights = {role: permissions_of(role) for role in {row.role for row, _ in due}}
    written = 0
    for row, local in due:
        reader = Reader(row.id, row.email, row.role, rights[row.role])
        lines = _lines(reader, found)
        written += bool(lines) and _write(account_id, reader, local, lines)
    return written


def _lines(reader: Reader, found: Mapping[str, int]) -> list[Line]:
    settings: Settings = current_app.extensions["settings"]
    lines = []
    for name, label, need, path in _LINES:
        shown = path or (_HEALED if reader.may(Permission.AUDIT_READ) else "")
        if found[name] and reader.may(need):
            lines.append(Line(label, found[name], f"{settings.domain}{shown}" if shown else ""))
    waiting = approvals.number_to_decide(reader) if reader.may(Permission.APPROVAL_READ) else 0
    if waiting:
        lines.append(Line("Approvals that wait for your word", waiting, f"{settings.domain}{_APPROVALS}"))
    return lines


def wish(staff_id: UUID) -> tuple[str, bool]:
    """The zone of a person, and whether they want it."""
    known = db.session.get(DigestWish, staff_id)
    return (known.zone, known.wanted) if known else (_USUAL_ZONE, True)


def set_wish(staff_id: UUID, *, zone: str, wanted: bool, actor: Actor) -> None:
    """Where the person is, and whether the digest comes.

    Raises:
        BadRequest: there is no such time zone.
    """
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError) as error:
        raise BadRequest("There is no such time zone. Write one like Europe/Berlin.") from error
    with transaction():
        db.session.merge(DigestWish(staff_id=staff_id, zone=zone, wanted=wanted))
        trail.record(actor, "digest.wished", "staff", str(staff_id), after={"zone": zone, "wanted": wanted})


def _local(now: datetime, zone: str | None) -> datetime:
    return now.astimezone(ZoneInfo(zone or _USUAL_ZONE))


def _key(staff_id: UUID, local: datetime) -> str:
    return f"digest:{staff_id}:{local:%Y-%m-%d}"


def _is_written(account_id: int, key: str) -> bool:
    return db.session.scalar(select(Mail.id).where(Mail.account_id == account_id, Mail.dedup_key == key)) is not None


def _write(account_id: int, reader: Reader, local: datetime, lines: list[Line]) -> bool:
    """Of two workers that write at once, the unique promise lets one through; the other finds the first one's letter."""
    settings: Settings = current_app.extensions["settings"]
    key = _key(reader.id, local)
    with transaction():
        if _is_written(account_id, key):
            return False
        total, day = sum(line.count for line in lines), f"{local:%-d %B %Y}"
        letter = letters.write(
            "alert.digest", day=day, lines=lines, total=total, wishes=f"{settings.domain}/admin/digest/"
        )
        outbox.post(letter, to=reader.email, account_id=account_id, by="digest", dedup=key)
    return True
