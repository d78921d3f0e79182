"""A PDF without a library: text in Courier, as many A4 pages as it takes."""

from __future__ import annotations

import textwrap

PER_PAGE = 56
COLUMNS = 84
_TOP, _LEFT, _LEADING, _SIZE = 790, 50, 13, 10


def row(left: str, right: str = "") -> list[str]:
    """One or more lines with `right` at the right edge of the last."""
    room = COLUMNS - len(right) - 2
    lines = textwrap.wrap(left, room) or [""]
    return [*lines[:-1], f"{lines[-1]:<{room}}  {right}".rstrip() if right else lines[-1]]


def document(title: str, lines: list[str]) -> bytes:
    """The file; letters outside of Western Europe's become question marks."""
    pages = [lines[at : at + PER_PAGE] for at in range(0, max(len(lines), 1), PER_PAGE)]
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        content = _content(page)
        parts.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {5 + 2 * number} 0 R >>".encode()
        )
        parts.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content))
    parts.append(b"<< /Title (" + _escaped(title) + b") /Producer (Counterfoil Sandbox) >>")
    return _assembled(parts)


def _content(lines: list[str]) -> bytes:
    text = b"".join(b"(" + _escaped(line) + b") Tj T*\n" for line in lines)
    return b"BT /F1 %d Tf %d TL %d %d Td\n%bET" % (_SIZE, _LEADING, _LEFT, _TOP, text)


def _escaped(text: str) -> bytes:
    raw = text.encode("cp1252", "replace")
    return raw.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _assembled(parts: list[bytes]) -> bytes:
    file = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(parts) + 1
    file += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(parts), start)
    return bytes(file)
