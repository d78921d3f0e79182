"""The remarks about one thing, and the filter that lists have for tags."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, select, text

from app.database import Base, db
from app.models.remark import CustomValue, Note, Tag
from app.remarks import words
from app.remarks.subjects import KINDS, Subject, subject_of
from app.web.accounts import current_account_id
from app.web.filters import Filter, TextFilter
from app.web.people import visible

NEWEST = 20
# One question for all three: pages count theirs.
_ABOUT = text("""
    SELECT 'note' AS kind, note_id::text AS key, words, version, written_by AS by, written_at AS at FROM (
        SELECT * FROM notes WHERE account_id = :account_id AND subject_type = :type AND subject_id = :id
           AND replaced_at IS NULL ORDER BY written_at DESC LIMIT :newest) AS newest
    UNION ALL
    SELECT 'tag', tag, '', 0, added_by, added_at FROM tags
     WHERE account_id = :account_id AND subject_type = :type AND subject_id = :id
    UNION ALL
    SELECT 'value', name, value, 0, set_by, set_at FROM custom_values
     WHERE account_id = :account_id AND subject_type = :type AND subject_id = :id AND replaced_at IS NULL
    ORDER BY 1, 6 DESC, 2
""")


@dataclass(frozen=True, slots=True)
class Remark:
    """A note, a tag or a field. `key`: the note's id, the tag, the field's name. is_masked: something personal is left out."""

    key: str
    words: str
    version: int
    by: str
    at: datetime
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Remarks:
    """All that is said about one thing; of notes the newest twenty."""

    subject: Subject
    notes: list[Remark]
    tags: list[Remark]
    values: list[Remark]


def about(row: Base, *, of: str | None) -> Remarks:
    """What staff say about this row; one query. of: the customer it belongs to, whose data may stand in the words."""
    subject = subject_of(row)
    asked = {"account_id": subject.account_id, "type": subject.type, "id": subject.id, "newest": NEWEST}
    found: dict[str, list[Remark]] = {"note": [], "tag": [], "value": []}
    for line in db.session.execute(_ABOUT, asked):
        words = visible(line.words, of=of)
        found[line.kind].append(Remark(line.key, words, line.version, line.by, line.at, words != line.words))
    return Remarks(subject, found["note"], sorted(found["tag"], key=lambda tag: tag.key), found["value"])


def note_versions(note_id: UUID) -> list[Note]:
    """All versions of a note, the newest first; empty when there is none here."""
    mine = select(Note).where(Note.note_id == note_id, Note.account_id == current_account_id())
    return list(db.session.scalars(mine.order_by(Note.version.desc())))


def value_versions(subject: Subject) -> list[CustomValue]:
    """What all fields of a thing were and are, the newest first."""
    rows = CustomValue
    its = [rows.account_id == subject.account_id, rows.subject_type == subject.type, rows.subject_id == subject.id]
    return list(db.session.scalars(select(rows).where(*its).order_by(rows.set_at.desc(), rows.id.desc()).limit(100)))


def known_tags(subject_type: str) -> list[str]:
    """The tags in use, for the box that suggests them."""
    used = select(Tag.tag).where(Tag.account_id == current_account_id(), Tag.subject_type == subject_type)
    return list(db.session.scalars(used.distinct().order_by(Tag.tag).limit(100)))


def tag_filter(model: Any) -> Filter:
    """The filter of a list by tag: `filters = (…, tag_filter(Charge))`."""
    kind = next(name for name, kind in KINDS.items() if kind.model is model)

    def match(typed: str) -> ColumnElement[bool]:
        wears = select(Tag.subject_id).where(
            Tag.account_id == current_account_id(),
            Tag.subject_type == kind,
            Tag.tag == words.slug(typed, "A tag"),
        )
        condition: ColumnElement[bool] = cast(model.id, Text).in_(wears) if kind == "refund" else model.id.in_(wears)
        return condition

    return TextFilter(name="tag", label="Tag", match=match)
