"""How pages look: the folder of templates, hashed addresses of static files, and what the shell around a page shows."""

import gzip
import hashlib
import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from flask import Flask, Response, current_app, request, send_from_directory, url_for
from flask_admin.theme import Theme
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"

# An absolute folder, so that none of Flask-Admin's own templates can be reached.
theme = Theme(folder=str(TEMPLATES), base_template="admin/base.html")

_A_YEAR = "public, max-age=31536000, immutable"
_AN_HOUR = "public, max-age=3600"
_SQUEEZED = {".css", ".js", ".svg"}


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. `role` is the word people say: "Support lead"."""

    name: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old the mirror is. `state` is "live", "late" (amber) or "unknown" (never synced). `lag`: seconds behind Stripe, as the
    page was made."""

    as_of: datetime | None
    state: Literal["live", "late", "unknown"] = "live"
    lag: int = 0

    @property
    def lag_words(self) -> str:
        """`40 s`, `12 min`, `3 h`, `2 days`."""
        for size, unit in ((172_800, "days"), (7_200, "h"), (300, "min")):
            if self.lag >= size:
                return f"{self.lag // {'days': 86_400, 'h': 3_600, 'min': 60}[unit]} {unit}"
        return f"{self.lag} s"


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around every staff page: top bar, banner, person menu."""

    mode: Literal["sandbox", "test", "live"] = "live"
    person: Person | None = None
    freshness: Freshness | None = None
    search_url: str | None = None
    search_value: str = ""
    # What the palette asks, and the page that answers the same without a script.
    palette_url: str | None = None
    search_page_url: str | None = None
    sign_out_url: str | None = None
    # The role that is looked through, until when, and where to stop.
    seen_as: tuple[str, datetime, str] | None = None
    # Whose data is shown in full for a while: (id, their page, until, where to hide it again).
    unmasked: tuple[tuple[str, str, datetime, str], ...] = field(default=())
    # Extra lines of the person menu: (label, url, icon).
    links: tuple[tuple[str, str, str], ...] = field(default=())


def init_theme(app: Flask, shell: Callable[[], Shell] = Shell) -> None:
    """Serve static files hashed and squeezed, and give templates `static_url`, `chosen_theme` and `shell`.

    shell: called once a page, inside the request, only for pages that have one.
    """
    # Lines that hold only a tag leave nothing behind: a list is a third smaller.
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["static_url"] = static_url
    app.jinja_env.globals["chosen_theme"] = chosen_theme
    app.jinja_env.globals["shell_now"] = shell
    if "static" in app.view_functions:
        app.view_functions["static"] = serve_static
    else:
        app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=serve_static)


def static_url(filename: str) -> str:
    """The address of a file in static/, with a part of its content's hash: a changed file is a new address.

    Raises:
        FileNotFoundError: a template names a file that is not there.
    """
    # Asked some fifty times a page: a plain path costs a tenth of a Path.
    return _address(request.script_root, filename, os.stat(f"{STATIC}/{filename}").st_mtime_ns)  # noqa: PTH116


def chosen_theme() -> str | None:
    """ "light" or "dark" when this person chose one, None to follow the system."""
    choice = request.cookies.get("theme", "")
    return choice if choice in {"light", "dark"} else None


def serve_static(filename: str) -> Response:
    """One static file, compressed once per process, cached for ever when its address carries its hash."""
    joined = safe_join(str(STATIC), filename)
    if joined is None or not Path(joined).is_file():
        raise NotFound
    path = Path(joined)
    changed = path.stat().st_mtime_ns
    digest = _digest(path, changed)
    if path.suffix in _SQUEEZED and request.accept_encodings["gzip"]:
        response = _squeezed_answer(path, changed, digest)
    else:
        response = send_from_directory(STATIC, filename, etag=digest)
    if path.suffix in _SQUEEZED:
        response.vary.add("Accept-Encoding")
    # Fonts carry their version in their name, because a stylesheet refers to them without a hash.
    forever = request.args.get("v") == digest[:12] or path.suffix == ".woff2"
    response.headers["Cache-Control"] = _A_YEAR if forever else _AN_HOUR
    return response


def _squeezed_answer(path: Path, changed: int, digest: str) -> Response:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = current_app.response_class(_squeezed(path, changed), mimetype=kind)
    response.headers["Content-Encoding"] = "gzip"
    response.set_etag(f"{digest}-gzip")
    response.make_conditional(request)
    return response


@lru_cache(maxsize=256)
def _address(script_root: str, filename: str, changed: int) -> str:  # noqa: ARG001 - the keys under which an address holds
    """Kept, because a list of 100 rows asks for the sprite of icons several hundred times."""
    return url_for("static", filename=filename, v=_digest(STATIC / filename, changed)[:12])


@lru_cache(maxsize=256)
def _digest(path: Path, changed: int) -> str:  # noqa: ARG001 - `changed` is the key under which an edited file is read again
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=64)
def _squeezed(path: Path, changed: int) -> bytes:  # noqa: ARG001 - as above
    return gzip.compress(path.read_bytes(), mtime=0)
