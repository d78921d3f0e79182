"""What the shop promises its customers, ready to be put into evidence."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base

POLICIES = ("refund", "cancellation", "product")


class EvidencePolicy(Base):
    """A text of the shop by `kind`: how the refund or the cancellation policy is shown to customers, or what is sold."""

    __tablename__ = "evidence_policies"
    __table_args__ = (
        CheckConstraint(f"kind IN {POLICIES}", name="kind"),
        UniqueConstraint("account_id", "kind"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    words: Mapped[str]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
