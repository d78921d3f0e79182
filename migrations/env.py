"""Runs migrations on the application's own engine; DDL and its version row are one transaction per migration."""

from alembic import context
from flask import current_app
from sqlalchemy import MetaData, text

# Two web processes that start at once must not both migrate.
_LOCK = 7_266_301


def _metadata() -> MetaData:
    import app.models.registry  # noqa: F401 - knows every table, for `flask db check`
    from app.database import Base

    return Base.metadata


def _ours(_object: object, name: str | None, kind: str, _reflected: bool, compare_to: object) -> bool:
    """The engine's and the sandbox's tables are not ours to compare."""
    return not (kind == "table" and compare_to is None and (name or "").startswith("procrastinate_"))


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        # A lock that is not free within three seconds is a busy table: give up and be run again, rather than stop all traffic.
        connection.execute(text("SET lock_timeout = '3s'"))
        connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        connection.commit()
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
