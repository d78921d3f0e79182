"""Forms about staff."""

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField, validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are older

from app.web.permissions import ROLE_NAMES


class RoleForm(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """Which role somebody has."""

    role = SelectField("Role", choices=[SelectChoice(role, name) for role, name in ROLE_NAMES.items()])
    reason = TextAreaField("Why")


class InviteForm(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """Who is to come, and as what."""

    email = StringField("E-mail address", [validators.InputRequired("Write an e-mail address.")])
    role = SelectField(
        "Role", choices=[SelectChoice(role, name) for role, name in ROLE_NAMES.items()], default="view_only"
    )
    reason = TextAreaField("Why")
