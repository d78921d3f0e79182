"""What a page may say of people, as far as the person who reads it may know."""

import re
from ipaddress import ip_address
from typing import Any, NamedTuple

from app.database import db
from app.models.charge import Charge
from app.models.customer import Customer
from app.web.admin import may, sees
from app.web.columns import personal
from app.web.formatting import mask_email
from app.web.permissions import Permission

# What a field is called in which Stripe, or the shop's own metadata, says who somebody is: `email`, and `customer_email` as well.
_PERSONAL = frozenset(
    {"email", "mail", "name", "phone", "tel", "telephone", "mobile", "address", "street", "city", "line1", "line2"}
    | {"ip", "ipaddress", "ipv4", "ipv6", "postcode", "zip", "dob", "birthday", "iban", "evidence"}
)
_PERSONAL_AS_A_WHOLE = frozenset(
    {"postal_code", "tax_ids", "customer_tax_ids", "customer_acceptance", "enhanced_evidence"}
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IPV4 = re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
# Whatever could be one; whether it is, the library says.
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,40}(?![\w:])")
_HIDDEN = "***"
_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]{1,64}@[^\s@<>\"'(),;:]{1,255}")


class Payer(NamedTuple):
    """As much of a customer as a line of a list says."""

    id: str
    name: str | None
    email: str | None


def called(customer: Customer | Payer, *, here: bool = False) -> str:
    """The name, else the address (masked where it has to be), else the id. here: on a page about this customer."""
    of = customer.id if here else None
    return visible(customer.name, of=of) or personal(customer.email, of=of) or customer.id


def visible(value: Any, *, of: str | None = None) -> Any:
    """Text, metadata or a whole object of Stripe without what says who somebody is, unless this person may see that.

    of: the customer whose it is, on the pages about that customer; what goes into lists and downloads leaves it out.
    """
    return value if not value or sees(of) else _masked(value)


def payer_of(charge_id: str | None) -> str | None:
    """Whose payment this was, for `of`; asked only for readers to whom it makes a difference."""
    differs = not sees() and may(Permission.PERSONAL_UNMASK)
    charge = db.session.get(Charge, charge_id) if charge_id and differs else None
    return charge.customer_id if charge else None


def whole(value: Any, *, of: str | None = None) -> Any:
    """A whole object of Stripe for who may see persons; None for others, because anything may stand in it."""
    return value if sees(of) else None


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _HIDDEN if inner and _is_personal(key) else _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, str):
        plain = _ADDRESS.sub(lambda found: mask_email(found[0]), value) if "@" in value else value
        plain = _IPV4.sub(_HIDDEN, plain) if plain.count(".") > 2 else plain  # noqa: PLR2004 - four numbers
        return _IPV6.sub(_hidden_ip, plain) if plain.count(":") > 1 else plain
    return value


def _hidden_ip(found: re.Match[str]) -> str:
    """A time of day has colons as well."""
    try:
        ip_address(found[0])
    except ValueError:
        return found[0]
    return _HIDDEN


def _is_personal(field: str) -> bool:
    plain = _HUMP.sub("_", field).lower().replace("-", "_").replace(" ", "_")
    return plain in _PERSONAL_AS_A_WHOLE or plain.rpartition("_")[2] in _PERSONAL
