"""The evidence as its page shows it: field by field, with what is filled, what is missing, and how large it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.disputes import files
from app.disputes.drafts import Written
from app.disputes.fields import MOST_IN_ALL, Field, fields_of, sections_of
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft, DisputeFile


@dataclass(frozen=True, slots=True)
class Shown:
    """One field on the page.

    theirs: what somebody else saved meanwhile, where it differs. at_stripe: a file that Stripe has and that was not added here.
    """

    field: Field
    value: str
    file: DisputeFile | None
    theirs: str | None = None
    error: str | None = None
    is_suggested: bool = False
    at_stripe: str | None = None

    @property
    def is_filled(self) -> bool:
        return bool(self.value or self.file or self.at_stripe)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All of it. `number`: of the draft it shows, 0 for none."""

    sections: list[dict[str, Any]]
    shown: list[Shown]
    attached: dict[str, DisputeFile]
    hidden: list[Field]
    product_type: str | None
    appeal: str
    number: int

    @property
    def recommended(self) -> list[Shown]:
        return [one for one in self.shown if one.field.recommended]

    @property
    def missing(self) -> list[Field]:
        """Recommended fields without anything in them."""
        return [one.field for one in self.recommended if not one.is_filled]

    @property
    def filled(self) -> int:
        return len(self.recommended) - len(self.missing)

    @property
    def letters(self) -> int:
        return sum(len(one.value) for one in self.shown) + len(self.appeal)

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.attached.values())

    @property
    def pages(self) -> int:
        return sum(file.pages for file in self.attached.values())

    @property
    def limits(self) -> dict[str, int]:
        return {"letters": MOST_IN_ALL, "bytes": files.MOST_BYTES, "pages": files.FEWER_PAGES_THAN}

    def costs_pages(self, dispute: Dispute) -> bool:
        """Mastercard takes a fee for every page above nineteen."""
        return dispute.brand == "mastercard" and self.pages > files.MASTERCARD_PAGES


def sheet(  # noqa: PLR0913 - each says one thing about it
    dispute: Dispute,
    draft: DisputeDraft | None,
    *,
    suggested: Mapping[str, str],
    typed: Written | None = None,
    theirs: DisputeDraft | None = None,
    errors: Mapping[str, str] | None = None,
) -> Sheet:
    """typed: what stands in the form instead of the draft. suggested: what our own data says, shown while there is no draft."""
    written = typed or (Written.of(draft) if draft else Written(texts=suggested))
    attached = files.of(dispute.id)
    stored = dispute.evidence or {}

    def show(field: Field) -> Shown:
        value = written.texts.get(field.name, "")
        other = theirs.texts.get(field.name, "") if theirs else value
        return Shown(
            field=field,
            value=value,
            file=attached.get(field.name),
            theirs=other if other != value else None,
            error=(errors or {}).get(field.name),
            is_suggested=not draft and not typed and bool(value),
            at_stripe=stored.get(field.name) if field.is_file and field.name not in attached else None,
        )

    fields = [] if dispute.is_appeal else fields_of(dispute.reason, written.product_type)
    shown = {field.name: show(field) for field in fields}
    sections = sections_of(fields)
    for section in sections:
        section["shown"] = [shown[field.name] for field in section["fields"]]
    everything = fields_of(dispute.reason, "multiple")
    hidden = [
        one for one in everything if one.name not in shown and (written.texts.get(one.name) or one.name in attached)
    ]
    return Sheet(
        sections=sections,
        shown=list(shown.values()),
        attached=attached,
        hidden=[] if dispute.is_appeal else hidden,
        product_type=written.product_type,
        appeal=written.appeal or "",
        number=newest.number if (newest := theirs or draft) else 0,
    )
