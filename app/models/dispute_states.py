"""What became of a dispute, as conditions of PostgreSQL."""

from sqlalchemy import and_, func, or_

from app.models.dispute import Dispute

# The words of `Dispute.is_settled_early`.
SETTLED_EARLY = or_(
    Dispute.status == "prevented",
    func.coalesce(Dispute.case_type, "") == "resolution",
    and_(Dispute.status == "lost", func.coalesce(Dispute.fee, 1) == 0),
)
