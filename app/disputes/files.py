"""Files of evidence: looked into, counted, kept here, and left with Stripe."""

import hashlib
import io
import logging
import warnings
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID, uuid4

from PIL import Image
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.disputes import drafts
from app.disputes.fields import FIELDS
from app.errors import EvidenceTooLarge, GatewayRefused, GatewayUnavailable, NotEvidence, Unknown
from app.gateways.answer import Answer
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeFile

log = logging.getLogger("disputes")

# RULES B2: what Stripe forwards to the banks, and from where on Mastercard charges for each page.
MOST_BYTES = 4_500_000
FEWER_PAGES_THAN = 50
MASTERCARD_PAGES = 19
PURPOSE = "dispute_evidence"
APPEAL = "appeal"
FILES = frozenset({*(name for name, field in FIELDS.items() if field.is_file), APPEAL})
_LONGEST_NAME = 120
# A small file can unfold into a picture that fills the memory.
_MOST_PIXELS = 60_000_000


class Uploads(Protocol):
    """What this needs of Stripe."""

    def upload(self, content: bytes, *, filename: str, purpose: str, key: str, about: str) -> Answer: ...


def attach(dispute_id: str, field: str, content: bytes, filename: str, *, actor: Actor) -> DisputeFile:
    """Keep a file for a field of the evidence; the one it had before is replaced.

    Raises:
        NotEvidence: it is no PDF, JPEG or PNG that can be read. EvidenceTooLarge: with the others it is too large or too long.
        Unknown: there is no such field. Conflict, DisputeClosed: no evidence is taken any more.
    """
    if field not in FILES:
        raise Unknown("There is no such field for a file.")
    kind, pages = read(content)
    with transaction():
        dispute = db.session.get_one(Dispute, dispute_id, with_for_update=True, populate_existing=True)
        if refusal := drafts.obstacle(dispute):
            raise refusal
        attached = of(dispute_id)
        before = attached.pop(field, None)
        check_sum([*attached.values()], len(content), pages)
        if before:
            before.removed_at = clock.now()
            db.session.flush()
        file = DisputeFile(
            id=uuid4(),
            account_id=dispute.account_id,
            dispute_id=dispute_id,
            field=field,
            filename=_safe_name(filename, kind),
            kind=kind,
            size=len(content),
            pages=pages,
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
            added_by=actor.name,
            added_at=clock.now(),
        )
        db.session.add(file)
        db.session.flush()
        after = {"field": field, "bytes": file.size, "pages": pages, "sha256": file.sha256}
        trail.record(actor, "evidence.file_added", "dispute", dispute_id, account_id=dispute.account_id, after=after)
    return file


def remove(dispute_id: str, field: str, *, actor: Actor) -> None:
    """Take a file out of the evidence; its bytes stay here.

    Raises:
        Unknown: there is none. Conflict, DisputeClosed: no evidence is taken any more.
    """
    with transaction():
        dispute = db.session.get_one(Dispute, dispute_id, with_for_update=True, populate_existing=True)
        if refusal := drafts.obstacle(dispute):
            raise refusal
        file = of(dispute_id).get(field)
        if file is None:
            raise Unknown("There is no such file any more.")
        file.removed_at = clock.now()
        db.session.flush()
        after = {"field": field}
        trail.record(actor, "evidence.file_removed", "dispute", dispute_id, account_id=dispute.account_id, after=after)


def send_all(dispute_id: str, *, gateway: Uploads) -> None:
    """Leave with Stripe what it does not have yet. What cannot be sent now stays and is tried again with the next save.

    Raises:
        NotEvidence: Stripe looked at a file and does not take it.
    """
    waiting = [(file.id, file.filename) for file in of(dispute_id).values() if not file.stripe_id]
    db.session.rollback()
    for file_id, filename in waiting:
        try:
            _send(file_id, filename, dispute_id, gateway)
        except GatewayRefused as refusal:
            raise NotEvidence(f"Stripe does not take {filename}: {refusal}") from refusal
        except GatewayUnavailable as doubt:
            log.warning("evidence.file_waits", extra={"file": str(file_id), "why": str(doubt)})


