"""Addresses that came from outside, before anybody is sent there."""

from urllib.parse import unquote, urlsplit

from flask import Response, request

_LONGEST = 2_000


def safe_path(text: str | None) -> str | None:
    """`text` if it is a path on this site and nothing else, otherwise None.

    Browsers read `//evil`, `/\\evil` and `https:evil` as other sites, and skip tabs and line ends while reading.
    """
    if not text or len(text) > _LONGEST:
        return None
    plain = unquote(text)
    if "\\" in text or " " in text or not plain.isprintable():
        return None
    if not text.startswith("/") or text.startswith("//") or plain.startswith(("//", "/\\")):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if not parts.scheme and not parts.netloc else None


def page_before(referer: str) -> str | None:
    """The page of ours that the Referer header names, with its query; the header may be any text at all."""
    try:
        parts = urlsplit(referer)
    except ValueError:
        return None
    return safe_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def without_host(response: Response) -> Response:
    """A redirect within this site as a path. Werkzeug writes the Host header into it, which is whatever a visitor says."""
    place = response.headers.get("Location", "")
    if place.startswith(request.host_url):
        response.headers["Location"] = "/" + place.removeprefix(request.host_url).lstrip("/")
    return response
