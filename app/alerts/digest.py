"""The daily digest: what waits for one person, at 08:00 where they are.

The hour is read from the wall, so a night that skips or repeats an hour changes nothing: it comes on the first look after eight,
and the day it is for is the promise that is kept once.
"""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.alerts.sources import BY_NAME
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest
from app.mail import letters, outbox
from app.models.alert import DigestWish
from app.models.approval import WAITING, Approval
from app.models.mail import Mail
from app.models.staff import Staff
from app.web.permissions import Permission
from app.web.roles import permissions_of

_HOUR = 8
# Looked for until then: after an outage of a morning nobody wants the day's work at night.
_UNTIL = 18
_USUAL_ZONE = "UTC"
# What stands in it, and who has to do with it.
_LINES = (
    ("dispute.due", "Disputes due within 3 days", Permission.DISPUTE_READ),
    ("refund.failed", "Failed refunds", Permission.REFUND_READ),
    ("refund.pending", "Refunds pending for 10 business days", Permission.REFUND_READ),
    ("authorisation.ending", "Held payments that end within 24 hours", Permission.CHARGE_READ),
    ("event.dead", "Dead webhook events", Permission.EVENT_READ),
    ("sync.drift", "Differences to Stripe", Permission.SYNC),
)


def send_due(account_id: int) -> int:
    """Write today's digest to everybody for whom it is time, and who has something to do. Returns how many."""
    now = clock.now()
    rows = db.session.execute(
        select(Staff.id, Staff.email, Staff.role, DigestWish.zone)
        .outerjoin(DigestWish, DigestWish.staff_id == Staff.id)
        .where(Staff.deactivated_at.is_(None), func.coalesce(DigestWish.wanted, True))
    ).all()
    due = [(row, local) for row in rows if (local := _local(now, row.zone)).hour in range(_HOUR, _UNTIL)]
    if not due:
        return 0
    found = {name: len(find(account_id, now)) for name, _, _ in _LINES if (find := BY_NAME[name].find)}
    rights = {role: permissions_of(role) for role in {row.role for row, _ in due}}
    written = 0
    for row, local in due:
        mine = rights[row.role]
        lines = [(label, found[name]) for name, label, need in _LINES if found[name] and need in mine]
        lines += _approvals(account_id, row.email) if Permission.APPROVAL_READ in mine else []
        written += bool(lines) and _write(account_id, row.id, row.email, local, lines)
    return written


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


def _approvals(account_id: int, email: str) -> list[tuple[str, int]]:
    """What waits for the word of somebody else than who asked."""
    waits = select(func.count()).where(
        Approval.account_id == account_id, Approval.state == WAITING, Approval.asked_by != email
    )
    count = db.session.scalar(waits) or 0
    return [("Approvals waiting", count)] if count else []


def _write(account_id: int, staff_id: UUID, email: str, local: datetime, lines: list[tuple[str, int]]) -> bool:
    key = f"digest:{staff_id}:{local:%Y-%m-%d}"
    with transaction():
        if db.session.scalar(select(Mail.id).where(Mail.account_id == account_id, Mail.dedup_key == key)):
            return False
        total = sum(count for _, count in lines)
        letter = letters.write("alert.digest", day=f"{local:%-d %B %Y}", lines=lines, total=total)
        outbox.post(letter, to=email, account_id=account_id, by="digest", dedup=key)
    return True
