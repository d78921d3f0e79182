"""The mails: what was written to whom, and what became of it."""

from collections.abc import Sequence
from io import BytesIO
from typing import ClassVar
from uuid import uuid4

from flask import current_app, flash, redirect, request, send_file, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, or_

from app.errors import DomainError, Unknown
from app.mail import outbox
from app.mail.message import message_id
from app.models.mail import STATES, Mail
from app.settings import Settings
from app.web import columns, witness
from app.web.admin import expose, may
from app.web.filters import ChoiceFilter, DateFilter, Filter, TextFilter, equals
from app.web.listing import ListView
from app.web.lookup import find
from app.web.pages import page_of
from app.web.people import visible
from app.web.permissions import Permission, needs
from app.web.sessions import current_actor


class MailsView(ListView[Mail, Mail]):
    """/admin/mails"""

    model = Mail
    permission = Permission.MAIL_READ
    endpoint = "mails"
    title = "Mails"
    group = "People"
    icon = "mail"
    noun = ("mail", "mails")
    lead = "What was written to whom, and whether it went out."
    order = "queued"
    search_hint = "Address, or id of what it is about"
    empty_title = "No mails yet"
    empty_text = "Receipts, alerts and everything else that is written to somebody appear here."
    template = "mail_log/list.html"
    filters: ClassVar[Sequence[Filter]] = (
        ChoiceFilter(
            name="state",
            label="State",
            options=[(state, state.capitalize()) for state in STATES],
            match=equals(Mail.state),
        ),
        TextFilter(name="kind", label="Kind", match=lambda text: Mail.kind.startswith(text.lower(), autoescape=True)),
        TextFilter(name="about", label="About (id)", match=equals(Mail.about_id)),
        TextFilter(name="customer", label="Customer id", match=equals(Mail.customer_id)),
        DateFilter(name="queued", label="Day (UTC)", column=Mail.queued_at),
    )
    columns = (
        columns.text("subject", "Subject", lambda mail: visible(mail.subject), priority=1),
        columns.email("to", "To", lambda mail: mail.recipient, priority=1),
        columns.status("state", "State", "mail", lambda mail: mail.state),
        columns.text("kind", "Kind", lambda mail: mail.kind, priority=3),
        columns.code("about", "About", lambda mail: mail.about_id, priority=3),
        columns.text("by", "By", lambda mail: mail.asked_by, priority=3),
        columns.instant("queued", "Written", lambda mail: mail.queued_at, sort=Mail.queued_at, priority=1),
    )
    loaded = (*(Mail.subject, Mail.recipient, Mail.state, Mail.kind, Mail.about_id, Mail.asked_by, Mail.queued_at),)

    def search(self, text: str) -> ColumnElement[bool]:
        return or_(func.lower(Mail.recipient) == text.lower(), Mail.about_id == text, Mail.customer_id == text)

    def line_url(self, line: Mail) -> str | None:
        return url_for(".details", key=line.id)

    def render(self, template: str, **context: object) -> str:
        return super().render(template, nothing_sent=_nothing_sent(), **context)

    @expose("/<key>")
    def details(self, key: str) -> ResponseReturnValue:
        """One mail."""
        mail = find(Mail, key, what="mail")
        if may(Permission.PERSONAL_READ):
            witness.saw("personal.read", "mail", str(mail.id))
        settings: Settings = current_app.extensions["settings"]
        return self.render(
            "mail_log/details.html",
            breadcrumbs=[(self.title, url_for(".index_view"))],
            mail=mail,
            message_id=message_id(mail, settings.mail_from),
            files=outbox.files_of(mail.id),
            about_url=page_of(mail.about_type, mail.about_id),
            may_read=may(Permission.PERSONAL_READ),
            may_send=may(Permission.MAIL_SEND),
            promise=uuid4(),
        )

    @expose("/<key>/files/<number>")
    @needs(Permission.PERSONAL_READ)
    def file(self, key: str, number: str) -> ResponseReturnValue:
        """An attached file, as a download."""
        mail = find(Mail, key, what="mail")
        file = next((file for file in outbox.files_of(mail.id) if str(file.id) == number), None)
        if file is None:
            raise Unknown("This mail has no such file.")
        witness.saw("file.taken", "mail", str(mail.id), after={"file": file.name})
        return send_file(BytesIO(file.content), file.type, as_attachment=True, download_name=file.name)

    @expose("/<key>/again", methods=("POST",))
    @needs(Permission.MAIL_SEND)
    def again(self, key: str) -> ResponseReturnValue:
        """Send the same letter once more."""
        mail_id = find(Mail, key, what="mail").id
        promise = request.form.get("promise", "")[:36].replace("\0", "")
        try:
            mail_id = outbox.send_again(mail_id, promise=promise, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("It is on its way once more.", "success")
        return redirect(url_for(".details", key=mail_id), 303)

    @expose("/<key>/cancel", methods=("POST",))
    @needs(Permission.MAIL_SEND)
    def cancel(self, key: str) -> ResponseReturnValue:
        """Take it out before it is sent."""
        mail_id = find(Mail, key, what="mail").id
        try:
            outbox.cancel(mail_id, actor=current_actor())
        except DomainError as refusal:
            flash(str(refusal), "error")
        else:
            flash("It will not be sent.", "success")
        return redirect(url_for(".details", key=mail_id), 303)


def _nothing_sent() -> str | None:
    """What to say above the mails while there is no mail server."""
    settings: Settings = current_app.extensions["settings"]
    if settings.smtp_url:
        return None
    if settings.livemode:
        return "SMTP_URL is not set, so no mail leaves this house. What is written waits here until it is."
    return "Without SMTP_URL mails are kept here for reading and not sent."
