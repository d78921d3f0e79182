"""The forms that take held money or let it go."""

from uuid import UUID, uuid4

from wtforms import Form, HiddenField, SelectField, StringField, TextAreaField, ValidationError, validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app.errors import BadAmount, BadRequest, DomainError
from app.models.payment_intent import PaymentIntent
from app.money import Money
from app.payments.operations import in_words
from app.payments.words import REASON_WORDS


class ActForm(Form):
    """promise: made with the form, so that sending it twice is one act. words: for whoever looks at it later."""

    promise = HiddenField()
    words = TextAreaField("Note")

    intent: PaymentIntent

    @property
    def promise_id(self) -> UUID:
        try:
            return UUID(self.promise.data or "")
        except ValueError as error:
            raise BadRequest("This form is damaged. Open the payment again and start anew.") from error

    def validate_words(self, field: TextAreaField) -> None:
        try:
            in_words(field.data or "")
        except BadRequest as error:
            raise ValidationError(str(error)) from error

    def show(self, refusal: DomainError) -> None:
        """What the operation refused, on top."""
        self.form_errors.append(str(refusal))


class CaptureForm(ActForm):
    """amount: as people write it in the payment's currency."""

    amount = StringField("Amount", [validators.InputRequired("Enter an amount.")])

    @classmethod
    def fresh(cls, intent: PaymentIntent) -> "CaptureForm":
        """A new form, filled with all that is held."""
        form = cls(amount=intent.capturable.plain, promise=str(uuid4()))
        form.intent = intent
        return form

    @property
    def money(self) -> Money:
        return Money.parse(self.amount.data or "", self.intent.currency)

    def validate_amount(self, field: StringField) -> None:
        """What can be said without asking the database; the rest is said by the operation, under a lock."""
        try:
            if not Money.parse(field.data or "", self.intent.currency):
                raise BadAmount("Enter an amount above zero.")
        except BadAmount as error:
            raise ValidationError(str(error)) from error

    def show(self, refusal: DomainError) -> None:
        """At the amount if it is about that, else on top."""
        if isinstance(refusal, BadAmount):
            self.amount.errors = [*self.amount.errors, str(refusal)]
        else:
            super().show(refusal)


class CancelForm(ActForm):
    """reason: one of Stripe's four."""

    reason = SelectField(
        "Reason",
        [validators.InputRequired("Choose a reason.")],
        choices=[SelectChoice("", "Choose a reason"), *(SelectChoice(*pair) for pair in REASON_WORDS.items())],
    )

    @classmethod
    def fresh(cls, intent: PaymentIntent) -> "CancelForm":
        form = cls(promise=str(uuid4()))
        form.intent = intent
        return form
