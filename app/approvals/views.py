"""What waits for another person's word: the queue, one request with its facts, and the rules."""

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import ColumnElement, Select, or_, select

from app.approvals import acts, carrying_out, operations, policies, queries
from app.approvals.forms import PolicyForm
from app.audit import trail
from app.audit.sentences import sentence
from app.database import db
from app.errors import DomainError, Unknown
from app.models.approval import APPROVE, APPROVED, DECLINE, STATES, Approval
from app.web import columns, proof
from app.web.admin import StaffView, expose, may
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import visible
from app.web.permissions import ROLE_NAMES, Permission
from app.web.sessions import current_actor, current_person

_QUEUES = {"decide": "Mine to decide", "asked": "Asked by me"}


def _queue(value: str) -> ColumnElement[bool]:
    return queries.to_decide(current_user) if value == "decide" else Approval.asked_by_id == current_user.id


class ApprovalsView(ListView[Approval, Approval]):
    """/admin/approvals"""

    permission = Permission.APPROVAL_READ
    endpoint = "approvals"
    title = "Approvals"
    lead = "Acts that happen only when another person agrees."
    group = "Oversight"
    icon = "checkup-list"
    menu_keys = "g v"
    menu_tone = "wait"
    model = Approval
    noun = ("request", "requests")
    order = "asked"
    of_account = False
    search_hint = "Id of what it is about, who asked"
    template = "approvals/list.html"
    empty_title = "Nothing waits"
    empty_text = "What needs another person's word appears here."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="queue", label="Queue", options=tuple(_QUEUES.items()), match=_queue),
        ChoiceFilter(
            name="state",
            label="State",
            options=tuple((state, state.capitalize()) for state in STATES),
            match=equals(Approval.state),
        ),
        ChoiceFilter(
            name="act",
            label="Act",
            options=lambda: [(act.name, act.label) for act in acts.every()],
            match=equals(Approval.act),
        ),
        TextFilter(name="by", label="Asked for by", match=lambda text: Approval.asked_by == text.lower()),
        DateFilter(name="asked", label="Day (UTC)", column=Approval.asked_at),
    )
    columns = (
        columns.text("what", "What", lambda row: visible(row.summary), priority=1),
        columns.status("state", "State", "approval", lambda row: row.shown_state),
        columns.text("act", "Act", lambda row: acts.label_of(row.act), priority=3),
        columns.text("by", "Asked for by", lambda row: row.asked_by, priority=2),
        columns.text("reason", "Why", lambda row: visible(row.reason), priority=3),
        columns.instant("asked", "Asked", lambda row: row.asked_at, sort=Approval.asked_at, priority=1),
        columns.instant("expires", "Expires", lambda row: row.expires_at if row.is_waiting else None, priority=3),
    )

    @property
    def menu_count(self) -> int:
        """What waits for this person's word; it came along with who they are, so no page asks for it."""
        person = current_person()
        return queries.number_known(person) if person else 0

    def rows(self) -> Select[Any]:
        return select(Approval).where(queries.visible_to(current_user))

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(Approval.object_id == text, Approval.asked_by == text.lower())

    def line_url(self, line: Approval) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One request; with `again`, with the words that were being written when the password was asked for."""
        return self._page(_found(key))

    @expose("/<key>/approve", methods=("POST",))
    def approve(self, key: str) -> ResponseReturnValue:
        """Agree. Whoever is the last that is needed sees what came of the act."""
        return self._decide(_found(key), APPROVE)

    @expose("/<key>/decline", methods=("POST",))
    def decline(self, key: str) -> ResponseReturnValue:
        """Say no, and why."""
        return self._decide(_found(key), DECLINE)

    @expose("/<key>/withdraw", methods=("POST",))
    def withdraw(self, key: str) -> ResponseReturnValue:
        """Take back what one asked for."""
        approval = _found(key)
        try:
            operations.withdraw(approval.id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        return redirect(url_for(".details", key=approval.id), 303)

    def _decide(self, approval: Approval, verdict: str) -> ResponseReturnValue:
        typed = {"approval": str(approval.id), "verdict": verdict, "words": request.form.get("words", "")}
        back = url_for(".details", key=approval.id, again="yes")
        if ask := proof.missing(back, typed=typed):
            return ask
        approval_id = approval.id
        try:
            decided = operations.decide(approval_id, verdict, typed["words"], actor=current_actor())
        except DomainError as refusal:
            return self._page(_found(key=str(approval_id)), refusal=refusal, typed=typed)
        if decided.state == APPROVED:
            carrying_out.carry_out(approval_id, actor=current_actor())
        return redirect(url_for(".details", key=approval_id), 303)

    def _page(
        self, approval: Approval, *, refusal: DomainError | None = None, typed: dict[str, str] | None = None
    ) -> ResponseReturnValue:
        begun = typed or (dict(proof.unfinished()) if "again" in request.args else {})
        page = self.render(
            "approvals/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            approval=approval,
            label=acts.label_of(approval.act),
            url=_url(approval),
            facts=_facts(approval),
            may_decide=queries.may_decide(current_user, approval),
            is_mine=approval.asked_by_id == current_user.id,
            begun=begun if begun.get("approval") == str(approval.id) else {},
            refusal=refusal,
            timeline=_timeline(approval),
            visible=visible,
        )
        return make_response(page, refusal.status if refusal else 200)


class ApprovalRulesView(StaffView):
    """/admin/approval-rules"""

    permission: ClassVar = Permission.RULES_MANAGE
    endpoint = "approval_rules"
    section_url = "/admin/approval-rules"
    title = "Approval rules"
    icon = "shield-check"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Every act that can need another person's word, with what holds now."""
        rules = [(act, policies.policy_of(act.name)) for act in acts.every()]
        return self.render(
            "approvals/rules.html",
            breadcrumbs=[("Approvals", url_for("approvals.index_view"))],
            rules=rules,
            role_names=ROLE_NAMES,
        )

    @expose("/<act>")
    def edit(self, act: str) -> ResponseReturnValue:
        """The rule of one act."""
        return self._form_page(act, PolicyForm.of(acts.of(act), policy=policies.policy_of(act)))

    @expose("/<act>", methods=("POST",))
    def save(self, act: str) -> ResponseReturnValue:
        """What holds from now on."""
        form = PolicyForm.of(acts.of(act), sent=request.form)
        if not form.validate():
            return self._form_page(act, form, status=400)
        if ask := proof.missing(url_for(".edit", act=act)):
            return ask
        policies.set_policy(
            act,
            is_on=form.is_on.data,
            needed=form.needed.data or 0,
            thresholds=form.amounts,
            ask_roles=form.ask_roles.data or [],
            approve_roles=form.approve_roles.data or [],
            expires_after_days=form.expires_after_days.data or 0,
            actor=current_actor(),
        )
        flash("This holds from now on.", "success")
        return redirect(url_for(".index_view"), 303)

    def _form_page(self, name: str, form: PolicyForm, *, status: int = 200) -> ResponseReturnValue:
        page = self.render(
            "approvals/rule.html",
            breadcrumbs=[
                ("Approvals", url_for("approvals.index_view")),
                ("Approval rules", url_for(".index_view")),
            ],
            act=acts.of(name),
            policy=policies.policy_of(name),
            form=form,
        )
        return make_response(page, status)


