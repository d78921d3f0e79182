"""Files: what dispute evidence is made of. Their bytes are looked at, not their names."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Any

from app.sandbox import params
from app.sandbox.errors import StripeError, invalid, missing, unknown
from app.sandbox.http import Reply
from app.sandbox.params import Obj, Upload
from app.sandbox.routes import route
from app.sandbox.tx import Tx

MEGABYTE = 1024 * 1024

PURPOSES: dict[str, tuple[tuple[str, ...], int, int | None, bool]] = {
    "account_requirement": (("pdf", "jpg", "png"), 16 * MEGABYTE, None, False),
    "additional_verification": (("pdf", "jpg", "png"), 16 * MEGABYTE, None, False),
    "business_icon": (("jpg", "png", "gif"), MEGABYTE // 2, None, True),
    "business_logo": (("jpg", "png", "gif"), MEGABYTE // 2, None, True),
    "customer_signature": (("jpg", "png", "svg"), 4 * MEGABYTE, 7, True),
    "dispute_evidence": (("pdf", "jpg", "png"), 5 * MEGABYTE, 274, True),
    "identity_document": (("pdf", "jpg", "png"), 16 * MEGABYTE, None, False),
    "tax_document_user_upload": (("pdf", "jpg", "png", "csv", "txt"), 20 * MEGABYTE, None, False),
}
"""Types, most bytes, days until it expires, and whether it can be read back (docs.stripe.com/file-upload)."""

MIME = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "svg": "image/svg+xml"}
MOST_PAGES = 50


@route("POST", "/v1/files")
def create(tx: Tx) -> Obj:
    """Multipart with `purpose` and `file`."""
    params.allow(tx.params, "purpose", "file", "file_link_data")
    purpose = params.choice(tx.params, "purpose", PURPOSES)
    if purpose is None:
        raise missing("purpose")
    upload = tx.params.get("file")
    if not isinstance(upload, Upload):
        raise missing("file") if not upload else invalid("Invalid file: must be uploaded as multipart", param="file")
    types, most, days, _ = PURPOSES[purpose]
    found = type_of(upload.content)
    if found not in types:
        raise StripeError(
            f"The file type uploaded cannot be used for the given purpose. {purpose} takes: {', '.join(types)}.",
            code="file_type_unsupported",
            param="file",
        )
    if len(upload.content) > most:
        raise invalid(f"The file is larger than the {most} bytes allowed for {purpose}.", param="file")
    if found == "pdf" and purpose == "dispute_evidence" and pages_of(upload.content) >= MOST_PAGES:
        raise invalid(f"A PDF of evidence must have fewer than {MOST_PAGES} pages.", param="file")
    file_id = tx.new_id("file_")
    file = {
        "id": file_id,
        "object": "file",
        "created": tx.now,
        "expires_at": tx.now + days * 86400 if days else None,
        "filename": upload.filename or file_id,
        "links": {"object": "list", "data": [], "has_more": False, "url": f"/v1/file_links?file={file_id}"},
        "purpose": purpose,
        "size": len(upload.content),
        "title": None,
        "type": found,
        "url": f"http://{tx.host}/v1/files/{file_id}/contents",
    }
    tx.put(file)
    tx.cursor.execute("INSERT INTO contents (file, data) VALUES (%s, %s)", (file_id, upload.content))
    tx.emit("file.created", file)
    return file


@route("GET", "/v1/files/{id}/contents")
def contents(tx: Tx, id: str) -> Reply:  # noqa: A002
    file = tx.require("file", id, lock=False)
    if not PURPOSES[file["purpose"]][3]:
        raise StripeError(f"Files with purpose {file['purpose']} cannot be downloaded.", status=403)
    tx.cursor.execute("SELECT data FROM contents WHERE file = %s", (id,))
    row: Any = tx.cursor.fetchone()
    return Reply(200, bytes(row[0]), content_type=MIME.get(file["type"], "application/octet-stream"))


@route("POST", "/v1/file_links")
def create_link(tx: Tx) -> Obj:
    """A public address of a file."""
    strange = [name for name in tx.params if name not in ("file", "expires_at", "metadata")]
    if strange:
        raise unknown(*strange)
    params.need(tx.params, "file")
    file = tx.require("file", str(tx.params["file"]), param="file", lock=False)
    link_id = tx.new_id("link_")
    link = {
        "id": link_id,
        "object": "file_link",
        "created": tx.now,
        "expired": False,
        "expires_at": params.integer(tx.params, "expires_at"),
        "file": file["id"],
        "livemode": False,
        "metadata": params.metadata(tx.params),
        "url": file["url"],
    }
    tx.put(link)
    return link


def type_of(content: bytes) -> str | None:
    """pdf, jpg, png, gif or svg when the bytes hold together as one, else None."""
    return next((name for name, holds in _CHECKS.items() if holds(content)), None)


def pages_of(pdf: bytes) -> int:
    """Pages a PDF says it has; 1 when it hides them in compressed objects."""
    counts = [int(number) for number in re.findall(rb"/Type\s*/Pages\b[^>]*?/Count\s+(\d{1,6})", pdf)]
    counts += [int(number) for number in re.findall(rb"/Count\s+(\d{1,6})[^>]*?/Type\s*/Pages\b", pdf)]
    return max([1, *counts, len(re.findall(rb"/Type\s*/Page\b", pdf))])


def _is_pdf(content: bytes) -> bool:
    return content[:1024].lstrip().startswith(b"%PDF-") and b"%%EOF" in content[-2048:]


def _is_jpeg(content: bytes) -> bool:
    return content.startswith(b"\xff\xd8\xff") and content.rstrip(b"\x00\r\n").endswith(b"\xff\xd9")


def _is_png(content: bytes) -> bool:
    """Every chunk up to IEND has its right checksum."""
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return False
    at = 8
    while at + 12 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        name, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        mark = content[at + 8 + size : at + 12 + size]
        if zlib.crc32(name + data) != int.from_bytes(mark, "big"):
            return False
        if name == b"IEND":
            return True
        at += 12 + size
    return False


def _is_gif(content: bytes) -> bool:
    return content.startswith((b"GIF87a", b"GIF89a")) and content.rstrip(b"\x00").endswith(b";")


def _is_svg(content: bytes) -> bool:
    return content.lstrip().startswith((b"<svg", b"<?xml")) and b"</svg>" in content


_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "pdf": _is_pdf,
    "jpg": _is_jpeg,
    "png": _is_png,
    "gif": _is_gif,
    "svg": _is_svg,
}
