"""Where notes, tags and fields are sent to, and the page with all of them and their history."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import current_app, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app.errors import DomainError, NotAllowed, Unknown
from app.models.customer import Customer
from app.remarks import operations, queries
from app.remarks.subjects import KINDS, Subject, subject_of
from app.web.admin import StaffView, expose, may
from app.web.lookup import find
from app.web.people import payer_of, visible
from app.web.permissions import Permission
from app.web.sessions import current_actor


class RemarksView(StaffView):
    """/admin/remarks: below it everything about one thing, by its kind and id."""

    permission = Permission.NOTE_WRITE
    endpoint = "remarks"
    title = "Notes"
    icon = "note"
    in_menu = False

    @expose("/")
    def index_view(self) -> ResponseReturnValue:
        """Remarks are found where what they are about is found."""
        return redirect(url_for("customers.index_view"), 303)

    @expose("/<kind>/<key>")
    def all_of_one(self, kind: str, key: str) -> ResponseReturnValue:
        """All notes, tags and fields of a thing, and what they were before."""
        return self._page(_row(kind, key))

    @expose("/<kind>/<key>/note", methods=("POST",))
    def add_note(self, kind: str, key: str) -> ResponseReturnValue:
        row, typed = _row(kind, key), request.form.get("words", "")
        return self._done(
            row, lambda subject: operations.add_note(subject, typed, actor=current_actor()), {"words": typed}
        )

    @expose("/<kind>/<key>/tags", methods=("POST",))
    def add_tags(self, kind: str, key: str) -> ResponseReturnValue:
        row, typed = _row(kind, key), request.form.get("tags", "")
        return self._done(
            row, lambda subject: operations.add_tags(subject, typed, actor=current_actor()), {"tags": typed}
        )

    @expose("/<kind>/<key>/tags/remove", methods=("POST",))
    def remove_tag(self, kind: str, key: str) -> ResponseReturnValue:
        row, tag = _row(kind, key), request.form.get("tag", "")
        return self._done(row, lambda subject: operations.remove_tag(subject, tag, actor=current_actor()), {})

    @expose("/<kind>/<key>/field", methods=("POST",))
    def set_value(self, kind: str, key: str) -> ResponseReturnValue:
        row = _row(kind, key)
        name, typed = request.form.get("name", ""), request.form.get("value", "")
        return self._done(
            row,
            lambda subject: operations.set_value(subject, name, typed, actor=current_actor()),
            {"name": name, "value": typed},
        )

    @expose("/note/<note_id>/edit", methods=("POST",))
    def edit_note(self, note_id: str) -> ResponseReturnValue:
        number, row = _note(note_id)
        typed, version = request.form.get("words", ""), request.form.get("version", "")

        def edit(subject: Subject) -> None:
            operations.edit_note(
                number, typed, version=_number(version), account_id=subject.account_id, actor=current_actor()
            )

        return self._done(row, edit, {"note": note_id, "edited": typed})

    @expose("/note/<note_id>/remove", methods=("POST",))
    def remove_note(self, note_id: str) -> ResponseReturnValue:
        number, row = _note(note_id)
        return self._done(
            row,
            lambda subject: operations.remove_note(number, account_id=subject.account_id, actor=current_actor()),
            {},
        )

    def _done(self, row: Any, act: Callable[[Subject], object], typed: dict[str, str]) -> ResponseReturnValue:
        """Back to the thing's page; after a refusal the page with all of its remarks, where nothing that was typed is lost."""
        subject = subject_of(row)
        try:
            act(subject)
        except DomainError as refusal:
            flash(str(refusal), "error")
            return make_response(self._page(_row(subject.type, subject.id), typed), refusal.status)
        return redirect(f"{url_for(subject.kind.endpoint, key=subject.id)}#remarks", 303)

    def _page(self, row: Any, typed: dict[str, str] | None = None) -> str:
        of = _whose(row)
        remarks = queries.about(row, of=of)
        return self.render(
            "remarks/page.html",
            remarks=remarks,
            typed=typed or {},
            visible=partial(visible, of=of),
            versions={
                note.key: queries.note_versions(UUID(note.key))[1:] for note in remarks.notes if note.version > 1
            },
            values=queries.value_versions(remarks.subject),
            known_tags=queries.known_tags(remarks.subject.type),
        )


def _row(kind: str, key: str) -> Any:
    """The thing itself.

    Raises:
        Unknown: there is no such thing here. NotAllowed: this person may not see it.
    """
    known = KINDS.get(kind)
    if known is None or known.endpoint not in current_app.view_functions:
        raise Unknown("There is nothing of this kind.")
    if not may(known.permission):
        raise NotAllowed("Your role does not include this. An admin can change it.")
    return find(known.model, key, what=known.noun)


def _whose(row: Any) -> str | None:
    """The customer whose data may stand in the words about this thing."""
    if isinstance(row, Customer):
        return row.id
    return getattr(row, "customer_id", None) or payer_of(getattr(row, "charge_id", None))


def _note(note_id: str) -> tuple[UUID, Any]:
    try:
        number = UUID(note_id)
    except ValueError as error:
        raise Unknown("There is no such note.") from error
    versions = queries.note_versions(number)
    if not versions:
        raise Unknown("There is no such note.")
    return number, _row(versions[0].subject_type, versions[0].subject_id)


def _number(typed: str) -> int:
    """0 is no version, so that a damaged form is a form of another version."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0  # noqa: PLR2004 - fits into an integer