def of(dispute_id: str) -> dict[str, DisputeFile]:
    """The files of the evidence, by field."""
    live = select(DisputeFile).where(DisputeFile.dispute_id == dispute_id, DisputeFile.removed_at.is_(None))
    found = db.session.scalars(live.order_by(DisputeFile.added_at).execution_options(populate_existing=True))
    return {file.field: file for file in found}


def was_removed(dispute_id: str, field: str) -> bool:
    """Whether a file once stood in this field."""
    gone = select(DisputeFile.id).where(DisputeFile.dispute_id == dispute_id, DisputeFile.field == field)
    return db.session.scalar(gone.limit(1)) is not None


def mark_of(dispute_id: str) -> str:
    """Changes whenever the files do."""
    marks = sorted(str(file.id) for file in of(dispute_id).values())
    db.session.rollback()
    return ",".join(marks)


def content_of(file: DisputeFile) -> bytes:
    return db.session.scalars(select(DisputeFile.content).where(DisputeFile.id == file.id)).one()


def read(content: bytes) -> tuple[str, int]:
    """The kind of file by its bytes (pdf, jpg or png) and its pages.

    Raises:
        NotEvidence: it is none of these, broken, or locked with a password.
    """
    if not content:
        raise NotEvidence("The file is empty.")
    if content[:1024].lstrip().startswith(b"%PDF-"):
        return "pdf", _pages(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _picture(content, "JPEG", "jpg")
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _picture(content, "PNG", "png")
    raise NotEvidence("Banks read PDF, JPEG and PNG; this file is none of them. Print it into a PDF, then add that.")


def check_sum(others: Iterable[DisputeFile], size: int, pages: int) -> None:
    """Whether a file of this size still fits beside the others.

    Raises:
        EvidenceTooLarge: with the number found.
    """
    others = list(others)
    total = size + sum(file.size for file in others)
    if total > MOST_BYTES:
        raise EvidenceTooLarge(
            f"With this file all files together have {total / 1_000_000:.2f} MB; Stripe takes {MOST_BYTES / 1_000_000:.1f} MB. "
            "Scan in a lower resolution, or leave pages out."
        )
    count = pages + sum(file.pages for file in others)
    if count >= FEWER_PAGES_THAN:
        raise EvidenceTooLarge(
            f"With this file all files together have {count} pages; banks take fewer than {FEWER_PAGES_THAN}. Leave pages out."
        )


def _send(file_id: UUID, filename: str, dispute_id: str, gateway: Uploads) -> None:
    content = db.session.scalars(select(DisputeFile.content).where(DisputeFile.id == file_id)).one()
    db.session.rollback()
    answer = gateway.upload(content, filename=filename, purpose=PURPOSE, key=f"file:{file_id}", about=dispute_id)
    with transaction():
        db.session.get_one(DisputeFile, file_id, populate_existing=True).stripe_id = answer.body["id"]


def _pages(content: bytes) -> int:
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise NotEvidence("This PDF is locked with a password. Print it into one without.")
        count = len(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError) as error:
        raise NotEvidence("This PDF is broken: it cannot be opened. Print it into a new one.") from error
    if count == 0:
        raise NotEvidence("This PDF has no pages.")
    return count


def _picture(content: bytes, name: str, kind: str) -> tuple[str, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=[name]) as picture:
                if picture.width * picture.height > _MOST_PIXELS:
                    raise NotEvidence("This picture is larger than anybody can print. Save it in a lower resolution.")
                picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotEvidence(f"This {name} is broken: it cannot be opened. Save it again, then add that.") from error
    return kind, 1


def _safe_name(filename: str, kind: str) -> str:
    """As people named it, without folders and what no name should hold."""
    plain = "".join(letter for letter in filename.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    stem = plain.rpartition(".")[0] or plain or "evidence"
    return f"{stem[:_LONGEST_NAME]}.{kind}"
