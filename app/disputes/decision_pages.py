"""The page on which a dispute is accepted: what it costs, why, and that it is for good."""

from collections.abc import Callable
from uuid import uuid4

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.disputes import agreed, drafts, forms, last_chance, operations
from app.errors import DomainError
from app.gateways.current import gateway
from app.mirror import raw
from app.models.dispute import Dispute
from app.money import MinorUnits, Money
from app.web import proof
from app.web.admin import expose
from app.web.lookup import find
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


class DecisionPages:
    """Part of /admin/disputes."""

    render: Callable[..., str]

    @expose("/<key>/accept")
    @needs(Permission.DISPUTE_ACCEPT)
    def accept_form(self, key: str) -> ResponseReturnValue:
        """What accepting means, before anybody does."""
        words = proof.unfinished().get("words", "") if "again" in request.args else ""
        return self._accept_page(find(Dispute, key, what="dispute"), words=words)

    @expose("/<key>/accept", methods=("POST",))
    @needs(Permission.DISPUTE_ACCEPT)
    def accept(self, key: str) -> ResponseReturnValue:
        """Give the money up."""
        dispute = find(Dispute, key, what="dispute")
        words, promise_id = request.form.get("words", ""), forms.promise_of(request.form)
        back = url_for(".accept_form", key=dispute.id, again="yes")
        if words.strip() and (ask := proof.missing(back, typed={"words": words})):
            return ask
        try:
            if agreed.is_needed(dispute):
                approval = agreed.ask_for(dispute, words=words, promise_id=promise_id, actor=current_actor())
                return redirect(url_for("approvals.details", key=approval.id), 303)
            act = operations.accept(
                dispute.id, words=words, promise_id=promise_id, actor=current_actor(), gateway=gateway()
            )
        except DomainError as refusal:
            return self._accept_page(dispute, words=words, error=str(refusal), status=refusal.status)
        if act.status == "refused":
            return self._accept_page(dispute, words=words, error=f"Stripe refused: {act.refusal}", status=422)
        return redirect(url_for(".details", key=dispute.id), 303)

    @expose("/<key>/last-chance", methods=("POST",))
    @needs(Permission.DISPUTE_SUBMIT)
    def last_chance(self, key: str) -> ResponseReturnValue:
        """Keep this dispute out of what is submitted by itself, or let it in again."""
        dispute = find(Dispute, key, what="dispute")
        left = request.form.get("leave") == "yes"
        last_chance.leave(dispute.id, left=left, actor=current_actor())
        flash("It is left to people." if left else "It is submitted by itself if nobody does it before.", "success")
        return redirect(url_for(".details", key=dispute.id), 303)

    def _accept_page(
        self, dispute: Dispute, *, words: str = "", error: str = "", status: int = 200
    ) -> ResponseReturnValue:
        sent = drafts.submission(dispute)
        page = self.render(
            "disputes/accept.html",
            breadcrumbs=[("Disputes", url_for(".index_view")), (dispute.id, url_for(".details", key=dispute.id))],
            dispute=dispute,
            fee=fee_of(dispute),
            needs_another=agreed.is_needed(dispute),
            waiting=agreed.waiting_for(dispute.id),
            obstacle=drafts.already_sent(sent) if sent else dispute.accept_obstacle,
            words=words,
            error=error,
            promise=uuid4(),
        )
        return make_response(page, status)


def fee_of(dispute: Dispute) -> Money | None:
    """What Stripe took for the dispute itself, in the currency of the balance; None while no money has moved."""
    moved = raw.unpack(dispute.raw).get("balance_transactions") or []
    fees = [(line.get("fee") or 0, line.get("currency")) for line in moved if isinstance(line, dict)]
    if not fees or not fees[0][1]:
        return None
    return Money(MinorUnits(sum(fee for fee, _ in fees)), fees[0][1])
