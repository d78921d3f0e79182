"""From where people may come: networks that an admin allowed, for everybody or for a role."""

from ipaddress import ip_address

from sqlalchemy import ColumnElement, String, cast, exists, or_, select
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import InstrumentedAttribute

from app.database import db
from app.models.allowed_network import AllowedNetwork


def is_home(role: ColumnElement[str] | InstrumentedAttribute[str], address: str | None) -> ColumnElement[bool]:
    """In a question about a person of this role: nothing was said about where they may come from, or they come from there."""
    concerns = or_(AllowedNetwork.role.is_(None), AllowedNetwork.role == role)
    inside = AllowedNetwork.network.op(">>=", is_comparison=True)(cast(_plain(address), INET))
    anything = exists(select(AllowedNetwork.id).where(concerns).correlate_except(AllowedNetwork))
    fitting = exists(select(AllowedNetwork.id).where(concerns, inside).correlate_except(AllowedNetwork))
    return or_(~anything, fitting).label("at_home")


def allows(role: str, address: str | None) -> bool:
    """The same, asked by itself."""
    return bool(db.session.scalar(select(is_home(cast(role, String), address))))


def _plain(address: str | None) -> str | None:
    """The address, an IPv4 one in its own form where it came in IPv6's; None when it is none, which no network contains."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found).partition("%")[0]
