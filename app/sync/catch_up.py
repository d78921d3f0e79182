"""What webhooks may have missed: Stripe's list of events, read on from where we stopped."""

from collections.abc import Callable
from datetime import datetime, timedelta

from app import clock
from app.database import db, transaction
from app.mirror import pull
from app.mirror.fields import Obj
from app.mirror.pull import Reads
from app.models.account import Account

# Events appear in the list with a little delay and not in order; those we have are recognised by their ids.
OVERLAP = timedelta(minutes=10)

TakeIn = Callable[[list[Obj]], None]


def catch_up(gateway: Reads, account_id: int, take_in: TakeIn, *, since: datetime | None = None) -> int:
    """Hand every event since the last time to `take_in`, a page at a time; how many there were, known ones included.

    `since` is where to begin when this account never caught up before; without it, at the present.
    Safe to stop anywhere: how far we have read is only remembered at the end.
    """
    account = db.session.get_one(Account, account_id)
    read_to = account.events_read_to or since
    db.session.rollback()
    count, began = 0, None
    parameters = {"created": {"gte": clock.to_unix(read_to - OVERLAP)}} if read_to else {}
    for answer in pull.pages("/v1/events", parameters, gateway):
        began = began or answer.stripe_now - answer.elapsed
        if answer.data:
            take_in(answer.data)
        count += len(answer.data)
    with transaction():
        account = db.session.get_one(Account, account_id, with_for_update=True)
        account.events_read_to = max(filter(None, (account.events_read_to, began)))
    return count
