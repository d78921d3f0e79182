"""What a page may say of people, as far as the person who reads it may know."""

import re
from typing import Any, NamedTuple

from app.models.customer import Customer
from app.web.admin import may
from app.web.columns import personal
from app.web.formatting import mask_email
from app.web.permissions import Permission

# What a field is called in which Stripe, or the shop's own metadata, says who somebody is: `email`, and `customer_email` as well.
_PERSONAL = frozenset({"email", "mail", "name", "phone", "address", "city", "ip", "line1", "line2", "evidence"})
_PERSONAL_AS_A_WHOLE = frozenset({"postal_code", "tax_ids", "customer_tax_ids"})
_ADDRESS = re.compile(r"[^\s@<>\"'(),;:]{1,64}@[^\s@<>\"'(),;:]{1,255}")


class Payer(NamedTuple):
    """As much of a customer as a line of a list says."""

    id: str
    name: str | None
    email: str | None


def called(customer: Customer | Payer) -> str:
    """The name, else the address (masked where it has to be), else the id."""
    return visible(customer.name) or personal(customer.email) or customer.id


def visible(value: Any) -> Any:
    """Text, metadata or a whole object of Stripe without what says who somebody is, unless this person may see that."""
    return value if not value or may(Permission.PERSONAL_READ) else _masked(value)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: "***" if inner and _is_personal(key) else _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, str) and "@" in value:
        return _ADDRESS.sub(lambda found: mask_email(found[0]), value)
    return value


def _is_personal(field: str) -> bool:
    plain = field.lower().replace("-", "_").replace(" ", "_")
    return plain in _PERSONAL_AS_A_WHOLE or plain.rpartition("_")[2] in _PERSONAL
