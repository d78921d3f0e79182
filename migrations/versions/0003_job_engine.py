"""The tables, types and functions of the job engine, from the schema file it ships with."""

from importlib import metadata, resources

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# A later engine brings its own migrations: they become one of ours, numbered after this one, and this one keeps its schema.
ENGINE = "3.10.0"

DROP = """
DO $$
DECLARE
    thing record;
BEGIN
    FOR thing IN SELECT tablename AS name FROM pg_tables
        WHERE schemaname = current_schema() AND starts_with(tablename, 'procrastinate_')
    LOOP
        EXECUTE format('DROP TABLE %I CASCADE', thing.name);
    END LOOP;
    FOR thing IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND starts_with(proname, 'procrastinate_')
    LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', thing.name);
    END LOOP;
    FOR thing IN SELECT typname AS name FROM pg_type
        WHERE typnamespace = current_schema()::regnamespace AND starts_with(typname, 'procrastinate_')
    LOOP
        EXECUTE format('DROP TYPE %I CASCADE', thing.name);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    installed = metadata.version("procrastinate")
    if installed != ENGINE:
        raise RuntimeError(f"This migration makes the schema of procrastinate {ENGINE}, but {installed} is installed.")
    _run(resources.files("procrastinate.sql").joinpath("schema.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    _run(DROP)


def _run(script: str) -> None:
    """As it stands: SQLAlchemy would take its colons and percent signs for parameters."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(script)
    cursor.close()
