"""The forms of the console."""

import re

from wtforms import Form, HiddenField, TextAreaField, ValidationError, validators

from app.errors import BadRequest, ReasonMissing
from app.webhooks.operations import MOST_AT_ONCE, in_words

_ID = re.compile(r"evt_[0-9A-Za-z_]{1,250}")


class ReasonForm(Form):
    """Why an event is replayed, or left."""

    reason = TextAreaField("Why", [validators.InputRequired("Write a sentence on why.")])

    def validate_reason(self, field: TextAreaField) -> None:
        try:
            in_words(field.data or "")
        except (BadRequest, ReasonMissing) as error:
            raise ValidationError(str(error)) from error


class ReplayForm(ReasonForm):
    """events: ids with a blank between them. One field: a thousand would be more than a form may have."""

    events = HiddenField()

    @property
    def ids(self) -> list[str]:
        """The ids, each once.

        Raises:
            BadRequest: something else is among them, or they are too many or none.
        """
        return ids_of((self.events.data or "").split())


def ids_of(words: list[str]) -> list[str]:
    """These ids, each once, as far as they can be ids of events.

    Raises:
        BadRequest: something else is among them, or they are too many or none.
    """
    found = list(dict.fromkeys(words))
    if not all(_ID.fullmatch(word) for word in found):
        raise BadRequest("This form is damaged. Open the list again and choose anew.")
    if not found:
        raise BadRequest("Tick the events first, or narrow the list and replay all that match.")
    if len(found) > MOST_AT_ONCE:
        raise BadRequest(f"At most {MOST_AT_ONCE:,} events are replayed at once.")
    return found
