"""What a paper says, before it is printed: a head, lines, totals, a foot. Every kind of letter fills in the same form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.money import Money


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `detail` is printed small below it; without an amount the line is only words."""

    text: str
    amount: Money | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """A sum below the table; a strong one is what the eye looks for."""

    label: str
    amount: Money
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole paper. Text may hold anything; what no font of ours can show is marked, see printing.py.

    sender, receiver: lines of an address, the first of each being the name.
    facts: (label, value) pairs beside the addresses: number, date, method.
    notes: paragraphs below the totals. foot: one line at the foot of every page.
    made_at: stands in the file's own data and never on the page; without it the file knows no time.
    """

    title: str
    sender: Sequence[str]
    receiver: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    headings: tuple[str, str] = ("Description", "Amount")
    lines: Sequence[Line] = ()
    totals: Sequence[Total] = ()
    notes: Sequence[str] = ()
    foot: str = ""
    page_words: str = "Page {page} of {pages}"
    language: str = "en"
    made_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF. `unprinted`: the characters no font of ours has, each once; on the page each of them is a marked gap."""

    content: bytes
    unprinted: str = ""
