"""Uploaded evidence."""

import io
import struct
import zlib
from typing import Any

import pytest

from tests.sandbox.client import Sandbox


def png(side: int = 2) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\x00" + b"\x7f" * side for _ in range(side)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pdf(pages: int) -> bytes:
    return b"%PDF-1.4\n" + b"<< /Type /Page >>\n" * pages + f"<< /Type /Pages /Count {pages} >>\n%%EOF\n".encode()


def upload(sandbox: Sandbox, content: bytes, purpose: str = "dispute_evidence", name: str = "proof") -> Any:
    files = {"file": (name, content, "application/octet-stream")}
    return sandbox.call("POST", "/v1/files", {"purpose": purpose}, files=files)


def test_the_sdk_uploads_a_file_and_its_bytes_come_back(sandbox: Sandbox) -> None:
    content = png()
    source = io.BytesIO(content)
    source.name = "receipt.png"

    file = sandbox.stripe().v1.files.create({"purpose": "dispute_evidence", "file": source})

    assert file.object == "file"
    assert (file.type, file.size, file.filename) == ("png", len(content), "receipt.png")
    assert file.expires_at is not None
    assert file.url == f"{sandbox.url}/v1/files/{file.id}/contents"
    back = sandbox.call("GET", f"/v1/files/{file.id}/contents")
    assert back.content == content
    assert back.headers["Content-Type"] == "image/png"
    assert sandbox.get("/v1/files", params={"purpose": "dispute_evidence"})["data"][0]["id"] == file.id


@pytest.mark.parametrize(
    ("content", "kind"), [(png(), "png"), (pdf(3), "pdf"), (b"\xff\xd8\xff\xe0" + b"x" * 50 + b"\xff\xd9", "jpg")]
)
def test_the_type_is_read_from_the_bytes(sandbox: Sandbox, content: bytes, kind: str) -> None:
    assert upload(sandbox, content, name="lie.exe").json()["type"] == kind


@pytest.mark.parametrize(
    "content",
    [b"", b"just text", b"MZ\x90\x00", png()[:-6], png().replace(b"IDAT", b"IDAX"), pdf(50), pdf(1) + b" " * 5_300_000],
    ids=["empty", "text", "program", "cut png", "broken png", "fifty pages", "too big"],
)
def test_what_is_no_evidence_is_refused(sandbox: Sandbox, content: bytes) -> None:
    response = upload(sandbox, content)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "file"
    assert sandbox.objects("file") == []


def test_an_upload_needs_its_purpose_and_its_file(sandbox: Sandbox) -> None:
    assert upload(sandbox, png(), purpose="fun").json()["error"]["param"] == "purpose"
    assert sandbox.call("POST", "/v1/files", {"purpose": "dispute_evidence"}).json()["error"]["param"] == "file"


def test_an_upload_is_done_once_under_its_key(sandbox: Sandbox) -> None:
    def post(content: bytes) -> Any:
        files = {"file": ("a.png", content, "image/png")}
        headers = {"Idempotency-Key": "k"}
        return sandbox.call("POST", "/v1/files", {"purpose": "dispute_evidence"}, files=files, headers=headers)

    first, again, other = post(png()), post(png()), post(png(3))

    assert first.json() == again.json()
    assert other.json()["error"]["type"] == "idempotency_error"
    assert len(sandbox.objects("file")) == 1


def test_identity_documents_cannot_be_read_back(sandbox: Sandbox) -> None:
    file = upload(sandbox, png(), purpose="identity_document").json()

    assert sandbox.call("GET", f"/v1/files/{file['id']}/contents").status_code == 403


def test_a_file_can_be_linked(sandbox: Sandbox) -> None:
    file = upload(sandbox, png()).json()

    link = sandbox.post("/v1/file_links", {"file": file["id"]})

    assert link["file"] == file["id"]
    assert sandbox.get(f"/v1/file_links/{link['id']}") == link
