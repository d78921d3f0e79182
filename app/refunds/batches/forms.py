"""The form that takes a list of payments."""

from uuid import UUID, uuid4

from flask import Request
from wtforms import (
    BooleanField,
    FileField,
    Form,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
    validators,
)

from app.errors import BadRequest, DomainError, ReasonMissing
from app.refunds import reasons
from app.refunds.batches import reading
from app.refunds.batches.reading import Line
from app.refunds.forms import reason_choices


class BatchForm(Form):
    """A file, or else what was typed: one payment in each line. promise: made with the form, as for one refund."""

    promise = HiddenField()
    file = FileField("Or a CSV file")
    payments = TextAreaField("Payments, one in each line")
    reason = SelectField("Reason", [validators.InputRequired("Choose a reason.")], choices=reason_choices)
    words = StringField("In your words", [validators.InputRequired("Write a sentence on why.")])
    credit_notes = BooleanField("Write credit notes for the invoices")

    content: bytes = b""
    file_name: str = ""

    @classmethod
    def fresh(cls, chosen: list[str], *, reason: str | None = None) -> "BatchForm":
        """A new form, with the payments that were chosen from a list, and why they are given back if that list knows."""
        clean = [one for one in chosen if one.replace("_", "").isalnum()]
        return cls(promise=str(uuid4()), payments="\n".join(clean), reason=reason, credit_notes=True)

    @classmethod
    def sent(cls, request: Request) -> "BatchForm":
        form = cls(request.form)
        file = request.files.get("file")
        if file and file.filename:
            form.content, form.file_name = file.read(), file.filename
        return form

    @property
    def batch_id(self) -> UUID:
        try:
            return UUID(self.promise.data or "")
        except ValueError as error:
            raise BadRequest("This form is damaged. Open it again and start anew.") from error

    @property
    def lines(self) -> list[Line]:
        """
        Raises:
            BadRequest: it cannot be read as a list of payments.
        """
        if self.file_name:
            return reading.read_file(self.content)
        return reading.read_text(self.payments.data or "")

    @property
    def name(self) -> str:
        """What the batch is called."""
        return self.file_name or f"{len(self.lines)} chosen payments"

    def validate_words(self, field: StringField) -> None:
        try:
            reasons.in_words(field.data or "")
        except (ReasonMissing, BadRequest) as error:
            raise ValidationError(str(error)) from error

    def show(self, refusal: DomainError) -> None:
        """On top of the form: the browser has forgotten the file by now."""
        more = " Choose the file again once it is mended." if self.file_name else ""
        self.form_errors.append(f"{refusal}{more}")
