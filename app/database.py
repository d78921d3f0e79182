"""The database: one Base for all tables, one session, and the only way to write."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg2
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Date, DateTime, LargeBinary, MetaData, Result, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase

from app.money import MinorUnits

log = logging.getLogger(__name__)


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
        try:
            session.rollback()
        except SQLAlchemyError:
            drop_session()  # and raise what brought us here, not what came of it
        raise


class Prepared:
    """A statement that PostgreSQL parses and plans once for each connection: half of its work on a few rows with many columns.

    `types`: PostgreSQL's type of each value, by the name it has in `sql` as `:name`.
    """

    def __init__(self, name: str, sql: str, **types: str) -> None:
        self._name = name
        for number, value in enumerate(types, start=1):
            sql = re.sub(rf"(?<!:):{value}\b", f"${number}", sql)
        self._prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {sql}"
        self._execute = text(f"EXECUTE {name} ({', '.join(f':{value}' for value in types)})")

    def execute(self, values: dict[str, Any]) -> Result[Any]:
        """Run it in the session's transaction."""
        connection = db.session.connection()
        # It belongs to the connection itself and outlives a rollback, as does what is noted here.
        prepared = connection.info.setdefault("prepared", set())
        if self._name not in prepared:
            connection.exec_driver_sql(self._prepare)
            prepared.add(self._name)
        return db.session.execute(self._execute, values)


def is_lost(error: Exception) -> bool:
    """The connection broke, or none could be made: the server itself said nothing.

    The driver says so in several classes, one of which is its most general.
    """
    if not isinstance(error, DBAPIError) or error.orig is None:
        return False
    if getattr(error.orig, "pgcode", None) is not None:
        return error.connection_invalidated
    classes = (psycopg2.OperationalError, psycopg2.InterfaceError)
    return isinstance(error.orig, classes) or type(error.orig) is psycopg2.DatabaseError


def drop_session() -> None:
    """Give up the session and what is open in it. Its connection may be dead, so that even giving up can fail."""
    try:
        db.session.remove()
    except SQLAlchemyError as error:
        log.warning("database.session_lost", extra={"reason": type(error).__name__})
        # Not closed, but forgotten: whoever comes next begins anew. The pool sees for itself that the connection is dead.
        db.session.registry.clear()


def engine_options() -> dict[str, Any]:
    """For Flask-SQLAlchemy: connections that notice a restarted server, and think in UTC."""
    return {
        # The values of a statement that fails are people's names and addresses: an error is logged without them.
        "hide_parameters": True,
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
