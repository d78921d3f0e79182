"""What Stripe told us, how it was understood, and what was not believed."""

from typing import Any

import orjson
import zstandard
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from sqlalchemy import ColumnElement, or_, select

from app.audit import trail
from app.audit.sentences import sentence
from app.database import db
from app.errors import DomainError
from app.gateways.current import gateway
from app.mirror import erased
from app.models.webhook_event import STATES, WebhookEvent, WebhookRefusal
from app.web import columns, in_sql
from app.web.accounts import current_account_id
from app.web.admin import expose, may
from app.web.asked import Asked
from app.web.filters import ChoiceFilter, DateFilter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor
from app.web.straight import straight_to
from app.webhooks import operations
from app.webhooks_console import queries
from app.webhooks_console.forms import ReasonForm, ReplayForm, ids_of

_BOX = Markup(
    '<label class="row-choice"><input class="form-check-input" type="checkbox" name="event" value="%s" form="choose">'
    '<span class="heard">Choose %s</span></label>'
)
_LARGEST_BODY = 4 * 1024 * 1024


class EventsView(ListView[WebhookEvent, WebhookEvent]):
    """Events as they came in, newest first."""

    model = WebhookEvent
    permission = Permission.EVENT_READ
    endpoint = "webhooks"
    title = "Webhook events"
    lead = "What Stripe told us, in the order it arrived."
    group = "Machinery"
    icon = "webhook"
    noun = ("event", "events")
    order = "received"
    template = "webhooks_console/events.html"
    search_hint = "Event, object or request id"
    empty_text = "Events appear here as Stripe sends them."
    columns = (
        columns.text("type", "Type", lambda event: event.type, priority=1, written=(in_sql.words(WebhookEvent.type),)),
        columns.Column(
            name="choose", label="Tick", show=lambda event: _BOX % (event.id, event.id), exports=(), priority=2
        ),
        columns.code(
            "object", "Object", lambda event: event.object_id, written=(in_sql.words(WebhookEvent.object_id),)
        ),
        columns.status(
            "state", "State", "webhook_event", lambda event: event.state, written=(in_sql.words(WebhookEvent.state),)
        ),
        columns.number(
            "deliveries",
            "Deliveries",
            lambda event: event.deliveries,
            priority=3,
            written=(in_sql.plain(WebhookEvent.deliveries),),
        ),
        columns.number(
            "attempts",
            "Tries",
            lambda event: event.attempts,
            priority=3,
            written=(in_sql.plain(WebhookEvent.attempts),),
        ),
        columns.text(
            "source",
            "Source",
            lambda event: event.source,
            priority=3,
            written=(in_sql.words(WebhookEvent.source),),
        ),
        columns.code("id", "Event", lambda event: event.id, priority=3, written=(in_sql.words(WebhookEvent.id),)),
        columns.instant(
            "received",
            "Received",
            lambda event: event.received_at,
            sort=WebhookEvent.received_at,
            priority=1,
            written=(in_sql.instant(WebhookEvent.received_at),),
        ),
    )
    filters = (
        ChoiceFilter(
            name="state",
            label="State",
            options=tuple((state, state.capitalize()) for state in STATES),
            match=equals(WebhookEvent.state),
        ),
        TextFilter(
            name="type", label="Type", match=lambda text: WebhookEvent.type.startswith(text.lower(), autoescape=True)
        ),
        TextFilter(name="object", label="Object id", match=equals(WebhookEvent.object_id)),
        DateFilter(name="received", label="Received", column=WebhookEvent.received_at),
    )

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(WebhookEvent.id == text, WebhookEvent.object_id == text, WebhookEvent.request_id == text)

    def line_url(self, line: WebhookEvent) -> str:
        return self.get_url(".details", event_id=line.id)  # type: ignore[no-any-return]

    @expose("/<event_id>")
    def details(self, event_id: str) -> ResponseReturnValue:
        """One event: what it said, each try to understand it, and where our copy stands."""
        return self._page(find(WebhookEvent, event_id, what="event"))

    @expose("/replay")
    @needs(Permission.EVENT_REPLAY)
    def choose(self) -> ResponseReturnValue:
        """What would be replayed: the ticked ones, or all that match what the list was narrowed to."""
        if "all" in request.args:
            matching = self._asked_rows(Asked.read(self, request.args)).with_only_columns(WebhookEvent.id)
            oldest = matching.order_by(WebhookEvent.received_at, WebhookEvent.id).limit(operations.MOST_AT_ONCE)
            ids = list(db.session.scalars(oldest))
        else:
            ids = request.args.getlist("event")
        return self._confirm(ids_of(ids), ReasonForm())

    @expose("/replay", methods=("POST",))
    @needs(Permission.EVENT_REPLAY)
    def replay_many(self) -> ResponseReturnValue:
        """Put them back among those that wait."""
        form = ReplayForm(request.form)
        if not form.validate():
            return self._confirm(form.ids, form, status=400)
        number = operations.replay_many(
            form.ids, account_id=current_account_id(), actor=current_actor(), reason=form.reason.data or ""
        )
        flash(f"{number:,} {'event waits' if number == 1 else 'events wait'} to be understood again.", "success")
        return redirect(url_for(".index_view"), 303)

    @expose("/<event_id>/replay", methods=("POST",))
    @needs(Permission.EVENT_REPLAY)
    def replay(self, event_id: str) -> ResponseReturnValue:
        """Understand this one again, at once."""
        event, form = find(WebhookEvent, event_id, what="event"), ReasonForm(request.form, prefix="replay-")
        if not form.validate():
            return self._page(event, replay=form, status=400)
        state = operations.replay(
            event.id, gateway(), actor=current_actor(), reason=operations.in_words(form.reason.data or "")
        )
        flash(_OUTCOMES[state], "error" if state in {"waiting", "dead"} else "success")
        return redirect(url_for(".details", event_id=event_id), 303)

    @expose("/<event_id>/ignore", methods=("POST",))
    @needs(Permission.EVENT_REPLAY)
    def ignore(self, event_id: str) -> ResponseReturnValue:
        """Let this one be."""
        event, form = find(WebhookEvent, event_id, what="event"), ReasonForm(request.form, prefix="ignore-")
        if not form.validate():
            return self._page(event, ignore=form, status=400)
        try:
            operations.ignore(event.id, actor=current_actor(), reason=form.reason.data or "")
        except DomainError as refusal:
            form.form_errors.append(str(refusal))
            return self._page(find(WebhookEvent, event_id, what="event"), ignore=form, status=refusal.status)
        flash("The event is ignored. It can still be replayed.", "success")
        return redirect(url_for(".details", event_id=event_id), 303)

    def _page(
        self,
        event: WebhookEvent,
        *,
        replay: ReasonForm | None = None,
        ignore: ReasonForm | None = None,
        status: int = 200,
    ) -> ResponseReturnValue:
        payload = _payload(event)
        return self.render(
            "webhooks_console/event.html",
            event=event,
            payload=payload,
            is_erased=erased.knows(event.object_id, event.customer_id),
            changes=_changes(payload),
            tries=queries.tries_of(event.id),
            standing=queries.standing(event),
            object_url=straight_to(event.object_id) if event.object_id else None,
            acts=[(act, sentence(act)) for act in trail.of("webhook_event", event.id, limit=20)],
            replay=replay or ReasonForm(prefix="replay-"),
            ignore=ignore or ReasonForm(prefix="ignore-"),
            may_replay=may(Permission.EVENT_REPLAY),
        ), status

    def _confirm(self, ids: list[str], form: ReasonForm, *, status: int = 200) -> ResponseReturnValue:
        mine = (WebhookEvent.id.in_(ids), WebhookEvent.account_id == current_account_id())
        found = db.session.execute(select(WebhookEvent.type, WebhookEvent.state).where(*mine)).all()
        return self.render(
            "webhooks_console/replay.html",
            ids=ids,
            number=len(found),
            states=[(state, number) for state in STATES if (number := sum(row.state == state for row in found))],
            most=operations.MOST_AT_ONCE,
            form=form,
        ), status


