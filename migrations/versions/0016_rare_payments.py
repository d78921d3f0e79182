"""Nothing any more: what is rare among payments is found by their facets, further on."""

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Indexes stood here that the one of facets does without; it drops them where they are."""


def downgrade() -> None:
    """Nothing was made."""
