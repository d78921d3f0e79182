"""The form that makes a payment link."""

from datetime import UTC, date, datetime, time, timedelta

from wtforms import DateField, IntegerField, SelectField, StringField, validators
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its stubs

from app.checkout.links import LONGEST_TITLE
from app.currencies import CURRENCIES
from app.models.payment_link import MOST_USES
from app.money import Money
from app.web.promised import PromisedForm


def _stripped(text: str | None) -> str:
    return (text or "").strip()


class PaymentLinkForm(PromisedForm):
    """amount: as people write it in `currency`. until: the last day, UTC, on which it is good."""

    title = StringField(
        "What is paid for",
        [validators.InputRequired("Say what is paid for."), validators.Length(max=LONGEST_TITLE)],
        filters=[_stripped],
    )
    amount = StringField("Amount", [validators.InputRequired("Enter an amount.")])
    currency = SelectField("Currency", choices=[SelectChoice(code, code.upper()) for code in sorted(CURRENCIES)])
    customer = StringField("Customer id", [validators.Length(max=255)], filters=[_stripped])
    max_uses = IntegerField(
        "How many may pay",
        [validators.Optional(), validators.NumberRange(1, MOST_USES, f"Enter a number from 1 to {MOST_USES:,}.")],
    )
    until = DateField("Last day (UTC)", [validators.Optional()])

    @property
    def price(self) -> Money:
        """
        Raises:
            BadAmount: what was typed is not an amount in this currency.
        """
        return Money.parse(self.amount.data or "", self.currency.data)

    @property
    def expires_at(self) -> datetime | None:
        """The midnight after the last day, UTC."""
        last: date | None = self.until.data
        return datetime.combine(last + timedelta(days=1), time(), UTC) if last and last < date.max else None
