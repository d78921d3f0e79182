"""What a PDF says, read back by another library than the one that printed it."""

from io import BytesIO

from pypdf import PdfReader


def pages_of(content: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def text_of(content: bytes) -> str:
    """All of it, blanks and line breaks as single blanks."""
    return " ".join(" ".join(pages_of(content)).split())
