"""The form that says when an act needs another person's word."""

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Form, IntegerField, SelectMultipleField, TextAreaField, ValidationError, validators
from wtforms.widgets import CheckboxInput, ListWidget

from app.approvals.acts import Act
from app.approvals.policies import LONGEST_DAYS, MOST_NEEDED
from app.currencies import CURRENCIES
from app.errors import BadAmount
from app.models.approval import ApprovalPolicy
from app.money import MinorUnits, Money
from app.web.permissions import ROLE_NAMES
from app.web.roles import roles_with


class Roles(SelectMultipleField):
    """Boxes to tick, one a role."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class PolicyForm(Form):
    """thresholds: a line for each currency, like `EUR 500.00`."""

    is_on = BooleanField("Another person has to agree")
    needed = IntegerField(
        "How many have to agree", [validators.InputRequired("Write a number."), validators.NumberRange(1, MOST_NEEDED)]
    )
    expires_after_days = IntegerField(
        "Days until a request expires",
        [validators.InputRequired("Write a number."), validators.NumberRange(1, LONGEST_DAYS)],
    )
    thresholds = TextAreaField("From which amount on")
    ask_roles = Roles("Who may ask")
    approve_roles = Roles("Who may agree")

    @classmethod
    def of(
        cls, act: Act, *, policy: ApprovalPolicy | None = None, sent: MultiDict[str, str] | None = None
    ) -> "PolicyForm":
        """The form of this act: as it holds now, or as it was sent."""
        form = cls(sent) if sent is not None else cls(data=_data(policy) if policy else None)
        form.ask_roles.choices = [(role, ROLE_NAMES[role]) for role in roles_with(act.ask)]
        form.approve_roles.choices = [(role, ROLE_NAMES[role]) for role in roles_with(act.approve)]
        return form

    @property
    def amounts(self) -> dict[str, int]:
        """Minor units by currency."""
        return amounts(self.thresholds.data or "")

    def validate_thresholds(self, field: TextAreaField) -> None:
        try:
            amounts(field.data or "")
        except BadAmount as error:
            raise ValidationError(str(error)) from error


def amounts(text: str) -> dict[str, int]:
    """`EUR 500.00` on each line, as minor units by lower-case currency.

    Raises:
        BadAmount: a line is something else, or a currency stands twice.
    """
    found: dict[str, int] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        code, _, amount = line.partition(" ")
        code = code.lower()
        if code not in CURRENCIES:
            raise BadAmount(f"Write a currency and an amount on each line, like EUR 500.00; “{line[:40]}” is none.")
        if code in found:
            raise BadAmount(f"{code.upper()} stands there twice.")
        found[code] = Money.parse(amount, code).minor
    return found


def _data(policy: ApprovalPolicy) -> dict[str, object]:
    lines = [
        f"{code.upper()} {Money(MinorUnits(minor), code).plain}" for code, minor in sorted(policy.thresholds.items())
    ]
    return {
        "is_on": policy.is_on,
        "needed": policy.needed,
        "expires_after_days": policy.expires_after_days,
        "thresholds": "\n".join(lines),
        "ask_roles": policy.ask_roles,
        "approve_roles": policy.approve_roles,
    }
