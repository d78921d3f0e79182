"""What people and jobs here asked Stripe to change: a list, and a page for each with the two ways on where no answer came."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, or_

from app.acts import claims, queries, recovery
from app.acts.forms import WithdrawForm
from app.acts.registry import kinds
from app.audit.sentences import sentence
from app.errors import DomainError
from app.gateways.current import gateway
from app.models.act import Act
from app.models.audit_log import AuditLog
from app.money import MinorUnits, Money
from app.web import calls, columns, proof
from app.web.admin import expose, may
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.guard import unattended
from app.web.history import Entry
from app.web.listing import ListView
from app.web.lookup import find
from app.web.pages import page_of
from app.web.people import visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor

# How the things are called that acts are about.
_THINGS = {
    "payment_intent": "Payment",
    "refund": "Refund",
    "dispute": "Dispute",
    "review": "Review",
    "block_list": "Block list",
    "customer": "Customer",
    "payment_method": "Payment method",
    "subscription": "Subscription",
    "invoice": "Invoice",
}


def _label(kind: str) -> str:
    known = kinds().get(kind)
    return known.label if known else kind


def _called(act: Act) -> str:
    return _label(act.kind)


def _answer(act: Act) -> str | None:
    """Stripe's no in its words, else the state it told."""
    told = (act.result or {}).get("status")
    said: str | None = visible(act.refusal) or (str(told).replace("_", " ") if told else None)
    return said


