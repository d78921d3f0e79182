"""Forms about staff."""

from flask_wtf import FlaskForm
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older

from app.web.permissions import ROLE_NAMES


class RoleForm(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """Which role somebody has."""

    role = SelectField("Role", choices=[SelectChoice(role, name) for role, name in ROLE_NAMES.items()])
