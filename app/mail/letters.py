"""What a letter says: its templates, filled in.

`templates/mail/<kind>.txt` sets `subject` and is the letter; `<kind>.html`, where there is one, is the same with a little more
looks. A translation stands beside them as `<kind>.<language>.txt` and is taken where it exists. A `.txt` that sets `secret` is
for its receiver alone: see envelopes.py.
"""

from dataclasses import dataclass

from flask import current_app
from jinja2 import Template, TemplateNotFound

LANGUAGE = "en"
_LONGEST_SUBJECT = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """The words of a mail. `kind` is the dotted name of its template. secret: nobody but the receiver may read them."""

    kind: str
    subject: str
    text: str
    html: str | None = None
    language: str = LANGUAGE
    secret: bool = False


def write(kind: str, /, *, language: str = LANGUAGE, **facts: object) -> Letter:
    """Fill the templates of this kind in. Facts are shown as they are: money and days come as text.

    Raises:
        TemplateNotFound: there is no such kind of letter.
    """
    # A template's top-level names are those of its module, so that no fact can be mistaken for the subject's end.
    plain = _template(kind, "txt", language).make_module(facts)
    subject = one_line(str(plain.subject))  # type: ignore[attr-defined]
    try:
        html = _template(kind, "html", language).render(facts, subject=subject, language=language)
    except TemplateNotFound:
        html = None
    secret = bool(getattr(plain, "secret", False))
    return Letter(kind, subject, str(plain).strip("\n") + "\n", html, language, secret)


def one_line(text: str) -> str:
    """Without line breaks and other characters that mean something to a mail server."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_LONGEST_SUBJECT]


def _template(kind: str, ending: str, language: str) -> Template:
    # The environment itself, and not Flask's render_template: a letter knows nothing of the request that asked for it.
    return current_app.jinja_env.select_template([f"mail/{kind}.{language}.{ending}", f"mail/{kind}.{ending}"])
