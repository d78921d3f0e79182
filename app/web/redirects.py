"""Addresses that came from outside, before anybody is sent there."""

from urllib.parse import unquote, urlsplit

_LONGEST = 2_000


def safe_path(text: str | None) -> str | None:
    """`text` if it is a path on this site and nothing else, otherwise None.

    Browsers read `//evil`, `/\\evil` and `https:evil` as other sites, and skip tabs and line ends while reading.
    """
    if not text or len(text) > _LONGEST:
        return None
    plain = unquote(text)
    if any(ord(char) <= 0x20 or ord(char) == 0x7F or char == "\\" for char in text) or _splits_headers(plain):  # noqa: PLR2004 - ASCII
        return None
    if not text.startswith("/") or text.startswith("//") or plain.startswith(("//", "/\\")):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if not parts.scheme and not parts.netloc else None


def _splits_headers(text: str) -> bool:
    return any(char in text for char in "\r\n\0")
