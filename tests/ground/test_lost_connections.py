"""A connection that dies is told apart from a mistake, and takes neither the next request nor the next transaction with it."""

import psycopg2
import pytest
from flask import Flask
from psycopg2 import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.database import db, drop_session, is_lost, transaction

KILL = "SELECT pg_terminate_backend(:pid)"


def wrapped(error: Exception) -> DBAPIError:
    return DBAPIError("SELECT 1", None, error)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (psycopg2.OperationalError("connection refused"), True),
        (psycopg2.InterfaceError("connection already closed"), True),
        (psycopg2.DatabaseError("server closed the connection unexpectedly"), True),
        (psycopg2.ProgrammingError("can't adapt type"), False),
        (psycopg2.DataError("a NUL"), False),
    ],
)
def test_what_the_driver_says_without_the_server(error: Exception, lost: bool) -> None:
    assert is_lost(wrapped(error)) is lost


def test_what_the_server_says_is_not_a_lost_connection(committed: Flask) -> None:
    with pytest.raises(IntegrityError) as caught, transaction():
        db.session.execute(text("INSERT INTO accounts (livemode, created_at) VALUES (NULL, now())"))

    assert isinstance(caught.value.orig, errors.NotNullViolation)
    assert not is_lost(caught.value)
    assert not is_lost(ValueError("nothing of the database"))


def test_a_transaction_whose_connection_dies_raises_that_and_the_next_one_works(committed: Flask) -> None:
    with pytest.raises(DBAPIError) as caught, transaction():
        die()
        db.session.execute(text("SELECT 1"))

    assert is_lost(caught.value) or "terminating connection" in str(caught.value)
    with transaction():
        assert db.session.execute(text("SELECT 1")).scalar() == 1


def test_a_session_can_be_given_up_whatever_became_of_its_connection(committed: Flask) -> None:
    db.session.execute(text("SELECT 1"))
    die()

    drop_session()

    assert db.session.execute(text("SELECT 1")).scalar() == 1


def die() -> None:
    """End the connection of this thread's session, as a server that goes away does."""
    pid = db.session.execute(text("SELECT pg_backend_pid()")).scalar()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
        other.execute(text(KILL), {"pid": pid})
