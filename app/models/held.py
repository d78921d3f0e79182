"""Money that is only reserved: it is captured in time, or it goes back."""

from datetime import datetime, timedelta

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import defer

from app.models.charge import Charge

# As the index ix_charges_held has it.
HELD = and_(Charge.status == "succeeded", Charge.captured.is_(False), Charge.refunded.is_(False))
# With so little left, somebody should hear of it.
SOON = timedelta(hours=24)


def ending(account_id: int, before: datetime) -> Select[Charge]:
    """Holds that end by themselves before this instant, the most urgent first; each is a charge that is worth one alert."""
    mine = select(Charge).where(HELD, Charge.account_id == account_id, Charge.capture_before < before)
    return mine.order_by(Charge.capture_before, Charge.id).options(defer(Charge.raw, raiseload=True))
