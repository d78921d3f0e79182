"""Forms about staff."""

from flask_wtf import FlaskForm
from wtforms import SelectField

from app.web.permissions import ROLE_NAMES


class RoleForm(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """Which role somebody has."""

    role = SelectField("Role", choices=list(ROLE_NAMES.items()))
