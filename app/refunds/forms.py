"""The form that gives money back."""

from collections.abc import Mapping
from uuid import UUID, uuid4

from wtforms import (
    BooleanField,
    Form,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
    validators,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app.errors import BadAmount, BadRequest, DomainError, ReasonMissing
from app.models.charge import Charge
from app.money import Money
from app.refunds import reasons


def reason_choices() -> list[SelectChoice]:
    return [
        SelectChoice("", "Choose a reason"),
        *(SelectChoice(reason.code, reason.words) for reason in reasons.choices()),
    ]


class RefundForm(Form):
    """amount: as people write it in the payment's currency. promise: made with the form, so that sending it twice is one refund."""

    promise = HiddenField()
    amount = StringField("Amount", [validators.InputRequired("Enter an amount.")])
    reason = SelectField("Reason", [validators.InputRequired("Choose a reason.")], choices=reason_choices)
    words = TextAreaField("In your words", [validators.InputRequired("Write a sentence on why.")])
    credit_note = BooleanField("Write a credit note for the invoice")

    charge: Charge

    @classmethod
    def fresh(cls, charge: Charge) -> "RefundForm":
        """A new form, filled with all that is left to refund."""
        form = cls(amount=charge.refundable.plain, promise=str(uuid4()), credit_note=True)
        form.charge = charge
        return form

    @classmethod
    def begun(cls, charge: Charge, typed: Mapping[str, str]) -> "RefundForm":
        """The form as somebody had filled it in, or a new one when that was for another payment."""
        if typed.get("charge") != charge.id:
            return cls.fresh(charge)
        form = cls(data=typed)
        form.charge = charge
        return form

    @property
    def typed(self) -> dict[str, str]:
        """What `begun` makes the same form of."""
        return {"charge": self.charge.id, **{name: str(value or "") for name, value in self.data.items()}}

    @property
    def promise_id(self) -> UUID:
        try:
            return UUID(self.promise.data or "")
        except ValueError as error:
            raise BadRequest("This form is damaged. Open the payment again and start anew.") from error

    @property
    def money(self) -> Money:
        return Money.parse(self.amount.data or "", self.charge.currency)

    def validate_amount(self, field: StringField) -> None:
        """What can be said without asking the database; the rest is said by the operation, under a lock."""
        try:
            wanted = Money.parse(field.data or "", self.charge.currency)
            if not wanted:
                raise BadAmount("Enter an amount above zero.")
        except BadAmount as error:
            raise ValidationError(str(error)) from error

    def validate_words(self, field: TextAreaField) -> None:
        try:
            reasons.in_words(field.data or "")
        except (ReasonMissing, BadRequest) as error:
            raise ValidationError(str(error)) from error

    def show(self, refusal: DomainError) -> None:
        """Put what the operation refused where the person looks: at the amount if it is about that, else on top."""
        if refusal.__class__.__name__ in {"BadAmount", "RefundExceedsBalance", "CurrencyMismatch"}:
            self.amount.errors = [*self.amount.errors, str(refusal)]
        else:
            self.form_errors.append(str(refusal))
