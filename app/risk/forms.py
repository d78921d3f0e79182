"""The forms of decisions about risk."""

from collections.abc import Sequence
from typing import Self

from wtforms import (
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
    validators,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app.errors import BadRequest, ReasonMissing
from app.risk.block_lists import ITEM_TYPES
from app.risk.operations import LONGEST_VALUE, in_words
from app.web.promised import PromisedForm


class DecisionForm(PromisedForm):
    """words: why."""

    words = TextAreaField("Why", [validators.InputRequired("Write a sentence on why.")])

    def validate_words(self, field: TextAreaField) -> None:
        try:
            in_words(field.data or "")
        except (BadRequest, ReasonMissing) as error:
            raise ValidationError(str(error)) from error


class BlockPaymentForm(DecisionForm):
    """item_type: what of a payment shall not pay any more. Its value is looked up, so that no page has to show it."""

    item_type = RadioField("What", [validators.InputRequired("Choose what to block.")])

    def offer(self, choices: Sequence[tuple[str, str]]) -> Self:
        """(type, words) of what can be blocked; the first is chosen where nothing was."""
        self.item_type.choices = list(choices)
        if choices and not self.item_type.data:
            self.item_type.data = choices[0][0]
        return self


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
