"""What Stripe lists nowhere: payment methods are had customer by customer, mandates by their ids."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import chain
from typing import TypeVar

from sqlalchemy import text

from app.database import db
from app.errors import DomainError, GatewayRefused
from app.mirror import payout_contents, pull
from app.mirror.fields import Obj
from app.mirror.kinds import KINDS
from app.mirror.news import News
from app.sync import stretches
from app.sync.fetch import Page
from app.sync.reading import Reading
from app.sync.stretches import Stretch

# So many are asked for between two commits; a kill costs at most these.
_BATCH = 100
_NOT_FOUND = 404
Found = list[tuple[Obj, News]]
T = TypeVar("T")

_CUSTOMERS = text(
    "SELECT id FROM customers WHERE account_id = :account_id AND deleted_at IS NULL AND id > :after "
    "AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since) ORDER BY id LIMIT :limit"
)
# Named by a charge or a setup intent. Without `since`, those we have are asked for again as well.
_MANDATES = text(
    "SELECT DISTINCT id FROM ("
    "SELECT mandate_id AS id FROM charges WHERE account_id = :account_id AND mandate_id > :after "
    "UNION SELECT mandate_id FROM setup_intents WHERE account_id = :account_id AND mandate_id > :after "
    "UNION SELECT single_use_mandate_id FROM setup_intents WHERE account_id = :account_id AND single_use_mandate_id > :after "
    "UNION SELECT id FROM mandates WHERE account_id = :account_id AND id > :after) AS named "
    "WHERE CAST(:since AS timestamptz) IS NULL OR NOT EXISTS (SELECT FROM mandates WHERE mandates.id = named.id) "
    "ORDER BY id LIMIT :limit"
)


def read_payment_methods(reading: Reading, *, threads: int) -> None:
    """The payment methods of every customer (only of those created since, in a run that reads what is new)."""

    def of_customer(customer_id: str) -> Found:
        try:
            answers = list(pull.pages(f"/v1/customers/{customer_id}/payment_methods", {}, reading.gateway))
        except GatewayRefused as refusal:
            if refusal.code == "resource_missing":  # deleted a moment ago
                return []
            raise
        return [(obj, News.read(answer, reading.account_id)) for answer in answers for obj in answer.data]

    _read(reading, "payment_method", str(_CUSTOMERS), of_customer, threads)


def read_mandates(reading: Reading, *, threads: int) -> None:
    """The mandates that charges and setup intents name."""

    def by_id(mandate_id: str) -> Found:
        answer = reading.gateway.look(f"/v1/mandates/{mandate_id}")
        return [] if answer.status == _NOT_FOUND else [(answer.body, News.read(answer, reading.account_id))]

    _read(reading, "mandate", str(_MANDATES), by_id, threads)


def read_payout_contents(reading: Reading) -> None:
    """Which lines of the ledger went out with which payout, of every payout where that is not known."""
    after = ""
    while batch := payout_contents.unknown(reading.account_id, after=after, limit=_BATCH):
        after = batch[-1]
        for payout_id in batch:
            try:
                payout_contents.read(payout_id, reading.gateway, reading.account_id)
            except DomainError as error:
                reading.fail(payout_contents.KIND, error)


def read_unlisted(reading: Reading, kinds: Sequence[str], *, heard_before: datetime) -> None:
    """What a full run has not met although we have it: deleted (or detached) at Stripe, and nobody told us."""
    for kind in kinds:
        door = KINDS[kind].door
        query = (
            f"SELECT {door.key} FROM {door.table.name} WHERE account_id = :account_id AND deleted_at IS NULL "
            f"AND {door.key} IS NOT NULL AND heard_at < :heard_before AND {KINDS[kind].listed_while} ORDER BY 1"
        )
        values = {"account_id": reading.account_id, "heard_before": heard_before}
        unlisted = list(db.session.execute(text(query), values).scalars())
        db.session.rollback()
        reading.doubtful |= {(kind, object_id) for object_id in unlisted}


def _read(reading: Reading, kind: str, query: str, ask: Callable[[str], Found], threads: int) -> None:
    for stretch in stretches.unfinished(reading.run_id, [kind]):
        try:
            with ThreadPoolExecutor(threads, thread_name_prefix="fetch") as pool:
                for batch in _batches(reading, stretch, query):
                    found = list(chain.from_iterable(pool.map(ask, batch)))
                    objects, news = [obj for obj, _ in found], [news for _, news in found]
                    after, last = (batch[-1] if batch else None), len(batch) < _BATCH
                    reading.keep(Page(stretch, objects, news, after, last))
        except Exception as error:  # noqa: BLE001 - `fail` raises it again unless it is about Stripe
            reading.fail(kind, error)


def _batches(reading: Reading, stretch: Stretch, query: str) -> Iterator[Sequence[str]]:
    """Ids in order, beginning after the last one that was done; the last batch is not full."""
    after = stretch.after_id or ""
    while True:
        values = {"account_id": reading.account_id, "after": after, "since": stretch.from_at, "limit": _BATCH}
        batch = list(db.session.execute(text(query), values).scalars())
        db.session.rollback()  # nothing stays open while Stripe is asked
        yield batch
        if len(batch) < _BATCH:
            return
        after = batch[-1]
