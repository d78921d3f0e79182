"""Changing from where people may come, without shutting oneself out."""

from uuid import uuid4

from sqlalchemy import delete, text

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict
from app.models.allowed_network import AllowedNetwork
from app.staff.networks import queries, written
from app.staff.operations import checked_role
from app.web import networks

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7266304)")
EVERYBODY = "everybody"


class ShutsYouOut(Conflict):
    """Who saves a list has to be able to come back and change it."""


def save(  # noqa: PLR0913 - a list, and three things about who saves it
    role: str | None, lines: str, *, version: str, own_role: str, address: str | None, actor: Actor
) -> None:
    """From the next request on people of this role (None: everybody) may come from these networks, and those of everybody.

    lines: one network a line. version: of the list that was shown, see `written.version_of`.
    own_role, address: of the person who saves it.

    Raises:
        BadRequest: a line is no network. Conflict: somebody else changed the list meanwhile.
        ShutsYouOut: who saves it could not come in any more from where they are. In each case nothing changed.
    """
    wanted = written.read(lines)
    if role is not None:
        checked_role(role)
    with transaction():
        # Two admins who save two lists at once could shut each other out with what neither of them saw.
        db.session.execute(_ONE_AT_A_TIME)
        known = queries.networks_of(role)
        if written.version_of(known) != version:
            raise Conflict("Somebody else changed this list since you opened it. Look at it again first.")
        before, after = ({(line.network, line.note) for line in lines} for lines in (known, wanted))
        if before == after:
            return
        kept = {line.network: line for line in known if (line.network, line.note) in after}
        db.session.execute(
            delete(AllowedNetwork).where(
                AllowedNetwork.role.is_not_distinct_from(role), AllowedNetwork.network.not_in(list(kept))
            )
        )
        now = clock.now()
        db.session.add_all(
            AllowedNetwork(
                id=uuid4(), network=line.network, role=role, note=line.note, created_by=actor.name, created_at=now
            )
            for line in wanted
            if line.network not in kept
        )
        db.session.flush()
        if not networks.allows(own_role, address):
            raise ShutsYouOut(
                f"With this list you could not come in any more: you are at {address or 'an unknown address'}, "
                "which is in none of the networks for your role. Nothing was changed."
            )
        trail.record(
            actor,
            "networks.changed",
            "networks",
            role or EVERYBODY,
            before={"taken": sorted(network for network, _ in before - after)},
            after={"given": sorted(network for network, _ in after - before)},
        )


def forget_all(*, actor: Actor) -> int:
    """Everybody may come from anywhere again; for whoever runs this installation, when nobody can come in any more."""
    with transaction():
        db.session.execute(_ONE_AT_A_TIME)
        gone = db.session.scalars(delete(AllowedNetwork).returning(AllowedNetwork.network)).all()
        if gone:
            taken = sorted(map(str, gone))
            trail.record(actor, "networks.forgotten", "networks", EVERYBODY, before={"taken": taken}, after={})
    return len(gone)
