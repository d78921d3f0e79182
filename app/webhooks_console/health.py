"""Is the line to Stripe in order? Where Stripe sends its events, which of them, and how they come."""

from flask import current_app, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.database import db
from app.errors import DomainError
from app.gateways.current import gateway
from app.mirror import accounts
from app.settings import API_VERSION, Settings
from app.web.admin import StaffView, expose, may
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor
from app.webhooks import endpoints
from app.webhooks_console import queries


class WebhookHealthView(StaffView):
    """/admin/webhooks/health"""

    permission = Permission.EVENT_READ
    endpoint = "webhook_health"
    section_url = "/admin/webhooks/health"
    title = "Webhook health"
    group = "Machinery"
    icon = "activity"

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Three questions: one of the endpoints, two of how events came."""
        settings: Settings = current_app.extensions["settings"]
        found = queries.endpoints()
        return self.render(
            "webhooks_console/health.html",
            line=queries.line(clock.now()),
            endpoints=found,
            ours=[endpoint for endpoint in found if endpoint.ours],
            needed=endpoints.NEEDED,
            address=f"{settings.domain}/webhooks/stripe",
            api_version=API_VERSION,
            read_at=max((endpoint.read_at for endpoint in found), default=None),
            may_read=may(Permission.SYNC),
        )

    @expose("/", methods=("POST",))
    @needs(Permission.SYNC)
    def read(self) -> ResponseReturnValue:
        """Ask Stripe now."""
        settings: Settings = current_app.extensions["settings"]
        account_id = accounts.current(settings.livemode).id
        # No transaction stays open while Stripe is asked.
        db.session.rollback()
        try:
            number = endpoints.read(gateway(), account_id=account_id, domain=settings.domain, actor=current_actor())
        except DomainError as refusal:
            flash(f"Nothing was changed. {refusal}", "error")
        else:
            flash(f"Stripe knows {number} {'endpoint' if number == 1 else 'endpoints'} of this account.", "success")
        return redirect(url_for(".index_view"), 303)
