"""Forms whose act happens once, however often they are sent."""

from typing import Self
from uuid import UUID, uuid4

from wtforms import Form, HiddenField

from app.errors import BadRequest, DomainError


class PromisedForm(Form):
    """promise: made with the form; the id of what is promised by sending it."""

    promise = HiddenField()

    @classmethod
    def fresh(cls) -> Self:
        return cls(promise=str(uuid4()))

    @property
    def promise_id(self) -> UUID:
        """
        Raises:
            BadRequest: somebody changed it.
        """
        try:
            return UUID(self.promise.data or "")
        except ValueError as error:
            raise BadRequest("This form is damaged. Open the page again and start anew.") from error

    def show(self, refusal: DomainError) -> None:
        """What the operation refused, on top."""
        self.form_errors.append(str(refusal))