_OUTCOMES = {
    "processed": "Understood; our copy was brought up to it.",
    "superseded": "Understood; our copy held as much already, so nothing was changed.",
    "ignored": "Understood; there is nothing to do for events of this type.",
    "waiting": "It could not be understood yet, and waits for its next try. The error is below.",
    "dead": "It could not be understood. The error is below.",
}


class RefusalsView(ListView[WebhookRefusal, WebhookRefusal]):
    """Requests to the webhook address that were not believed."""

    model = WebhookRefusal
    permission = Permission.EVENT_READ
    endpoint = "webhook_refusals"
    section_url = "/admin/webhooks/refusals"
    title = "Refused webhooks"
    lead = "Requests without a valid signature, or for another account. Of a flood only the first are listed; bodies are not kept."
    group = "Machinery"
    icon = "ban"
    noun = ("request", "requests")
    of_account = False
    order = "at"
    empty_title = "Nothing was refused"
    columns = (
        columns.text("reason", "Reason", lambda refusal: refusal.reason, priority=1),
        columns.text("ip", "From", lambda refusal: refusal.ip),
        columns.code("event", "Event it claimed to be", lambda refusal: refusal.event_id, priority=3),
        columns.number("size", "Bytes", lambda refusal: refusal.body_size, priority=3),
        columns.code("hash", "Hash of the body", lambda refusal: refusal.body_sha256.hex()[:16], priority=3),
        columns.instant("at", "When", lambda refusal: refusal.at, sort=WebhookRefusal.at, priority=1),
    )
    filters = (DateFilter(name="at", label="When", column=WebhookRefusal.at),)


def _payload(event: WebhookEvent) -> Any:
    """The event as Stripe sent it; a body nobody can read is a fact to show, not an error."""
    try:
        body = zstandard.ZstdDecompressor().decompress(event.body, max_output_size=_LARGEST_BODY)
        payload = orjson.loads(body)
    except (zstandard.ZstdError, orjson.JSONDecodeError) as error:
        return {"unreadable": str(error)}
    return visible(payload)


def _changes(payload: Any) -> list[tuple[str, Any, Any]]:
    """What was another at Stripe before this event, as it says itself: (field, before, after)."""
    data = payload.get("data") if isinstance(payload, dict) else None
    before = data.get("previous_attributes") if isinstance(data, dict) else None
    after = data.get("object") if isinstance(data, dict) else None
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    return [(name, before[name], after.get(name)) for name in sorted(before)]
