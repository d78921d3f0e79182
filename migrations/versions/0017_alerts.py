"""Who is told of what, what was told, and how people want their digest."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("more_than", sa.Integer(), nullable=False),
        sa.Column("window_hours", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('mail', 'slack', 'webhook')", name=op.f("ck_alert_rules_channel")),
        sa.CheckConstraint("more_than >= 0 AND window_hours BETWEEN 0 AND 8760", name=op.f("ck_alert_rules_numbers")),
        sa.CheckConstraint(
            "channel <> 'webhook' OR secret IS NOT NULL", name=op.f("ck_alert_rules_webhooks_are_signed")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alert_rules_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    op.create_index(op.f("ix_alert_rules_account_id_created_at_id"), "alert_rules", ["account_id", "created_at", "id"])
    op.create_index(
        "ix_alert_rules_live", "alert_rules", ["account_id", "source"], postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_table(
        "alert_deliveries",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("rule_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("dedup_key", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'failed', 'snoozed')", name=op.f("ck_alert_deliveries_state")
        ),
        sa.CheckConstraint(
            "state <> 'sending' OR asked_at IS NOT NULL", name=op.f("ck_alert_deliveries_sending_since")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alert_deliveries_account_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["alert_rules.id"], name=op.f("fk_alert_deliveries_rule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_deliveries")),
    )
    op.create_index("uq_alert_deliveries_told", "alert_deliveries", ["rule_id", "dedup_key"], unique=True)
    op.create_index(
        "ix_alert_deliveries_due",
        "alert_deliveries",
        ["not_before"],
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(
        op.f("ix_alert_deliveries_account_id_raised_at_id"), "alert_deliveries", ["account_id", "raised_at", "id"]
    )
    op.create_table(
        "digest_wishes",
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_digest_wishes_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_digest_wishes")),
    )


def downgrade() -> None:
    op.drop_table("digest_wishes")
    op.drop_table("alert_deliveries")
    op.drop_table("alert_rules")
