"""Asking Stripe for a change in three steps: promise it, ask, keep the answer. Every door but the refunds' goes through here."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

from psycopg2 import errors as postgres
from sqlalchemy.exc import IntegrityError, OperationalError

from app import clock
from app.actor import Actor
from app.acts.kinds import MARK, ActKind, Looks, Promise
from app.audit import trail
from app.database import db, transaction
from app.errors import Conflict, DomainError, GatewayRefused, GatewayUnavailable
from app.gateways.answer import Answer
from app.gateways.lines import line
from app.mirror import wanted_mandates
from app.mirror.fields import Obj
from app.mirror.kinds import KINDS
from app.mirror.news import News
from app.models.act import DONE, REFUSED, REQUESTED, Act

log = logging.getLogger("acts")


class Asks(Looks, Protocol):
    """What this needs of Stripe."""

    def ask(  # noqa: PLR0913 - a request has that many sides
        self, method: str, path: str, form: Mapping[str, Any], *, key: str, about: str, kept: dict[str, str]
    ) -> Answer: ...


def perform(  # noqa: PLR0913 - what, who, why: all of it belongs to one act
    kind: ActKind,
    prepare: Callable[[], Promise],
    *,
    promise_id: UUID,
    actor: Actor,
    reason: str | None,
    gateway: Asks,
) -> Act:
    """Ask Stripe for a change, once. The act's `status` says what came of it; `requested` means that nobody knows yet.

    prepare: called inside the transaction of the promise: takes its locks, checks its rules, and says what to ask for.
    promise_id: made with the form, so that the same form sent twice is the same act.

    Raises:
        DomainError: a rule said no; nothing was promised and Stripe was not asked.
        Conflict: another act on the same thing has no answer yet, or this form was already sent for something else.
    """
    act, new = promise(kind, prepare, promise_id=promise_id, actor=actor, reason=reason)
    if not new:
        return act
    with line() as free:
        return settle(kind, act, gateway=gateway) if free else postpone(act.id)


def promise(
    kind: ActKind, prepare: Callable[[], Promise], *, promise_id: UUID, actor: Actor, reason: str | None
) -> tuple[Act, bool]:
    """Write down what will be asked of Stripe; False when this very promise was made before."""
    try:
        with transaction():
            # What this session read before may be old by now.
            db.session.expire_all()
            if known := db.session.get(Act, promise_id):
                return _same(known, kind), False
            act = _promised(kind, prepare(), promise_id, actor, reason)
    except (IntegrityError, OperationalError) as error:
        if rule := _rule_of(error):
            raise rule from error
        raise
    log.info("act.requested", extra={"act": str(act.id), "kind": kind.name, "object": act.object_id})
    return act, True


def settle(kind: ActKind, act: Act, *, gateway: Asks) -> Act:
    """Ask Stripe for a promised act and keep its answer. Safe to repeat: the key is the promise's own."""
    form = dict(act.form)
    if kind.expand:
        form["expand"] = list(kind.expand)
    kept = {name: str(form[name]) for name in kind.keeps if name in form}
    try:
        answer = gateway.ask(act.method, act.path, form, key=act.key, about=act.object_id, kept=kept)
    except GatewayRefused as refusal:
        return keep_refusal(kind, act.id, refusal)
    except GatewayUnavailable as doubt:
        return keep_doubt(act.id, doubt)
    return _keep_replayed(kind, act, answer, gateway) if answer.replayed else keep_answer(kind, act.id, answer)


def _keep_replayed(kind: ActKind, act: Act, answer: Answer, gateway: Asks) -> Act:
    """It happened before, and the answer tells how things were then, which may be a day ago: the mirror needs a fresh look."""
    try:
        found = kind.look_for(act, gateway)
    except (GatewayRefused, GatewayUnavailable) as doubt:
        return keep_doubt(act.id, doubt)
    return keep_answer(kind, act.id, found or answer)


def keep_answer(kind: ActKind, act_id: UUID, answer: Answer) -> Act:
    """What Stripe made of the promise, through the same door as its webhooks, which may have been faster."""
    with transaction():
        act = _locked(act_id)
        if not answer.replayed:
            _mirror(kind, answer, act.account_id)
        if act.status == REQUESTED:
            act.status, act.asked_at, act.answered_at, act.refusal = DONE, None, clock.now(), None
            act.result_id = answer.body.get("id")
            act.result = kind.told(answer.body)
            _forget(kind, act)
            if kind.after:
                kind.after(act, answer.body)
            record(Actor.stripe(), f"{kind.name}.answered", act, after={**act.result, "request_id": answer.request_id})
    log.info("act.answered", extra={"act": str(act_id), "kind": kind.name})
    return act