def _found(key: str) -> Approval:
    """A request that this person may see; every other is unknown."""
    approval = find(Approval, key, what="request", of_account=False)
    if db.session.scalar(select(Approval.id).where(Approval.id == approval.id, queries.visible_to(current_user))):
        return approval
    raise Unknown("There is no request with this id here.")


def _url(approval: Approval) -> str | None:
    return next((act.url(approval) for act in acts.every() if act.name == approval.act), None)


def _facts(approval: Approval) -> list[tuple[str, str | None, str | None]]:
    """Each fact as it was when it was asked for and, while it can still be decided, as it is now."""
    act = next((act for act in acts.every() if act.name == approval.act), None)
    now = dict(act.facts(approval)) if act and approval.is_open else {}
    # PostgreSQL keeps no order of what was written down; the act's own does.
    names = dict.fromkeys([*now, *approval.facts])
    return [(name, visible(approval.facts.get(name)), visible(now.get(name))) for name in names]


def _timeline(approval: Approval) -> list[dict[str, object]]:
    entries = trail.of("approval", str(approval.id))
    marks = {
        "approval.asked": ("user", "note"),
        "approval.approved": ("check", "good"),
        "approval.declined": ("x", "bad"),
        "approval.done": ("circle-check", "good"),
        "approval.failed": ("alert-circle", "bad"),
    }
    return [
        {
            "title": visible(sentence(entry)),
            "text": visible(entry.reason) if may(Permission.APPROVAL_READ) else None,
            "at": entry.at,
            "icon": marks.get(entry.action, ("point", "calm"))[0],
            "tone": marks.get(entry.action, ("point", "calm"))[1],
        }
        for entry in entries
    ]
