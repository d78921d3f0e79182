"""What every row of the mirror has: whose it is, how new it is, and the whole object as Stripe sent it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, declared_attr, mapped_column


class Mirrored:
    """Columns of a copy of one Stripe object.

    `seen_at`: the second, on Stripe's clock, whose truth this row holds (event.created, or the second a read began).
    `heard_at`: our database's clock when the news came in or the read began; a read that began later beats it.
    `rank`: how far along its life the object is; decides between news of the same second where the life has one direction.
    `raw`: the object as JSON, zstd-compressed.
    References to other objects are plain ids without foreign keys: children may come before their parents.
    """

    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime | None]
    # `metadata` is taken by SQLAlchemy, so the attribute has another name than the column.
    labels: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    raw: Mapped[bytes]
    api_version: Mapped[str | None]
    seen_at: Mapped[datetime]
    heard_at: Mapped[datetime]
    rank: Mapped[int] = mapped_column(SmallInteger)
    deleted_at: Mapped[datetime | None]


class Listed(Mirrored):
    """A copy that lists page through by keyset, newest first within one account."""

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Index, ...]:  # noqa: N805 - declared on the class that mixes it in
        return (cls.newest_first(), *cls.more_indexes())

    @classmethod
    def newest_first(cls) -> Index:
        """The order of every list page: account, then created, then id to tell equals apart."""
        return Index(None, "account_id", "created_at", "id")

    @classmethod
    def more_indexes(cls) -> tuple[Any, ...]:
        """Indexes and constraints of one table beside the common one."""
        return ()