def keep_refusal(kind: ActKind, act_id: UUID, refusal: GatewayRefused) -> Act:
    """Stripe clearly said no: the promise ends, and what it locked is free again."""
    with transaction():
        act = _locked(act_id)
        if act.status == REQUESTED:
            act.status, act.refusal, act.asked_at, act.answered_at = REFUSED, str(refusal), None, clock.now()
            _forget(kind, act)
            if kind.after_refusal:
                kind.after_refusal(act)
            after = {"why": str(refusal), "code": refusal.code, "request_id": refusal.request_id}
            record(Actor.stripe(), f"{kind.name}.refused", act, after=after)
    log.warning("act.refused", extra={"act": str(act_id), "kind": kind.name, "code": refusal.code})
    return act


def keep_doubt(act_id: UUID, doubt: DomainError) -> Act:
    """No certain answer: it stays requested until the recovery knows more."""
    log.warning("act.unanswered", extra={"act": str(act_id), "why": str(doubt)})
    return postpone(act_id)


def postpone(act_id: UUID) -> Act:
    """From now on the recovery may take it up."""
    with transaction():
        act = _locked(act_id)
        act.asked_at = None
    return act


def record(actor: Actor, action: str, act: Act, *, after: Mapping[str, Any] | None = None, **words: Any) -> None:
    """One line of the trail about an act, with the object it is about; `after` names the act, whose page finds it by that."""
    db.session.flush()
    named = {**(after or {}), "act": act.id}
    trail.record(actor, action, act.object_type, act.object_id, account_id=act.account_id, after=named, **words)


def _promised(kind: ActKind, what: Promise, promise_id: UUID, actor: Actor, reason: str | None) -> Act:
    now = clock.now()
    form = dict(what.form)
    if "metadata" in form:
        form["metadata"] = {**form["metadata"], MARK: str(promise_id)}
    act = Act(
        id=promise_id,
        account_id=what.account_id,
        kind=kind.name,
        lock=what.lock,
        object_type=what.object_type,
        object_id=what.object_id,
        method=what.method,
        path=what.path,
        form=form,
        status=REQUESTED,
        reason_text=reason,
        requested_by=actor.name,
        requested_at=now,
        asked_at=now,
        tries=1,
    )
    db.session.add(act)
    record(actor, f"{kind.name}.requested", act, reason=reason, before=what.before, after=what.after)
    return act


def _same(known: Act, kind: ActKind) -> Act:
    if known.kind != kind.name:
        raise Conflict("This form was already sent for something else. Open the page again and start anew.")
    return known


def _mirror(kind: ActKind, answer: Answer, account_id: int) -> None:
    """Save the answer, and what was expanded in it, as if each had been read by itself."""
    news = News.read(answer, account_id)
    body = dict(answer.body)
    for name in kind.expand:
        inner = body.get(name)
        if isinstance(inner, dict) and "id" in inner:
            _save(inner, news)
            body[name] = inner["id"]
    _save(body, news)


def _save(obj: Obj, news: News) -> None:
    known = KINDS.get(str(obj.get("object")))
    if known:
        known.save_all([obj], news)
        wanted_mandates.note([obj], account_id=news.account_id, at=news.heard_at)


def _forget(kind: ActKind, act: Act) -> None:
    act.form = {name: value for name, value in act.form.items() if name in kind.keeps}


def _locked(act_id: UUID) -> Act:
    return db.session.get_one(Act, act_id, with_for_update=True, populate_existing=True)


def _rule_of(error: IntegrityError | OperationalError) -> DomainError | None:
    """The rule that the database kept, in words; None when it is not one of ours."""
    if isinstance(error.orig, postgres.LockNotAvailable):
        return Conflict("Somebody is working on this at this moment. Try again in a few seconds.")
    rule = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if rule == "uq_acts_one_in_flight":
        return Conflict("Something is already being changed here. Wait for Stripe's answer, then look again.")
    if rule == "pk_acts":
        return Conflict("This form was already sent. Open the page again to see what became of it.")
    return None
