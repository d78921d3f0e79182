"""The page on which Visa's Compelling Evidence 3.0 is put together."""

from collections.abc import Callable
from dataclasses import replace

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.database import db
from app.disputes import ce3, drafts, prefill
from app.disputes.drafts import Written
from app.errors import DisputeClosed, DomainError
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft
from app.web import witness
from app.web.admin import expose
from app.web.lookup import find
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


class Ce3Pages:
    """Part of /admin/disputes."""

    render: Callable[..., str]
    _stage: Callable[[DisputeDraft], None]

    @expose("/<key>/visa")
    @needs(Permission.DISPUTE_EVIDENCE)
    def visa(self, key: str) -> ResponseReturnValue:
        """Earlier payments that count, and what they share with this one."""
        witness.saw("personal.read", "dispute", find(Dispute, key, what="dispute").id)
        return self._visa_page(find(Dispute, key, what="dispute"))

    @expose("/<key>/visa", methods=("POST",))
    @needs(Permission.DISPUTE_EVIDENCE)
    def save_visa(self, key: str) -> ResponseReturnValue:
        """Put two of them into the draft, and let Stripe judge."""
        dispute = find(Dispute, key, what="dispute")
        charge = db.session.get(Charge, dispute.charge_id) if dispute.charge_id else None
        try:
            if charge is None or not ce3.applies(dispute):
                raise DisputeClosed("Stripe does not take this kind of evidence for this dispute.")
            enhanced = ce3.build(charge, request.form.getlist("prior"), request.form)
            now = drafts.latest(dispute.id)
            begun = Written.of(now) if now else Written(texts=prefill.suggestions(dispute))
            draft = drafts.save(
                dispute.id,
                replace(begun, enhanced=enhanced),
                based_on=now.number if now else 0,
                actor=current_actor(),
            )
        except DomainError as refusal:
            return self._visa_page(dispute, error=str(refusal), status=refusal.status)
        self._stage(draft)
        return redirect(url_for(".visa", key=dispute.id), 303)

    def _visa_page(self, dispute: Dispute, *, error: str = "", status: int = 200) -> ResponseReturnValue:
        charge = db.session.get(Charge, dispute.charge_id) if dispute.charge_id else None
        page = self.render(
            "disputes/visa.html",
            breadcrumbs=[("Disputes", url_for(".index_view")), (dispute.id, url_for(".details", key=dispute.id))],
            dispute=dispute,
            charge=charge,
            applies=ce3.applies(dispute),
            obstacle=drafts.obstacle(dispute),
            priors=ce3.priors(charge) if charge else [],
            known=ce3.features(charge) if charge else {},
            names=ce3.FEATURES,
            verdict=ce3.verdict(dispute),
            typed=request.form,
            chosen=request.form.getlist("prior"),
            error=error,
        )
        return make_response(page, status)
