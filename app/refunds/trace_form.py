"""The form that mails a trace number to another address than the customer's own."""

from wtforms import EmailField, TextAreaField, ValidationError, validators

from app.errors import BadRequest
from app.mail import addresses
from app.refunds.traces import LONGEST_REASON
from app.web.promised import PromisedForm


class TraceForm(PromisedForm):
    """to, and again: the address, typed twice, because nobody else has confirmed it. words: why it goes there."""

    to = EmailField("E-mail address", [validators.InputRequired("Write one e-mail address.")])
    again = EmailField("The same address again", [validators.InputRequired("Write the address a second time.")])
    words = TextAreaField("Why it goes there", [validators.InputRequired("Write a sentence on why it goes there.")])

    def validate_to(self, field: EmailField) -> None:
        try:
            addresses.checked(field.data or "")
        except BadRequest as error:
            raise ValidationError(str(error)) from error

    def validate_again(self, field: EmailField) -> None:
        if (field.data or "").strip() != (self.to.data or "").strip():
            raise ValidationError("The two addresses differ.")

    def validate_words(self, field: TextAreaField) -> None:
        written = (field.data or "").strip()
        if not written:
            raise ValidationError("Write a sentence on why it goes there.")
        if len(written) > LONGEST_REASON:
            raise ValidationError(f"It has {len(written)} characters; at most {LONGEST_REASON} can be kept.")
