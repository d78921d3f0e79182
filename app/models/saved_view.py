"""Ways to look at a list that somebody kept by name."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models.staff import ROLES

LONGEST_NAME = 80
_ROLES = ", ".join(f"'{role}'" for role in ROLES)


class SavedView(Base):
    """Filters, order and columns of one list. Whoever looks sees with their own eyes: a view shows nobody more than their role.

    list_name: the list's endpoint, "charges". asked: what its address would say, {"status": "failed", "cols": "amount,id"}.
    shared_with: the roles that see it beside its owner.
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {LONGEST_NAME} AND name = btrim(name)", name="name"),
        CheckConstraint(f"shared_with <@ ARRAY[{_ROLES}]", name="shared_with"),
        CheckConstraint("jsonb_typeof(asked) = 'object' AND octet_length(asked::text) <= 20000", name="asked"),
        Index("uq_saved_views_name", "account_id", "list_name", "owner_id", text("lower(name)"), unique=True),
        Index(None, "account_id", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    list_name: Mapped[str]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[str]
    asked: Mapped[dict[str, Any]]
    shared_with: Mapped[list[str]]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ViewDefault(Base):
    """What a list opens with: one view for each holder, who is a person, "staff:<id>", or a role, "role:support"."""

    __tablename__ = "saved_view_defaults"
    __table_args__ = (
        CheckConstraint("holder ~ '^(role:[a-z_]+|staff:[0-9a-f-]{36})$'", name="holder"),
        Index(None, "view_id"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    list_name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(primary_key=True)
    view_id: Mapped[UUID] = mapped_column(ForeignKey("saved_views.id", ondelete="CASCADE"))
