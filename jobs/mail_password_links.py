"""Links for those who forgot their password."""

from flask import current_app

from app.staff.invitations import operations


def mail_password_links() -> int:
    """Mail a link to each who asked for one and works here."""
    return operations.answer_forgotten(domain=current_app.extensions["settings"].domain)
