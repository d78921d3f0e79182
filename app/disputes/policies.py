"""The shop's own words for evidence: written once, put into every new draft."""

from typing import ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.disputes.fields import MOST_IN_ONE
from app.disputes.forms import cleaned
from app.errors import Conflict, DomainError, EvidenceTooLarge, Unknown
from app.models.evidence_policy import EvidencePolicy
from app.web.accounts import current_account_id
from app.web.admin import StaffView, expose
from app.web.permissions import Need, Permission
from app.web.sessions import current_actor

WORDS: dict[str, tuple[str, str]] = {
    "refund": ("How customers see the refund policy", "Goes into disputes about refunds."),
    "cancellation": ("How customers see the cancellation policy", "Goes into disputes about subscriptions."),
    "product": ("What the shop sells", "Used where neither an invoice nor the payment says what was sold."),
}


class EvidenceWordsView(StaffView):
    """/admin/evidence-words"""

    permission: ClassVar[Need] = Permission.RULES_MANAGE
    endpoint = "evidence_words"
    section_url = "/admin/evidence-words"
    title = "Words for evidence"
    group = "Oversight"
    icon = "file-text"

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Each text with its form."""
        return self._page()

    @expose("/<kind>", methods=("POST",))
    def save(self, kind: str) -> ResponseReturnValue:
        """Change one text; drafts that were begun stay as they are."""
        typed = cleaned(request.form.get("words", ""))
        try:
            save(current_account_id(), kind, typed, actor=current_actor())
        except DomainError as refusal:
            return make_response(self._page(error={kind: str(refusal)}, typed={kind: typed}), refusal.status)
        flash("Saved. New drafts begin with it.", "success")
        return redirect(url_for(".index_view"), 303)

    def _page(self, *, error: dict[str, str] | None = None, typed: dict[str, str] | None = None) -> str:
        kept = select(EvidencePolicy).where(EvidencePolicy.account_id == current_account_id())
        known = {policy.kind: policy.words for policy in db.session.scalars(kept)}
        return self.render("disputes/policies.html", kinds=WORDS, known=known | (typed or {}), error=error or {})


def save(account_id: int, kind: str, words: str, *, actor: Actor) -> None:
    """Keep the text of one policy.

    Raises:
        Unknown: there is no such policy. EvidenceTooLarge: more than one field of evidence holds. Conflict: no account yet.
    """
    if kind not in WORDS:
        raise Unknown("There is no such text.")
    if len(words) > MOST_IN_ONE:
        raise EvidenceTooLarge(f"{len(words):,} characters; {MOST_IN_ONE:,} fit. Shorten it.")
    if not account_id:
        raise Conflict("Nothing was heard of Stripe yet. Run the first sync, then write this.")
    with transaction():
        mine = select(EvidencePolicy).where(EvidencePolicy.account_id == account_id, EvidencePolicy.kind == kind)
        policy = db.session.scalar(mine.with_for_update())
        before = policy.words if policy else None
        if policy is None:
            policy = EvidencePolicy(account_id=account_id, kind=kind)
            db.session.add(policy)
        policy.words, policy.saved_by, policy.saved_at = words, actor.name, clock.now()
        db.session.flush()
        trail.record(
            actor,
            "evidence.policy_saved",
            "evidence_policy",
            kind,
            account_id=account_id,
            before={"words": before},
            after={"words": words},
        )
