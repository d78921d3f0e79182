"""The evidence as one PDF, to be read before it is sent: what was written, then the files in the order of the events."""

import io
from dataclasses import dataclass
from datetime import UTC

from PIL import Image
from pypdf import PdfReader, PdfWriter

from app.disputes import files
from app.disputes.sheet import Sheet
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeFile
from app.papers.printing import print_sheet, words
from app.papers.sheets import Sheet as Paper


@dataclass(frozen=True, slots=True)
class Packet:
    """A PDF with its number of pages."""

    content: bytes
    pages: int

    @property
    def megabytes(self) -> str:
        return f"{len(self.content) / 1_000_000:.2f}"


def packet(dispute: Dispute, sheet: Sheet) -> Packet:
    """Purchase, customer, delivery and use, then policies and the rest: the order of the form is the order of the events."""
    writer = PdfWriter()
    writer.append(io.BytesIO(_cover(dispute, sheet)))
    named = [shown.field.name for shown in sheet.shown] or list(sheet.attached)
    for name in named:
        if file := sheet.attached.get(name):
            writer.append(io.BytesIO(_as_pdf(file)))
    made = io.BytesIO()
    writer.write(made)
    return Packet(made.getvalue(), len(PdfReader(made).pages))


def _cover(dispute: Dispute, sheet: Sheet) -> bytes:
    told = [f"{shown.field.label}: {shown.value}" for shown in sheet.shown if shown.value]
    attached = [f"{file.filename} ({file.pages} p.)" for file in sheet.attached.values()]
    due = f"{dispute.due_at.astimezone(UTC):%-d %B %Y, %H:%M} UTC" if dispute.due_at else "none"
    paper = Paper(
        title=f"{dispute.kind}: evidence",
        sender=["Preview. Stripe lays it out in its own way."],
        facts=[
            ("Dispute", dispute.id),
            ("Payment", dispute.charge_id or "unknown"),
            ("Amount", words(dispute.money)),
            ("Reason", dispute.reason.replace("_", " ")),
            ("Answer due", due),
        ],
        notes=[*([sheet.appeal] if sheet.appeal else told), *([f"Files: {', '.join(attached)}"] if attached else [])],
    )
    return print_sheet(paper).content


def _as_pdf(file: DisputeFile) -> bytes:
    content = files.content_of(file)
    if file.kind == "pdf":
        return content
    made = io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        picture.convert("RGB").save(made, "PDF")
    return made.getvalue()
