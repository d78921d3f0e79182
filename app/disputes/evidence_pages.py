"""The pages on which evidence is written, looked over and sent."""

from collections.abc import Callable, Mapping
from uuid import uuid4

from flask import Response, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app.database import db
from app.disputes import drafts, files, forms, last_chance, operations, prefill, receipt
from app.disputes.drafts import SavedMeanwhile
from app.disputes.fields import PRODUCT_TYPES, advice_of
from app.disputes.forms import Typed
from app.disputes.packet import packet
from app.disputes.receipt import PrintReceipt
from app.disputes.sheet import Sheet, sheet
from app.disputes.words import urgency
from app.errors import Conflict, DomainError, GatewayUnavailable, Unknown
from app.gateways.current import gateway
from app.models.act import REQUESTED, Act
from app.models.charge import Charge
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft
from app.web import proof, witness
from app.web.admin import expose, may
from app.web.lookup import find
from app.web.people import visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


class EvidencePages:
    """Part of /admin/disputes. Whoever may write evidence sees in it what it must say of the customer; that is put on record."""

    render: Callable[..., str]
    receipt: PrintReceipt

    @expose("/<key>/evidence")
    @needs(Permission.DISPUTE_EVIDENCE)
    def evidence(self, key: str) -> ResponseReturnValue:
        """The form, or what was sent once it was."""
        dispute = find(Dispute, key, what="dispute")
        witness.saw("personal.read", "dispute", dispute.id)
        return self._form_page(find(Dispute, key, what="dispute"))

    @expose("/<key>/evidence", methods=("POST",))
    @needs(Permission.DISPUTE_EVIDENCE)
    def save(self, key: str) -> ResponseReturnValue:
        """Save the draft here and at Stripe, with the files that were chosen."""
        dispute = find(Dispute, key, what="dispute")
        typed = forms.read(request.form, dispute, drafts.latest(dispute.id))
        if typed.errors:
            return self._form_page(dispute, typed=typed, status=400)
        try:
            draft = drafts.save(dispute.id, typed.written, based_on=typed.based_on, actor=current_actor())
        except SavedMeanwhile as conflict:
            return self._form_page(
                dispute, typed=typed, refusal=conflict, theirs=conflict.theirs, status=conflict.status
            )
        except DomainError as refusal:
            return self._form_page(dispute, typed=typed, refusal=refusal, status=refusal.status)
        wrong = _attach_all(dispute.id) | self._attach_receipt(dispute)
        if wrong:
            return self._form_page(dispute, file_errors=wrong, status=400)
        self._stage(draft)
        to = ".review" if request.form.get("next") == "review" else ".evidence"
        return redirect(url_for(to, key=dispute.id), 303)

    @expose("/<key>/evidence/autosave", methods=("POST",))
    @needs(Permission.DISPUTE_EVIDENCE)
    def autosave(self, key: str) -> ResponseReturnValue:
        """What the page saves by itself while somebody types; only here, not at Stripe."""
        dispute = find(Dispute, key, what="dispute")
        typed = forms.read(request.form, dispute, drafts.latest(dispute.id))
        if typed.errors:
            return {"error": "Too long to be saved: see the marked fields."}, 400
        try:
            draft = drafts.save(
                dispute.id, typed.written, based_on=typed.based_on, actor=current_actor(), by_itself=True, apart=False
            )
        except DomainError as refusal:
            return {"error": str(refusal)}, refusal.status
        return {"number": draft.number}

    @expose("/<key>/files/<field>")
    @needs(Permission.DISPUTE_EVIDENCE)
    def file(self, key: str, field: str) -> ResponseReturnValue:
        """A file of the evidence, to look at again."""
        dispute = find(Dispute, key, what="dispute")
        file = files.of(dispute.id).get(field)
        if file is None:
            raise Unknown("There is no such file any more.")
        answer = Response(files.content_of(file), mimetype=file.media_type)
        answer.headers.set("Content-Disposition", "attachment", filename=file.filename)
        witness.saw("file.taken", "dispute", key, after={"file": file.filename})
        return answer

    @expose("/<key>/files/<field>/remove", methods=("POST",))
    @needs(Permission.DISPUTE_EVIDENCE)
    def remove_file(self, key: str, field: str) -> ResponseReturnValue:
        """Take a file out of the evidence."""
        dispute = find(Dispute, key, what="dispute")
        try:
            files.remove(dispute.id, field, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        return redirect(url_for(".evidence", key=dispute.id), 303)

    @expose("/<key>/texts")
    @needs(Permission.DISPUTE_EVIDENCE)
    def texts(self, key: str) -> ResponseReturnValue:
        """Every text that anybody saved for this dispute."""
        dispute = find(Dispute, key, what="dispute")
        witness.saw("personal.read", "dispute", dispute.id)
        return self.render(
            "disputes/texts.html",
            breadcrumbs=_crumbs(dispute, evidence=True),
            dispute=dispute,
            saved=drafts.earlier(dispute.id),
        )

    @expose("/<key>/packet.pdf")
    @needs(Permission.DISPUTE_EVIDENCE)
    def packet(self, key: str) -> ResponseReturnValue:
        """All of it as one PDF."""
        dispute = find(Dispute, key, what="dispute")
        witness.saw("personal.read", "dispute", dispute.id)
        dispute = find(Dispute, key, what="dispute")
        made = packet(dispute, self._sheet(dispute, drafts.latest(dispute.id)))
        answer = Response(made.content, mimetype="application/pdf")
        answer.headers.set("Content-Disposition", "attachment", filename=f"{dispute.id}.pdf")
        return answer

    @expose("/<key>/submit")
    @needs(Permission.DISPUTE_SUBMIT)
    def review(self, key: str) -> ResponseReturnValue:
        """The last look before it is sent for good."""
        witness.saw("personal.read", "dispute", find(Dispute, key, what="dispute").id)
        return self._review_page(find(Dispute, key, what="dispute"))

    @expose("/<key>/submit", methods=("POST",))
    @needs(Permission.DISPUTE_SUBMIT)
    def submit(self, key: str) -> ResponseReturnValue:
        """Send the evidence, once."""
        dispute = find(Dispute, key, what="dispute")
        promise_id, number = forms.promise_of(request.form), forms.number_of(request.form)
        if request.form.get("sure") != "yes":
            return self._review_page(dispute, error="Tick that you know it can be sent only once.", status=400)
        if ask := proof.missing(url_for(".review", key=dispute.id)):
            return ask
        fee_agreed = request.form.get("fee") == "yes" and may(Permission.DISPUTE_FEE)
        try:
            act = operations.submit(
                dispute.id,
                number=number,
                fee_agreed=fee_agreed,
                promise_id=promise_id,
                actor=current_actor(),
                gateway=gateway(),
            )
        except DomainError as refusal:
            return self._review_page(dispute, error=str(refusal), status=refusal.status)
        if act.status == "refused":
            return self._review_page(dispute, error=f"Stripe did not take it: {act.refusal}", status=422)
        return redirect(url_for(".details", key=dispute.id), 303)

    def act_in_flight(self, dispute: Dispute) -> Act | None:
        """What was asked of Stripe about this dispute and has no answer yet."""
        about = select(Act).where(Act.object_type == "dispute", Act.object_id == dispute.id, Act.status == REQUESTED)
        return db.session.scalar(about.order_by(Act.requested_at.desc()).limit(1))

    def _attach_receipt(self, dispute: Dispute) -> dict[str, str]:
        """The receipt that we print, where it was asked for and no other file was chosen; what is wrong with it."""
        if request.form.get("attach") != receipt.FIELD or receipt.FIELD in files.of(dispute.id):
            return {}
        try:
            receipt.attach(dispute, self.receipt, actor=current_actor())
        except DomainError as refusal:
            return {receipt.FIELD: str(refusal)}
        return {}

    def _stage(self, draft: DisputeDraft) -> None:
        """Stripe's copy of the draft. It is a second safety: whatever goes wrong with it, the draft is saved here."""
        try:
            act = operations.stage(draft, actor=current_actor(), gateway=gateway())
        except (Conflict, GatewayUnavailable):
            flash("Saved here. Stripe has not confirmed its copy yet.", "warning")
        except DomainError as refusal:
            flash(f"Saved here, but not at Stripe. {refusal}", "warning")
        else:
            if act.status == "refused":
                flash(f"Saved here. Stripe did not take its copy: {act.refusal}", "warning")
            elif act.is_in_flight:
                flash("Saved here. Stripe has not confirmed its copy yet.", "warning")
            else:
                flash("Saved here and at Stripe. Nothing was submitted.", "success")

    def _form_page(  # noqa: PLR0913 - what differs from the plain page, each by name
        self,
        dispute: Dispute,
        *,
        typed: Typed | None = None,
        theirs: DisputeDraft | None = None,
        refusal: DomainError | None = None,
        file_errors: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        draft = drafts.latest(dispute.id)
        charge = db.session.get(Charge, dispute.charge_id) if dispute.charge_id else None
        obstacle = drafts.obstacle(dispute)
        page = self.render(
            "disputes/evidence.html",
            breadcrumbs=_crumbs(dispute),
            dispute=dispute,
            charge=charge,
            description=visible(charge.description) if charge else None,
            sheet=self._sheet(dispute, draft, typed=typed, theirs=theirs, errors=file_errors),
            draft=draft,
            theirs=theirs,
            refusal=refusal,
            obstacle=obstacle,
            has_no_form=dispute.is_final,
            plan=last_chance.plan(dispute),
            offers_receipt=obstacle is None and receipt.offered(dispute, charge),
            urgency=urgency(dispute.due_at),
            product_types=PRODUCT_TYPES,
            advice=advice_of(dispute.reason),
            number_of_texts=len(drafts.earlier(dispute.id)),
            may_submit=may(Permission.DISPUTE_SUBMIT),
        )
        return make_response(page, status)

    def _sheet(
        self,
        dispute: Dispute,
        draft: DisputeDraft | None,
        *,
        typed: Typed | None = None,
        theirs: DisputeDraft | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> Sheet:
        return sheet(
            dispute,
            draft,
            suggested={} if draft else prefill.suggestions(dispute),
            typed=typed.written if typed else None,
            theirs=theirs,
            errors={**(typed.errors if typed else {}), **(errors or {})},
        )

    def _review_page(self, dispute: Dispute, *, error: str = "", status: int = 200) -> ResponseReturnValue:
        draft, obstacle = drafts.latest(dispute.id), drafts.obstacle(dispute)
        evidence = self._sheet(dispute, draft)
        page = self.render(
            "disputes/submit.html",
            breadcrumbs=_crumbs(dispute, evidence=True),
            dispute=dispute,
            draft=draft,
            sheet=evidence,
            packet=packet(dispute, evidence) if draft and not obstacle else None,
            obstacle=obstacle,
            urgency=urgency(dispute.due_at),
            error=error,
            promise=uuid4(),
            plan=last_chance.plan(dispute),
            fee=operations.needs_fee(dispute),
            may_pay_fee=may(Permission.DISPUTE_FEE),
        )
        return make_response(page, status)


def _attach_all(dispute_id: str) -> dict[str, str]:
    """Keep the files that came with the form; what is wrong with those that were refused, by field."""
    wrong = {}
    for name, upload in request.files.items():
        if not upload.filename:
            continue
        try:
            files.attach(dispute_id, name.removeprefix("file_"), upload.read(), upload.filename, actor=current_actor())
        except DomainError as refusal:
            wrong[name.removeprefix("file_")] = str(refusal)
    return wrong


def _crumbs(dispute: Dispute, *, evidence: bool = False) -> list[tuple[str, str]]:
    crumbs = [("Disputes", url_for(".index_view")), (dispute.id, url_for(".details", key=dispute.id))]
    return crumbs + ([("Evidence", url_for(".evidence", key=dispute.id))] if evidence else [])
