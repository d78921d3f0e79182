"""Browsers and networks that somebody came in from before; from any other, they are told by mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Unknown
from app.models.known_device import KnownDevice
from app.models.staff import Staff
from app.staff import telling
from app.web.tokens import digest

# What a household or an office has; addresses within it change by themselves.
_PREFIX = {4: 24, 6: 48}
# The first that is found counts: most browsers name others as well.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "a Mac"), ("Linux", "Linux"),
)  # fmt: skip
_UNKNOWN = "A browser that does not say what it is"


@dataclass(frozen=True, slots=True)
class Device:
    """One browser, wherever it was. mark: what a form names it by."""

    mark: str
    name: str
    networks: tuple[str, ...]
    first_used_at: datetime
    last_used_at: datetime


def note(person: Staff, token: str, *, ip: str, agent: str) -> list[str]:
    """In the caller's transaction, with the person's row locked: they came in with this browser, from there.

    Answers what is new about it, of "browser" and "network", and mails that to them; somebody's very first place is not news.
    """
    mark, network, name = digest(token), network_of(ip), named(agent)
    theirs = KnownDevice.staff_id == person.id
    known, browser, place = db.session.execute(
        select(
            select(KnownDevice.id).where(theirs).exists(),
            select(KnownDevice.id).where(theirs, KnownDevice.token_hash == mark).exists(),
            select(KnownDevice.id).where(theirs, KnownDevice.network.is_not_distinct_from(network)).exists(),
        )
    ).one()
    now = clock.now()
    row = {"id": uuid4(), "staff_id": person.id, "token_hash": mark, "network": network, "name": name}
    keep = insert(KnownDevice).values(**row, first_used_at=now, last_used_at=now)
    db.session.execute(
        keep.on_conflict_do_update(
            index_elements=[KnownDevice.staff_id, KnownDevice.token_hash, KnownDevice.network],
            set_={"last_used_at": now, "name": name},
        )
    )
    new = [what for what, is_known in (("browser", browser), ("network", place)) if not is_known] if known else []
    if new:
        telling.came_from_elsewhere(person, browser=name, network=network or "an unknown network", new=new)
    return new


def devices_of(staff_id: UUID) -> Sequence[Device]:
    """The browsers this person came in with, the one used last first."""
    rows = select(
        KnownDevice.token_hash,
        func.array_agg(func.text(KnownDevice.network)).filter(KnownDevice.network.is_not(None)),
        func.min(KnownDevice.first_used_at),
        func.max(KnownDevice.last_used_at).label("last"),
        func.max(KnownDevice.name),
    ).where(KnownDevice.staff_id == staff_id)
    found = db.session.execute(
        rows.group_by(KnownDevice.token_hash).order_by(func.max(KnownDevice.last_used_at).desc())
    )
    return [
        Device(_mark(token_hash), name, tuple(sorted(networks or ())), first, last)
        for token_hash, networks, first, last, name in found
    ]


def forget(mark: str, *, staff_id: UUID, actor: Actor) -> None:
    """This browser is a stranger again: coming in with it is told by mail.

    Raises:
        Unknown: they have no such browser.
    """
    with transaction():
        for device in devices_of(staff_id):
            if device.mark == mark:
                # The mark is unique among one person's browsers, see _mark.
                db.session.execute(
                    delete(KnownDevice).where(
                        KnownDevice.staff_id == staff_id, func.encode(KnownDevice.token_hash, "hex").startswith(mark)
                    )
                )
                trail.record(actor, "staff.device_forgotten", "staff", actor.name, before={"device": device.name})
                return
    raise Unknown("This browser is forgotten already.")


def mark_of(token: str) -> str:
    """What the page calls the browser with this token."""
    return _mark(digest(token))


def named(agent: str) -> str:
    """`Firefox on Linux`: what a browser says of itself, in words of ours only, so that nobody writes into a mail with it."""
    browser = next((name for sign, name in _BROWSERS if sign in agent), None)
    system = next((name for sign, name in _SYSTEMS if sign in agent), None)
    return f"{browser or 'A browser'} on {system}" if system else browser or _UNKNOWN


def network_of(ip: str) -> str | None:
    """The network an address lies in; None when it is no address."""
    try:
        found = ip_address(ip.partition("%")[0])
    except ValueError:
        return None
    plain = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network((plain, _PREFIX[plain.version]), strict=False))


def _mark(token_hash: bytes) -> str:
    """Half of the digest, in hex: 128 bits, which name it among all."""
    return token_hash[:16].hex()
