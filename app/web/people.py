"""How customers are called on a page, as far as the person who reads it may know."""

from app.models.customer import Customer
from app.web.columns import personal


def called(customer: Customer) -> str:
    """The name, else the address (masked where it has to be), else the id."""
    return customer.name or personal(customer.email) or customer.id
