"""A prepared statement is prepared once for each connection, whatever becomes of transactions and connections."""

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database import Prepared, db

TWICE = Prepared("twice", "SELECT :number * 2, :word::text", number="integer", word="text")
KNOWN = "SELECT count(*) FROM pg_prepared_statements WHERE name = 'twice'"


def _known() -> int:
    return int(db.session.execute(text(KNOWN)).scalar_one())


def test_values_stand_where_their_names_were(committed: Flask) -> None:
    assert tuple(TWICE.execute({"number": 21, "word": "it's 5 %"}).one()) == (42, "it's 5 %")


def test_it_outlives_a_rollback_and_is_not_prepared_again(committed: Flask) -> None:
    TWICE.execute({"number": 1, "word": ""})
    db.session.rollback()

    assert _known() == 1
    assert TWICE.execute({"number": 2, "word": ""}).first() is not None
    assert _known() == 1


def test_after_a_lost_connection_it_is_prepared_again(committed: Flask) -> None:
    TWICE.execute({"number": 1, "word": ""})
    try:
        db.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    except DBAPIError:
        db.session.rollback()

    assert TWICE.execute({"number": 2, "word": ""}).scalar() == 4
