"""Giving up an act."""

from wtforms import Form, TextAreaField, validators

from app.acts.recovery import LONGEST_REASON
from app.errors import DomainError


class WithdrawForm(Form):
    """words: what the person saw at Stripe, and why it is not needed."""

    words = TextAreaField(
        "What you saw in Stripe",
        [
            validators.InputRequired("Write a sentence on why this is given up."),
            validators.Length(max=LONGEST_REASON, message=f"At most {LONGEST_REASON} characters can be kept."),
        ],
    )

    @property
    def typed(self) -> dict[str, str]:
        return {"words": self.words.data or ""}

    def show(self, refusal: DomainError) -> None:
        self.form_errors.append(str(refusal))
