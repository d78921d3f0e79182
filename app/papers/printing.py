"""A sheet as a PDF on A4. The same sheet gives the same bytes, on every machine and at any time.

Fonts come with the program (fonts/, fetched by .ci/fonts.sh): DejaVu Sans, and M PLUS 1p for Japanese. A character that neither has
(Chinese that Japanese does not use, Korean, pictures) is printed as a replacement mark, and the page says that there are such.
"""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from app.money import Money
from app.papers.sheets import Printed, Sheet

FONTS = Path(__file__).parent / "fonts"
FACES = (("sans", "", "dejavu/DejaVuSans.ttf"), ("sans", "B", "dejavu/DejaVuSans-Bold.ttf"))
JAPANESE = ("japanese", "", "m-plus/MPLUS1p_400Regular.ttf")
GAP = "\N{REPLACEMENT CHARACTER}"
_GAP_NOTE = f"The mark {GAP} stands for a character that this document's fonts do not have."
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def print_sheet(sheet: Sheet) -> Printed:
    """The PDF of this sheet."""
    # Late, because it is slow to load and most processes never print.
    from app.papers.page import Page

    said = _all_text(sheet)
    missing = {c for c in said if not _shown(c)}
    page = Page(sheet, missing=missing, made_at=sheet.made_at or _NO_TIME, japanese=_needs_japanese(said))
    page.draw_head()
    page.draw_addresses()
    page.draw_table()
    page.draw_totals()
    page.draw_notes([*sheet.notes, *([_GAP_NOTE] if missing else [])])
    return Printed(bytes(page.output()), "".join(sorted(missing)))


def words(amount: Money) -> str:
    """`1,234.50 EUR`, with a minus as wide as a digit."""
    return f"{amount.grouped} {amount.currency.upper()}".replace("-", "\N{MINUS SIGN}")


def _all_text(sheet: Sheet) -> set[str]:
    """Every character that will be printed, but for those of money and page numbers, which all fonts have."""
    texts = [sheet.title, sheet.foot, *sheet.sender, *sheet.receiver, *sheet.notes, *sheet.headings, sheet.page_words]
    texts += [text for pair in sheet.facts for text in pair]
    texts += [text for line in sheet.lines for text in (line.text, line.detail)]
    texts += [total.label for total in sheet.totals]
    return set("".join(texts))


def _shown(character: str) -> bool:
    if character.isspace() or not character.isprintable():
        return True  # a blank, or taken out before it is printed
    return ord(character) in _known(FACES[0][2]) or ord(character) in _known(JAPANESE[2])


def _needs_japanese(characters: set[str]) -> bool:
    """Its font is large; a paper without such characters is printed without it."""
    return any(
        c.isprintable() and ord(c) not in _known(FACES[0][2]) and ord(c) in _known(JAPANESE[2]) for c in characters
    )


@cache
def _known(font: str) -> frozenset[int]:
    """The code points a font has a glyph for."""
    from fontTools.ttLib import TTFont

    with TTFont(FONTS / font, lazy=True) as opened:
        return frozenset(opened.getBestCmap())
