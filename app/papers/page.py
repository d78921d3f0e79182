"""The one layout of our letters, drawn with fpdf2. Lengths are millimetres, sizes of letters are points."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from app.papers import printing
from app.papers.sheets import Line, Sheet

_LEFT, _TOP, _BOTTOM = 20, 18, 22
_WIDTH = 210 - 2 * _LEFT
_AMOUNT = 48
_INK, _SOFT, _RULE = (31, 41, 51), (82, 96, 109), (203, 210, 217)


class Page(FPDF):
    """A sheet being drawn, from the top down; it begins a new page by itself where one is full."""

    def __init__(self, sheet: Sheet, *, missing: AbstractSet[str], made_at: datetime, japanese: bool) -> None:
        super().__init__(format="A4")
        self.sheet = sheet
        self._missing = missing
        for family, style, file in printing.FACES:
            self.add_font(family, style, printing.FONTS / file)
        if japanese:
            family, style, file = printing.JAPANESE
            self.add_font(family, style, printing.FONTS / file)
            # It has no bold: a bold name in Japanese is printed upright rather than not at all.
            self.set_fallback_fonts([family], exact_match=False)
        self.set_creation_date(made_at)
        self.set_producer("Counterfoil")
        self.set_title(self._clean(sheet.title))
        self.set_lang(sheet.language)
        self.set_margins(_LEFT, _TOP, _LEFT)
        self.set_auto_page_break(auto=True, margin=_BOTTOM)
        self.alias_nb_pages("{pages}")
        self.add_page()

    def footer(self) -> None:
        """At the foot of every page: one line of words, and which page it is."""
        self.set_y(-15)
        self._pen(8, soft=True)
        pages = self.sheet.page_words.replace("{page}", str(self.page_no()))
        self._word(_WIDTH - 24, 5, self._clean(self.sheet.foot))
        self._word(24, 5, self._clean(pages))

    def draw_head(self) -> None:
        """Who writes, and what this is."""
        name = self.sheet.sender[0] if self.sheet.sender else ""
        self._pen(11, bold=True)
        self._words(_WIDTH, 6, self._clean(name))
        self._pen(9, soft=True)
        for line in self.sheet.sender[1:]:
            self._words(_WIDTH, 4.5, self._clean(line))
        self.ln(10)
        self._pen(20, bold=True)
        self._words(_WIDTH, 9, self._clean(self.sheet.title))
        self.ln(5)

    def draw_addresses(self) -> None:
        """To whom on the left, the facts on the right."""
        top = self.get_y()
        self._pen(10)
        for line in self.sheet.receiver:
            self._words(_WIDTH / 2 - 6, 5.2, self._clean(line))
        left_end = self.get_y()
        middle = _LEFT + _WIDTH / 2
        self.set_y(top)
        for label, value in self.sheet.facts:
            self._fact(label, value, middle)
        self.set_y(max(left_end, self.get_y()) + 9)

    def draw_table(self) -> None:
        """The lines with their amounts; its heading comes again on every page."""
        if not self.sheet.lines:
            return
        self._heading()
        for line in self.sheet.lines:
            if self.get_y() + self._height(line) > self.h - _BOTTOM:
                self.add_page()
                self._heading()
            self._line(line)

    def draw_totals(self) -> None:
        """Right under the table, kept together."""
        if self.get_y() + 7 * len(self.sheet.totals) > self.h - _BOTTOM:
            self.add_page()
        self.ln(2)
        for total in self.sheet.totals:
            self._pen(12 if total.strong else 10, bold=total.strong, soft=not total.strong)
            self.set_x(_LEFT + _WIDTH / 3)
            self._word(_WIDTH * 2 / 3 - _AMOUNT, 7, self._clean(total.label))
            self._word(_AMOUNT, 7, printing.words(total.amount), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(6)

    def draw_notes(self, paragraphs: Sequence[str]) -> None:
        """In small letters."""
        self._pen(9, soft=True)
        for paragraph in paragraphs:
            self._words(_WIDTH, 4.8, self._clean(paragraph))
            self.ln(2)

    def _fact(self, label: str, value: str, x: float) -> None:
        top = self.get_y()
        self.set_x(x)
        self._pen(9, soft=True)
        self._words(30, 5.2, self._clean(label))
        end = self.get_y()
        self.set_xy(x + 31, top)
        self._pen(9)
        self._words(_WIDTH / 2 - 31, 5.2, self._clean(value))
        self.set_y(max(end, self.get_y()))

    def _heading(self) -> None:
        text, amount = self.sheet.headings
        self._pen(9, soft=True)
        self._word(_WIDTH - _AMOUNT, 6, self._clean(text))
        self._word(_AMOUNT, 6, self._clean(amount), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._rule()

    def _line(self, line: Line) -> None:
        top = self.get_y() + 1.5
        self.set_y(top)
        self._pen(10)
        self._words(_WIDTH - _AMOUNT - 4, 5.2, self._clean(line.text))
        if line.detail:
            self._pen(8.5, soft=True)
            self._words(_WIDTH - _AMOUNT - 4, 4.4, self._clean(line.detail))
        end = self.get_y()
        if line.amount is not None:
            self._pen(10)
            self.set_xy(_LEFT + _WIDTH - _AMOUNT, top)
            self._word(_AMOUNT, 5.2, printing.words(line.amount), align="R")
        self.set_y(end + 1.5)
        self._rule()

    def _height(self, line: Line) -> float:
        """How much of the page a line takes."""
        self._pen(10)
        rows = len(self._rows(_WIDTH - _AMOUNT - 4, self._clean(line.text)))
        self._pen(8.5)
        small = len(self._rows(_WIDTH - _AMOUNT - 4, self._clean(line.detail))) if line.detail else 0
        return rows * 5.2 + small * 4.4 + 3

    def _words(self, width: float, height: float, text: str) -> None:
        """Text from here down, in as many rows as it needs."""
        x = self.get_x()
        for row in self._rows(width, text):
            self.set_x(x)
            self._word(width, height, row, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rows(self, width: float, text: str) -> list[str]:
        rows = self.multi_cell(width, text=text, align="L", dry_run=True, output=MethodReturnValue.LINES)
        return list(rows) if isinstance(rows, list) else []

    def _word(self, width: float, height: float, text: str, **more: Any) -> None:
        """One row. The pen is taken up anew each time: after letters of a fallback font the library forgets which is in use."""
        self.current_font_is_set_on_page = False
        self.cell(width, height, text, **more)

    def _rule(self) -> None:
        self.set_draw_color(*_RULE)
        self.set_line_width(0.2)
        self.line(_LEFT, self.get_y(), _LEFT + _WIDTH, self.get_y())

    def _pen(self, size: float, *, bold: bool = False, soft: bool = False) -> None:
        self.set_font("sans", "B" if bold else "", size)
        self.set_text_color(*(_SOFT if soft else _INK))

    def _clean(self, text: str) -> str:
        """Without control characters, and with a mark where no font has the character."""
        printable = ("\n" if c == "\n" else c if c.isprintable() else " " for c in text)
        return "".join(printing.GAP if c in self._missing else c for c in printable)
