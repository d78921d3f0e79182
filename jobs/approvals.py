"""Acts that others agreed to, and those nobody decided about in time."""

from app.approvals import carrying_out, operations


def carry_out_approvals() -> int:
    """Do what was agreed to and not done at once."""
    return carrying_out.carry_out_waiting()


def expire_approvals() -> int:
    """End the requests whose time is over."""
    return operations.expire()
