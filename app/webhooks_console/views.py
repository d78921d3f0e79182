"""What Stripe told us, how it was understood, and what was not believed."""

from typing import Any

import orjson
import zstandard
from sqlalchemy import ColumnElement, or_

from app.models.webhook_event import STATES, WebhookEvent, WebhookRefusal
from app.web import columns
from app.web.admin import expose
from app.web.filters import ChoiceFilter, DateFilter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.people import visible
from app.web.permissions import Permission

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
    search_hint = "Event, object or request id"
    empty_text = "Events appear here as Stripe sends them."
    columns = (
        columns.text("type", "Type", lambda event: event.type, priority=1),
        columns.code("object", "Object", lambda event: event.object_id),
        columns.status("state", "State", "webhook_event", lambda event: event.state),
        columns.number("deliveries", "Deliveries", lambda event: event.deliveries, priority=3),
        columns.number("attempts", "Tries", lambda event: event.attempts, priority=3),
        columns.text("source", "Source", lambda event: event.source, priority=3),
        columns.code("id", "Event", lambda event: event.id, priority=3),
        columns.instant(
            "received", "Received", lambda event: event.received_at, sort=WebhookEvent.received_at, priority=1
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
    def details(self, event_id: str) -> str:
        event = find(WebhookEvent, event_id, what="event")
        return self.render("webhooks_console/event.html", event=event, payload=_payload(event))


class RefusalsView(ListView[WebhookRefusal, WebhookRefusal]):
    """Requests to the webhook address that were not believed."""

    model = WebhookRefusal
    permission = Permission.EVENT_READ
    endpoint = "webhook_refusals"
    section_url = "/admin/webhooks/refusals"
    title = "Refused webhooks"
    lead = "Requests that carried no valid signature, or came for another account. Their bodies are not kept."
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
