"""From where people may come, as it is written down."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select

from app import clock
from app.database import db
from app.models.allowed_network import AllowedNetwork
from app.models.staff import Staff, StaffSession
from app.web import networks
from app.web.tokens import IDLE


def networks_of(role: str | None) -> Sequence[AllowedNetwork]:
    """The list of this role, or the one of everybody; IPv4 first, by address."""
    theirs = select(AllowedNetwork).where(AllowedNetwork.role.is_not_distinct_from(role))
    return db.session.scalars(theirs.order_by(AllowedNetwork.network).execution_options(populate_existing=True)).all()


def every() -> Mapping[str | None, Sequence[AllowedNetwork]]:
    """Every list that is not empty, by role; None is everybody's."""
    found: dict[str | None, list[AllowedNetwork]] = {}
    for network in db.session.scalars(select(AllowedNetwork).order_by(AllowedNetwork.network)):
        found.setdefault(network.role, []).append(network)
    return found


def outside_now() -> int:
    """How many people are signed in at this moment from where they may not come from."""
    now = clock.now()
    alive = (
        select(Staff.role, StaffSession.ip, Staff.id)
        .join(StaffSession, StaffSession.staff_id == Staff.id)
        .where(
            StaffSession.ended_at.is_(None),
            StaffSession.expires_at > now,
            StaffSession.last_seen_at > now - IDLE,
            Staff.deactivated_at.is_(None),
        )
    )
    people: dict[tuple[str, str | None], set[UUID]] = {}
    for role, address, person in db.session.execute(alive):
        people.setdefault((role, address), set()).add(person)
    outside = [theirs for (role, address), theirs in people.items() if not networks.allows(role, address)]
    return len(set().union(*outside))
