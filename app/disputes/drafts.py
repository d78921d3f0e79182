"""Writing evidence down. Two people may write at once: whoever saves later sees both texts, and neither is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.disputes.fields import MOST_IN_ALL
from app.errors import Conflict, DomainError, EvidenceTooLarge
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft, DisputeSubmission

# One person's typing is one state of the draft for so long, however often it is saved by itself.
_ONE_SITTING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote. `texts` by the names of Stripe's fields, without empty ones."""

    product_type: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    appeal: str | None = None
    enhanced: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, draft: DisputeDraft) -> "Written":
        return cls(draft.product_type, draft.texts, draft.appeal, draft.enhanced)

    def same_as(self, draft: DisputeDraft) -> bool:
        mine = (self.product_type, dict(self.texts), self.appeal, dict(self.enhanced or {}))
        return mine == (draft.product_type, draft.texts, draft.appeal, draft.enhanced or {})


class SavedMeanwhile(Conflict):
    """Somebody else saved since this text was begun. `theirs` is the draft now; what was written waits beside it."""

    def __init__(self, theirs: DisputeDraft) -> None:
        super().__init__(
            f"{theirs.saved_by} saved this evidence on {_moment(theirs)}, after you had opened it. Nothing is lost: where the two "
            "differ, theirs stands below yours. Make of both what should be sent, and save again."
        )
        self.theirs = theirs


def latest(dispute_id: str) -> DisputeDraft | None:
    """The draft as it is now."""
    return db.session.scalar(
        select(DisputeDraft)
        .where(DisputeDraft.dispute_id == dispute_id, ~DisputeDraft.is_aside)
        .order_by(DisputeDraft.number.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def earlier(dispute_id: str, *, limit: int = 50) -> list[DisputeDraft]:
    """All saved states, also those beside the draft, newest first."""
    of_dispute = select(DisputeDraft).where(DisputeDraft.dispute_id == dispute_id)
    return list(db.session.scalars(of_dispute.order_by(DisputeDraft.id.desc()).limit(limit)))


def submission(dispute: Dispute) -> DisputeSubmission | None:
    """Who sent the evidence of this round, if somebody did."""
    return db.session.scalar(
        select(DisputeSubmission).where(
            DisputeSubmission.dispute_id == dispute.id, DisputeSubmission.round == dispute.round
        )
    )


def obstacle(dispute: Dispute) -> DomainError | None:
    """Why nothing can be written or sent now, with the name of who was first."""
    if sent := submission(dispute):
        return already_sent(sent)
    return dispute.answer_obstacle


def already_sent(sent: DisputeSubmission) -> Conflict:
    at = sent.submitted_at.astimezone(UTC)
    return Conflict(
        f"{sent.who} submitted the evidence on {at:%-d %b %Y, %H:%M} UTC. It can be sent only once; "
        "what you wrote is kept below the dispute."
    )


def save(  # noqa: PLR0913 - what, on top of what, by whom and how
    dispute_id: str, written: Written, *, based_on: int, actor: Actor, by_itself: bool = False, apart: bool = True
) -> DisputeDraft:
    """Keep what was written. `based_on`: the number of the draft it was begun from, 0 for none.

    by_itself: the page saved it, nobody clicked; a sitting of one person is then one state.
    apart: what cannot become the draft is kept beside it.

    Raises:
        EvidenceTooLarge: the texts are longer than Stripe takes; nothing was kept.
        SavedMeanwhile: somebody else saved after `based_on`; this text is kept beside theirs.
        Conflict, DisputeClosed: it was submitted meanwhile, or takes no evidence; this text is kept all the same.
    """
    check_lengths(written)
    refusal: DomainError | None
    with transaction():
        dispute = db.session.get_one(Dispute, dispute_id, with_for_update=True, populate_existing=True)
        now = latest(dispute_id)
        refusal = obstacle(dispute)
        if refusal is None and now and now.number != based_on and not written.same_as(now):
            refusal = SavedMeanwhile(now)
        if refusal is None and now and written.same_as(now):
            return now
        if refusal is None and now and by_itself and _is_one_sitting(now, actor):
            draft = _go_on(now, written)
        else:
            draft = _add(dispute, written, now, actor, by_itself=by_itself, aside=refusal is not None)
        if refusal is None or apart:
            db.session.flush()
            action = "evidence.saved" if refusal is None else "evidence.set_aside"
            after = {"number": draft.number, "fields": sorted(written.texts)}
            trail.record(actor, action, "dispute", dispute_id, account_id=dispute.account_id, after=after)
        else:
            db.session.expunge(draft)
    if refusal is not None:
        raise refusal
    return draft


def check_lengths(written: Written) -> None:
    """Whether all texts together are short enough; each of them is looked at by the form.

    Raises:
        EvidenceTooLarge
    """
    total = sum(len(text) for text in written.texts.values())
    if total > MOST_IN_ALL:
        raise EvidenceTooLarge(
            f"All texts together have {total:,} characters; Stripe takes {MOST_IN_ALL:,}. Shorten the longest ones."
        )


def _is_one_sitting(draft: DisputeDraft, actor: Actor) -> bool:
    return draft.is_autosaved and draft.saved_by == actor.name and draft.saved_at > clock.now() - _ONE_SITTING


def _go_on(draft: DisputeDraft, written: Written) -> DisputeDraft:
    draft.number += 1
    draft.product_type, draft.texts, draft.appeal = written.product_type, dict(written.texts), written.appeal
    draft.enhanced, draft.act_id = dict(written.enhanced or {}) or None, None
    return draft


def _add(  # noqa: PLR0913 - what, on top of what, by whom and how
    dispute: Dispute, written: Written, now: DisputeDraft | None, actor: Actor, *, by_itself: bool, aside: bool
) -> DisputeDraft:
    draft = DisputeDraft(
        account_id=dispute.account_id,
        dispute_id=dispute.id,
        number=(now.number if now else 0) + 1,
        is_aside=aside,
        is_autosaved=by_itself,
        product_type=written.product_type,
        texts=dict(written.texts),
        enhanced=dict(written.enhanced or {}) or None,
        appeal=written.appeal,
        saved_by=actor.name,
        saved_at=clock.now(),
    )
    db.session.add(draft)
    return draft


def _moment(draft: DisputeDraft) -> str:
    return f"{draft.saved_at.astimezone(UTC):%-d %b %Y, %H:%M} UTC"
