"""The disputes: what is due first stands first, and one page for each."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import ColumnElement, and_, not_, or_

from app.audit import trail
from app.audit.masked import as_entry
from app.database import db
from app.disputes import ce3, drafts, files, last_chance
from app.disputes.advice import advice
from app.disputes.ce3_pages import Ce3Pages
from app.disputes.counting import BANDS, COUNTED, NETWORK, PERSON, SETTLED_IN, called, in_band
from app.disputes.decision_pages import DecisionPages
from app.disputes.evidence_pages import EvidencePages
from app.disputes.receipt import PrintReceipt
from app.disputes.words import explained, urgency
from app.mirror import erased, raw
from app.models.charge import Charge
from app.models.dispute import OPEN, TO_ANSWER, Dispute
from app.models.dispute_states import SETTLED_EARLY
from app.remarks import queries as remarks
from app.remarks.queries import tag_filter
from app.web import columns, history, people
from app.web.admin import expose, may
from app.web.asked import Asked
from app.web.filters import AmountFilter, ChoiceFilter, Chosen, DateFilter, Filter, TextFilter, one_of
from app.web.formatting import from_macro, when
from app.web.guard import unattended
from app.web.history import Entry
from app.web.listing import ListView
from app.web.lookup import find
from app.web.pages import page_of
from app.web.permissions import Permission

_INQUIRY = Dispute.status.like(r"warning\_%")
_STATES = {
    "answer": Dispute.status.in_(TO_ANSWER),
    "chargeback": and_(Dispute.status.in_(TO_ANSWER), ~_INQUIRY),
    "inquiry": _INQUIRY,
    "review": Dispute.status.in_([status for status in OPEN if status not in TO_ANSWER]),
    "won": Dispute.status == "won",
    "lost": and_(Dispute.status == "lost", not_(SETTLED_EARLY)),
    "prevented": SETTLED_EARLY,
    "open": Dispute.status.in_(OPEN),
    "all": Dispute.status.is_not(None),
}
_STATE_WORDS = {
    "answer": "To answer",
    "chargeback": "Chargebacks to answer",
    "inquiry": "Inquiries",
    "review": "With the bank",
    "prevented": "Settled early",
}
_TABS = ("answer", "chargeback", "inquiry", "review", "won", "lost", "prevented", "all")


class _Queue(ChoiceFilter):
    """Without any other wish the queue is what waits for us."""

    def read(self, arguments: Mapping[str, str]) -> Chosen | None:
        quiet = not any(arguments.get(name) for name in _WISHES)
        return super().read({self.name: "answer"} if quiet else arguments)


def _due(dispute: Dispute) -> Markup:
    """A countdown and the moment; only while somebody has to answer."""
    if dispute.status not in TO_ANSWER:
        return Markup('<span class="nothing">—</span>')
    badge: Markup = from_macro("time", "deadline", dispute.due_at, urgency(dispute.due_at))
    return (
        Markup('{} <span class="small soft">{}</span>').format(badge, when(dispute.due_at)) if dispute.due_at else badge
    )


class DisputesView(EvidencePages, Ce3Pages, DecisionPages, ListView[Dispute, Dispute]):
    """/admin/disputes"""

    permission = Permission.DISPUTE_READ
    endpoint = "disputes"
    title = "Disputes"
    group = "Money"
    icon = "gavel"
    menu_keys = "g d"
    model = Dispute
    noun = ("dispute", "disputes")
    lead = "What the bank must hear from us first stands first."
    search_hint = "Dispute or payment id"
    order = "due"
    newest_first = False
    ids_lead_on = True
    template = "disputes/list.html"
    empty_title = "Nothing to answer"
    empty_text = "May it stay like this."
    filters: ClassVar[Sequence[Filter]] = (
        _Queue(
            name="status",
            label="Status",
            options=[(state, _STATE_WORDS.get(state, state.capitalize())) for state in _STATES],
            match=one_of(_STATES),
        ),
        TextFilter(name="reason", label="Reason", match=lambda text: Dispute.reason == text.lower().replace(" ", "_")),
        AmountFilter(name="amount", label="Amount", column=Dispute.amount, currency=Dispute.currency),
        DateFilter(name="due", label="Due (UTC)", column=Dispute.due_at),
        DateFilter(name="created", label="Day (UTC)", column=Dispute.created_at),
        DateFilter(name="closed", label="Closed (UTC)", column=Dispute.closed_at),
        ChoiceFilter(
            name="fought", label="Fought", options=[("yes", "Answered and decided")], match=one_of({"yes": COUNTED})
        ),
        TextFilter(name="network", label="Network", match=called(NETWORK)),
        TextFilter(name="person", label="Submitted by", match=called(PERSON)),
        TextFilter(name="settled", label="Settled in", match=called(SETTLED_IN)),
        ChoiceFilter(
            name="band",
            label="Amount band",
            options=[(name, label) for name, (_, _, label) in BANDS.items()],
            match=one_of({name: in_band(name) for name in BANDS}),
        ),
        tag_filter(Dispute),
    )
    columns = (
        columns.amount("amount", "Amount", lambda dispute: dispute.money),
        columns.status("status", "Status", "dispute", lambda dispute: dispute.status),
        columns.Column(
            name="due",
            label="Answer due",
            show=_due,
            exports=(("Due (UTC)", lambda dispute: dispute.due_at),),
            sort=Dispute.due_at,
            priority=1,
        ),
        columns.text("kind", "Kind", lambda dispute: dispute.kind, priority=3),
        columns.text("reason", "Reason", lambda dispute: dispute.reason.replace("_", " ").capitalize()),
        columns.instant("created", "Opened", lambda dispute: dispute.created_at, sort=Dispute.created_at, priority=3),
        columns.code("charge", "Payment", lambda dispute: dispute.charge_id, priority=3),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Dispute.id == text, Dispute.charge_id == text, Dispute.payment_intent_id == text)

    def line_url(self, line: Dispute) -> str | None:
        return url_for(".details", key=line.id)

    def _listing(self, asked: Asked, page: Any, turn: Any) -> dict[str, Any]:
        """The status is chosen by tabs; among the chips it would lead back to itself."""
        listing = super()._listing(asked, page, turn)
        chosen = next((choice.value for filter_, choice in asked.chosen if filter_.name == "status"), "")
        listing["active_filters"] = [chip for chip in asked.chips if not chip["label"].startswith("Status: ")]
        listing["tabs"] = [
            (_STATE_WORDS.get(state, state.capitalize()), url_for(".index_view", status=state), state == chosen)
            for state in _TABS
        ]
        return listing

    def __init__(self, receipt: PrintReceipt) -> None:
        super().__init__()
        self.receipt = receipt

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One dispute."""
        dispute = find(Dispute, key, what="dispute")
        charge = db.session.get(Charge, dispute.charge_id) if dispute.charge_id else None
        of = charge.customer_id if charge else None
        draft, act = drafts.latest(dispute.id), self.act_in_flight(dispute)
        return self.render(
            "disputes/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            dispute=dispute,
            charge=charge,
            urgency=urgency(dispute.due_at),
            explained=explained(dispute, charge),
            obstacle=drafts.obstacle(dispute),
            draft=draft,
            act=act,
            act_url=page_of("act", str(act.id)) if act and act.needs_person else None,
            plan=last_chance.plan(dispute),
            advice=advice(dispute, self._sheet(dispute, draft)) if dispute.status == "needs_response" else None,
            may_submit=may(Permission.DISPUTE_SUBMIT),
            submission=drafts.submission(dispute),
            number_of_files=len(files.of(dispute.id)),
            may_write=may(Permission.DISPUTE_EVIDENCE),
            has_visa_way=ce3.applies(dispute),
            may_accept=may(Permission.DISPUTE_ACCEPT) and dispute.accept_obstacle is None,
            may_refund=may(Permission.REFUND_CREATE),
            timeline=_timeline(dispute, of),
            raw=people.whole(raw.unpack(dispute.raw), of=of),
            is_erased=erased.knows(dispute.id),
            remarks=remarks.about(dispute, of=of),
            may_note=may(Permission.NOTE_WRITE),
        )

    @expose("/<key>/state")
    @unattended
    def state(self, key: str) -> ResponseReturnValue:
        """What the page of a dispute with an act in flight asks every few seconds."""
        dispute = find(Dispute, key, what="dispute")
        act = self.act_in_flight(dispute)
        return {"state": f"{dispute.status} {act.state if act else ''}"}


_WISHES = ("q", *(name for filter_ in DisputesView.filters for name in filter_.parameters))


def _timeline(dispute: Dispute, of: str | None) -> list[Entry]:
    acts = [entry for entry in trail.of("dispute", dispute.id) if entry.action != "personal.read"]
    done = [as_entry(entry, of=of) for entry in acts]
    opened = history.entry(dispute.created_at, "Dispute opened", tone="bad", icon="gavel", actor="Customer's bank")
    return history.newest_first(done, history.told([dispute.id], without={"charge.dispute.created"}), [opened])
