"""The forms of decisions about risk."""

from uuid import UUID, uuid4

from wtforms import Form, HiddenField, SelectField, StringField, TextAreaField, ValidationError, validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app.errors import BadRequest, DomainError, ReasonMissing
from app.risk.block_lists import ITEM_TYPES
from app.risk.operations import LONGEST_VALUE, in_words


class DecisionForm(Form):
    """promise: made with the form, so that sending it twice is one act. words: why."""

    promise = HiddenField()
    words = TextAreaField("Why", [validators.InputRequired("Write a sentence on why.")])

    @classmethod
    def fresh(cls) -> "DecisionForm":
        return cls(promise=str(uuid4()))

    @property
    def promise_id(self) -> UUID:
        try:
            return UUID(self.promise.data or "")
        except ValueError as error:
            raise BadRequest("This form is damaged. Open the page again and start anew.") from error

    def validate_words(self, field: TextAreaField) -> None:
        try:
            in_words(field.data or "")
        except (BadRequest, ReasonMissing) as error:
            raise ValidationError(str(error)) from error

    def show(self, refusal: DomainError) -> None:
        self.form_errors.append(str(refusal))


class BlockForm(DecisionForm):
    """item_type and value: what shall not pay any more."""

    item_type = SelectField(
        "What",
        [validators.InputRequired("Choose what to block.")],
        choices=[SelectChoice("", "Choose what to block"), *(SelectChoice(*pair) for pair in ITEM_TYPES.items())],
    )
    value = StringField(
        "Value", [validators.InputRequired("Enter what to block."), validators.Length(max=LONGEST_VALUE)]
    )
