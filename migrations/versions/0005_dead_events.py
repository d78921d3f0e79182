"""An index of the events that nobody could understand, for the start page."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_webhook_events_dead",
        "webhook_events",
        ["account_id", "received_at"],
        unique=False,
        postgresql_where=sa.text("state = 'dead'"),
    )


def downgrade() -> None:
    op.drop_index("ix_webhook_events_dead", table_name="webhook_events")
