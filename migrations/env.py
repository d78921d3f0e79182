"""Runs migrations on the application's own engine; DDL and its version row are one transaction per migration."""

import time
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, MetaData, event, text

# Two web processes that start at once must not both migrate.
_LOCK = 7_266_301
# A lock that is not free by then is a busy table: give up and be run again, rather than stop all traffic.
_PATIENCE = "3s"


def _metadata() -> MetaData:
    import app.models.registry  # noqa: F401 - knows every table, for `flask db check`
    from app.database import Base

    return Base.metadata


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, compare_to: object) -> bool:
    """The engine's and the sandbox's tables are not ours to compare."""
    return not (kind == "table" and compare_to is None and (name or "").startswith("procrastinate_"))


def _take_turns(connection: Connection) -> None:
    """Wait for whoever migrates now. Asked again and again: an index that is built beside the traffic waits for every statement
    that runs, also for one that waits for the lock of its builder.
    """
    while not connection.execute(text(f"SELECT pg_try_advisory_lock({_LOCK})")).scalar():
        connection.commit()
        time.sleep(0.2)
    connection.commit()


def _drop_half_built(connection: Connection) -> None:
    """Indexes of ours whose building was broken off: they answer nothing, and bear the name of the one that has to be built."""
    ours = {index.name for table in _metadata().tables.values() for index in table.indexes}
    broken = text("SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid")
    for name in connection.execute(broken).scalars().all():
        if name in ours:
            connection.execute(text(f'DROP INDEX "{name}"'))
    connection.commit()


def _let_it_wait(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
    """An index that is built or dropped beside the traffic stops nobody while it waits, if it takes hours."""
    cursor.execute(f"SET lock_timeout = '{0 if ' INDEX CONCURRENTLY ' in statement else _PATIENCE}'")


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{_PATIENCE}'"))
        connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
        connection.commit()
        _take_turns(connection)
        _drop_half_built(connection)
        event.listen(connection, "before_cursor_execute", _let_it_wait)
        try:
            context.configure(
                connection=connection,
                target_metadata=_metadata(),
                transaction_per_migration=True,
                compare_type=True,
                compare_server_default=True,
                include_object=_ours,
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            connection.rollback()
            connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
            connection.commit()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database: they are not written out as SQL.")
run()
