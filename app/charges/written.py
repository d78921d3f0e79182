"""What a payment came to, as PostgreSQL writes it into a download: the words of `Charge.state`."""

from sqlalchemy import and_, case

from app.models.charge import Charge
from app.web.in_sql import words

_GIVEN_BACK = Charge.amount_refunded > Charge.amount - Charge.amount_captured

STATE = case(
    (and_(Charge.status == "failed", Charge.outcome_type == "blocked"), "blocked"),
    (Charge.status != "succeeded", words(Charge.status)),
    (and_(Charge.captured.is_(False), Charge.refunded), "canceled"),
    (Charge.captured.is_(False), "uncaptured"),
    (Charge.disputed, "disputed"),
    (Charge.refunded, "refunded"),
    (_GIVEN_BACK, "partially_refunded"),
    else_="succeeded",
)