class ActsView(ListView[Act, Act]):
    """/admin/acts"""

    permission = Permission.ACT_READ
    endpoint = "acts"
    title = "Acts"
    group = "Oversight"
    icon = "send"
    model = Act
    noun = ("act", "acts")
    lead = "What was asked of Stripe from here, by whom, and what became of it. Refunds have a list of their own."
    search_hint = "Id of what it is about, or of the act"
    order = "asked"
    empty_title = "Nothing was asked yet"
    empty_text = "The first capture, submitted evidence or blocked card appears here."
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(name="state", label="State", options=list(queries.STATES.items()), match=queries.in_state),
        ChoiceFilter(
            name="kind",
            label="What",
            options=lambda: sorted(((kind.name, kind.label) for kind in kinds().values()), key=lambda pair: pair[1]),
            match=equals(Act.kind),
        ),
        ChoiceFilter(name="about", label="About", options=list(_THINGS.items()), match=equals(Act.object_type)),
        TextFilter(name="object", label="Object id", match=equals(Act.object_id)),
        TextFilter(name="by", label="Asked for by", match=lambda text: Act.requested_by == text.lower()),
        DateFilter(name="asked", label="Day (UTC)", column=Act.requested_at),
    )
    columns = (
        columns.text("what", "What", _called, priority=1),
        columns.status("state", "State", "act", lambda act: act.state),
        columns.code("object", "Object", lambda act: act.object_id),
        columns.text("by", "Asked for by", lambda act: act.requested_by, priority=1),
        columns.text("why", "Why", lambda act: visible(act.reason_text), priority=3),
        columns.text("said", "Answer", _answer, priority=3),
        columns.instant("asked", "When", lambda act: act.requested_at, sort=Act.requested_at, priority=1),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        number = text.removeprefix("act:")
        named = [Act.id == number] if _is_number(number) else []
        return or_(Act.object_id == text, *named)

    def line_url(self, line: Act) -> str | None:
        return url_for(".details", key=line.id)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One act; while it has no answer, the page looks again by itself. `again`: as it was before the password was asked for."""
        typed = proof.unfinished() if "again" in request.args else {}
        return self._page(_act(key), WithdrawForm(data=typed), open_=bool(typed))

    @expose("/<key>/state")
    @unattended
    def state(self, key: str) -> ResponseReturnValue:
        """What the page of an act in flight asks every few seconds."""
        return {"state": _act(key).state}

    @expose("/<key>/look", methods=("POST",))
    @needs(Permission.SYNC)
    def look(self, key: str) -> ResponseReturnValue:
        """Do now what the job would do next: look at Stripe, and ask again where that is safe."""
        act_id = _act(key).id
        try:
            act = recovery.look_again(act_id, kinds(), actor=current_actor(), gateway=gateway())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash(*_found(act))
        return redirect(url_for(".details", key=act_id), 303)

    @expose("/<key>/withdraw", methods=("POST",))
    @needs(Permission.ACT_WITHDRAW)
    def withdraw(self, key: str) -> ResponseReturnValue:
        """Give up what never reached Stripe, so that what it locked is free again."""
        act, form = _act(key), WithdrawForm(request.form)
        if not form.validate():
            return self._page(act, form, open_=True, status=400)
        if ask := proof.missing(url_for(".details", key=act.id, again="yes"), typed=form.typed):
            return ask
        try:
            recovery.withdraw(act.id, kinds(), words=form.words.data or "", actor=current_actor(), gateway=gateway())
        except DomainError as refusal:
            form.show(refusal)
            return self._page(_act(key), form, status=refusal.status)
        return redirect(url_for(".details", key=key), 303)

    def _page(self, act: Act, form: WithdrawForm, *, open_: bool = False, status: int = 200) -> ResponseReturnValue:
        entries = queries.trail_of(act)
        page = self.render(
            "acts/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            act=act,
            label=_label(act.kind),
            thing=_THINGS.get(act.object_type, act.object_type.replace("_", " ").capitalize()),
            about_url=page_of(act.object_type, act.object_id),
            sent=visible(_fields(act.form)),
            said=visible(_said(act.result or {})),
            reason=visible(act.reason_text),
            refusal=visible(act.refusal),
            calls=calls.with_key(act.key),
            may_see_calls=may(Permission.EVENT_READ),
            asked_for=visible(_asked_for(entries)),
            timeline=[_line(entry) for entry in entries],
            form=form,
            open_form=open_,
            may_look=claims.may_claim(act) and may(Permission.SYNC),
            may_withdraw=act.needs_person and may(Permission.ACT_WITHDRAW),
        )
        return make_response(page, status)


def _act(key: str) -> Act:
    return find(Act, key, what="act")


def _is_number(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _found(act: Act) -> tuple[str, str]:
    """What a look came to, and whether that is good."""
    if act.needs_person:
        return "Stripe still shows no trace of it.", "warning"
    if act.is_in_flight:
        return "Stripe gave no certain answer. It is looked up again by itself.", "warning"
    return ("Stripe refused it." if act.refusal else "Stripe has done it."), "success"


def _fields(form: Mapping[str, Any]) -> dict[str, Any]:
    """The form as Stripe is sent it, without our own mark and what is empty."""
    return {name: value for name, value in form.items() if value not in ("", None, {}) and name != "metadata"}


def _said(result: Mapping[str, Any]) -> dict[str, Any]:
    """A few words of the answer, amounts as people read them."""
    currency = result.get("currency")
    if not currency:
        return dict(result)
    sums = ("amount", "total")
    return {
        name: str(Money(MinorUnits(value), currency)) if name.startswith(sums) and isinstance(value, int) else value
        for name, value in result.items()
        if name != "currency"
    }


def _asked_for(entries: Sequence[AuditLog]) -> dict[str, Any]:
    """What was to change, in the words of the trail: amounts with their currency, and not Stripe's fields."""
    promised = next((entry.after or {} for entry in entries if entry.action.endswith(".requested")), {})
    return {name: value for name, value in promised.items() if name != "act" and value not in ("", None)}


def _line(entry: AuditLog) -> Entry:
    is_person = entry.actor_kind == "staff"
    return {
        "at": entry.at,
        "title": visible(sentence(entry)),
        "text": visible(entry.reason),
        "icon": "user" if is_person else "arrows-exchange",
        "tone": "note" if is_person else "calm",
    }
