"""Notes, tags and fields: written, changed and taken away again. Each act is one audit entry, which holds no words of a note."""

from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import BadRequest, Conflict, Unknown
from app.models.remark import CustomValue, Note, Tag
from app.remarks import words
from app.remarks.subjects import Subject, customer_of

MOST_TAGS = 30
MOST_VALUES = 30


def add_note(subject: Subject, typed: str, *, actor: Actor) -> UUID:
    """Write a note; its id.

    Raises:
        BadRequest: it is empty or longer than 10,000 characters.
    """
    said, note_id = words.note(typed), uuid4()
    with transaction():
        db.session.add(_version(subject, note_id, 1, said, actor))
        _record(actor, "note.added", subject, {"note": note_id})
    return note_id


def edit_note(note_id: UUID, typed: str, *, version: int, account_id: int, actor: Actor) -> None:
    """Replace the words of a note; the old ones stay in its history. `version`: the one that was edited.

    Raises:
        BadRequest: as above. Unknown: it was removed. Conflict: somebody else has changed it meanwhile.
    """
    said = words.note(typed)
    with transaction():
        current = _current(note_id, account_id)
        if current.version != version:
            raise Conflict(f"{current.written_by} has changed this note meanwhile. Look at it before you change it.")
        if current.words == said:
            raise BadRequest("Nothing was changed: the words are the same.")
        current.replaced_at = clock.now()
        db.session.flush()
        db.session.add(_version(_subject(current), note_id, version + 1, said, actor))
        _record(actor, "note.edited", _subject(current), {"note": note_id, "version": version + 1})


def remove_note(note_id: UUID, *, account_id: int, actor: Actor) -> None:
    """Take a note off the page; its history stays.

    Raises:
        Unknown: it was removed before.
    """
    with transaction():
        current = _current(note_id, account_id)
        current.replaced_at = clock.now()
        _record(actor, "note.removed", _subject(current), {"note": note_id})


def add_tags(subject: Subject, typed: str, *, actor: Actor) -> list[str]:
    """Put tags on something; those that were not there yet.

    Raises:
        BadRequest: no tag, or too many. NamesSomebody: one says who the customer is. Conflict: all are there already.
    """
    with transaction():
        asked = words.tags(typed, customer_of(subject))
        there = set(db.session.scalars(_tags_of(subject)))
        new = [tag for tag in asked if tag not in there]
        if not new:
            raise Conflict(f"{', '.join(asked)}: already there.")
        if len(there) + len(new) > MOST_TAGS:
            raise BadRequest(f"A {subject.kind.noun} has at most {MOST_TAGS} tags. Take one away first.")
        rows = [{**_about(subject), "tag": tag, "added_by": actor.name, "added_at": clock.now()} for tag in new]
        db.session.execute(insert(Tag).values(rows).on_conflict_do_nothing())
        _record(actor, "tag.added", subject, {"tags": ", ".join(new)})
    return new


def remove_tag(subject: Subject, tag: str, *, actor: Actor) -> None:
    """Take a tag away.

    Raises:
        Unknown: it is not there.
    """
    with transaction():
        its = [Tag.account_id == subject.account_id, Tag.subject_type == subject.type, Tag.subject_id == subject.id]
        gone = db.session.execute(delete(Tag).where(*its, Tag.tag == words.slug(tag, "A tag")).returning(Tag.tag))
        if gone.scalar() is None:
            raise Unknown("This tag is not there any more.")
        _record(actor, "tag.removed", subject, {"tags": tag})


def set_value(subject: Subject, name: str, typed: str, *, actor: Actor) -> None:
    """Give a field of the shop's own a value; an empty one takes the field away. What stood there stays in the history.

    Raises:
        BadRequest: no field name, too long, too many fields. Conflict: it has this value already, or somebody was first.
    """
    field, value = words.slug(name, "The name of a field"), words.value(typed)
    try:
        with transaction():
            _replace(subject, field, value, actor)
    except IntegrityError as error:
        raise Conflict("Somebody else has changed this field at this moment. Look at it again.") from error


def _replace(subject: Subject, field: str, value: str, actor: Actor) -> None:
    known = {row.name: row for row in db.session.scalars(_values_of(subject).with_for_update())}
    current = known.get(field)
    if (current.value if current else "") == value:
        raise Conflict(f"{field} has this value already." if value else "This field is not there any more.")
    if current is not None:
        current.replaced_at = clock.now()
        db.session.flush()
    elif len(known) >= MOST_VALUES:
        raise BadRequest(f"A {subject.kind.noun} has at most {MOST_VALUES} fields. Take one away first.")
    if value:
        db.session.add(CustomValue(**_about(subject), name=field, value=value, set_by=actor.name, set_at=clock.now()))
    _record(actor, "field.set" if value else "field.removed", subject, {"field": field})


def _current(note_id: UUID, account_id: int) -> Note:
    found = select(Note).where(Note.note_id == note_id, Note.replaced_at.is_(None), Note.account_id == account_id)
    note = db.session.execute(found.with_for_update()).scalar_one_or_none()
    if note is None:
        raise Unknown("This note is not there any more.")
    return note


def _version(subject: Subject, note_id: UUID, version: int, said: str, actor: Actor) -> Note:
    return Note(
        **_about(subject),
        note_id=note_id,
        version=version,
        words=said,
        written_by=actor.name,
        written_at=clock.now(),
    )


def _tags_of(subject: Subject):  # type: ignore[no-untyped-def] # SQLAlchemy's own type is longer than the function
    its = [Tag.account_id == subject.account_id, Tag.subject_type == subject.type, Tag.subject_id == subject.id]
    return select(Tag.tag).where(*its)


def _values_of(subject: Subject):  # type: ignore[no-untyped-def] # as above
    rows = CustomValue
    its = [rows.account_id == subject.account_id, rows.subject_type == subject.type, rows.subject_id == subject.id]
    return select(rows).where(*its, rows.replaced_at.is_(None))


def _about(subject: Subject) -> dict[str, object]:
    return {"account_id": subject.account_id, "subject_type": subject.type, "subject_id": subject.id}


def _subject(note: Note) -> Subject:
    return Subject(note.account_id, note.subject_type, note.subject_id)


def _record(actor: Actor, action: str, subject: Subject, after: dict[str, object]) -> None:
    trail.record(actor, action, subject.type, subject.id, account_id=subject.account_id, after=after)
