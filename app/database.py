"""The database: one Base for all tables, one session, and the only way to write."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Date, DateTime, LargeBinary, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import DeclarativeBase

from app.money import MinorUnits


class Base(DeclarativeBase):
    """Every table. Text is `text`, instants are `timestamptz`, amounts are `bigint`, objects are `jsonb`."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        datetime: DateTime(timezone=True),
        date: Date,
        MinorUnits: BigInteger,
        UUID: PG_UUID(as_uuid=True),
        dict[str, Any]: JSONB(none_as_null=True),
        list[str]: ARRAY(Text),
        bytes: LargeBinary,
    }


# Not `model_class=Base`: Flask-SQLAlchemy 3.1.1 raises on it with a type_annotation_map.
# Without expire_on_commit=False the first look at a committed row would open a transaction during the call to Stripe.
db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})


@contextmanager
def transaction() -> Iterator[None]:
    """Everything inside is kept, or nothing; nothing else in the program commits.

    Raises:
        InvalidRequestError: a transaction is already open with changes in it: two promises would become one.
    """
    session = db.session
    if session.new or session.dirty or session.deleted:
        raise InvalidRequestError("There are changes outside of transaction(): they belong into one.")
    # What was only read before belongs to no promise; its snapshot and locks end here.
    session.rollback()
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise


def engine_options() -> dict[str, Any]:
    """For Flask-SQLAlchemy: connections that notice a restarted server, and think in UTC."""
    return {
        # Without it, the first request after a database restart is a 500.
        "pool_pre_ping": True,
        "pool_size": 8,
        "max_overflow": 24,
        "pool_timeout": 10,
        "connect_args": {
            "connect_timeout": 5,
            "application_name": "counterfoil",
            "options": "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
        },
    }
