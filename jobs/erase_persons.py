"""Persons who are to be forgotten."""

from app.customers.erasing import running
from jobs import stopping


def erase_persons() -> int:
    """Take erased persons out of every table, batch by batch, and what came in of them since."""
    return running.run(stop=stopping.requested.is_set)
