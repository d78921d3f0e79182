"""Second factors, roles of the shop's own, networks, invitations and keys for programs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = postgresql.JSONB(none_as_null=True)
TEXTS = postgresql.ARRAY(sa.Text())
ROLES = "('admin', 'finance', 'support_lead', 'support', 'dispute_analyst', 'developer', 'auditor', 'view_only')"


def upgrade() -> None:
    op.alter_column("staff", "password_hash", existing_type=sa.Text(), nullable=True)
    op.add_column("staff", sa.Column("sso_subject", sa.Text(), nullable=True))
    op.create_index("uq_staff_sso_subject", "staff", ["sso_subject"], unique=True)
    op.add_column("staff_sessions", sa.Column("second_factor_at", INSTANT, nullable=True))
    op.add_column("staff_sessions", sa.Column("seen_as", sa.Text(), nullable=True))
    op.add_column("staff_sessions", sa.Column("unmasked", JSON, nullable=True))
    op.create_check_constraint(
        op.f("ck_staff_sessions_seen_as"), "staff_sessions", f"seen_as IS NULL OR seen_as IN {ROLES}"
    )
    _second_factors()
    _roles()
    _links_and_keys()


def _second_factors() -> None:
    op.create_table(
        "authenticators",
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_authenticators_staff_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_authenticators")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_recovery_codes_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index("uq_recovery_codes_staff_id_code_hash", "recovery_codes", ["staff_id", "code_hash"], unique=True)
    op.create_table(
        "passkeys",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", TEXTS, nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.CheckConstraint("sign_count >= 0", name=op.f("ck_passkeys_sign_count")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_passkeys_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
    )
    op.create_index(op.f("ix_passkeys_staff_id"), "passkeys", ["staff_id"])
    op.create_table(
        "sign_in_steps",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=True),
        sa.Column("data", JSON, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('second_factor', 'passkey', 'new_passkey', 'sso')", name=op.f("ck_sign_in_steps_kind")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_sign_in_steps_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_steps")),
    )
    op.create_index(op.f("ix_sign_in_steps_expires_at"), "sign_in_steps", ["expires_at"])
    op.create_index(op.f("ix_sign_in_steps_staff_id"), "sign_in_steps", ["staff_id"])


def _roles() -> None:
    op.create_table(
        "role_permissions",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"role IN {ROLES}", name=op.f("ck_role_permissions_role")),
        sa.CheckConstraint(
            "granted OR role <> 'admin' OR permission NOT IN ('staff.read', 'staff.manage')",
            name=op.f("ck_role_permissions_admin_stays"),
        ),
        sa.PrimaryKeyConstraint("role", "permission", name=op.f("pk_role_permissions")),
    )
    op.create_table(
        "role_policies",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"role IN {ROLES}", name=op.f("ck_role_policies_role")),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_role_policies")),
    )
    op.create_table(
        "allowed_networks",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("network", postgresql.CIDR(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint(f"role IS NULL OR role IN {ROLES}", name=op.f("ck_allowed_networks_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowed_networks")),
    )
    op.create_index(
        "uq_allowed_networks_network_role",
        "allowed_networks",
        ["network", "role"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def _links_and_keys() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=True),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.CheckConstraint(f"role IN {ROLES}", name=op.f("ck_invitations_role")),
        sa.CheckConstraint("accepted_at IS NULL OR withdrawn_at IS NULL", name=op.f("ck_invitations_one_end")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_invitations_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index("uq_invitations_token_hash", "invitations", ["token_hash"], unique=True)
    op.create_index(
        "uq_invitations_open_email",
        "invitations",
        ["email"],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND withdrawn_at IS NULL"),
    )
    op.create_index(op.f("ix_invitations_created_at"), "invitations", ["created_at"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("replaced_by_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_api_keys_scopes")),
        sa.ForeignKeyConstraint(["replaced_by_id"], ["api_keys.id"], name=op.f("fk_api_keys_replaced_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index("uq_api_keys_prefix", "api_keys", ["prefix"], unique=True)
    op.create_index(op.f("ix_api_keys_created_at"), "api_keys", ["created_at"])


def downgrade() -> None:
    for table in (
        "api_keys", "invitations", "allowed_networks", "role_policies", "role_permissions", "sign_in_steps", "passkeys",
        "recovery_codes", "authenticators",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_constraint(op.f("ck_staff_sessions_seen_as"), "staff_sessions", type_="check")
    for column in ("unmasked", "seen_as", "second_factor_at"):
        op.drop_column("staff_sessions", column)
    op.drop_index("uq_staff_sso_subject", "staff")
    op.drop_column("staff", "sso_subject")
    # Whoever came in through single sign-on only has no password to go back to: '' matches none.
    op.execute("UPDATE staff SET password_hash = '' WHERE password_hash IS NULL")
    op.alter_column("staff", "password_hash", existing_type=sa.Text(), nullable=False)
