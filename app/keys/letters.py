"""Who watches over the house hears of every new key."""

from sqlalchemy import or_, select

from app.database import db
from app.mail import letters, outbox
from app.models.api_key import ApiKey
from app.models.staff import Staff
from app.web.permissions import Permission
from app.web.roles import roles_with


def tell_admins(key: ApiKey, *, domain: str, instead_of: ApiKey | None = None) -> None:
    """In the caller's transaction: a letter to every admin and whoever manages keys. It holds nothing that opens a door."""
    roles = {"admin", *roles_with(Permission.API_KEY_MANAGE)}
    people = select(Staff.email).where(or_(*(Staff.role == role for role in roles)), Staff.deactivated_at.is_(None))
    letter = letters.write(
        "key.made",
        name=key.name,
        prefix=key.prefix,
        by=key.created_by,
        scopes=[Permission(scope).label for scope in key.scopes],
        ends=key.expires_at.strftime("%-d %b %Y") if key.expires_at else "",
        old=instead_of.prefix if instead_of else "",
        old_ends=instead_of.expires_at.strftime("%-d %b %Y, %H:%M") if instead_of and instead_of.expires_at else "",
        link=f"{domain}/admin/keys/{key.id}",
    )
    for email in db.session.scalars(people.order_by(Staff.email)):
        outbox.post(letter, to=email, account_id=key.account_id, by=key.created_by, dedup=f"key:{key.id}:{email}")
