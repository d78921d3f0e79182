"""Customers by what somebody remembers of them: names, addresses and metadata, through the index of words."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from itertools import product
from string import ascii_lowercase, digits

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, bindparam, false, or_, select, text, union_all
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from app.database import db
from app.models.customer import Customer
from app.models.search_word import ADDRESS, METADATA, NAME, PART, SearchWord
from app.web.accounts import current_account_id
from app.web.admin import may
from app.web.permissions import Permission

# As search_fold and search_split of migration 0015 do it.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "ς": "σ", "ß": "ss", "æ": "ae", "œ": "oe"})
_ACCENTS = re.compile("[\u0300-\u036f]")
_BETWEEN = re.compile("[\x01-\x2f:-@\\[-`{-\x7f\u2010-\u2027]+")

AT_MOST = 200
EVERY_KIND = (NAME, ADDRESS, PART, METADATA)
# A list of so many ids is looked up one by one; of more, the index is asked while the list is walked.
_FEW = 1_000
_COMMON = 2_000
# Of shorter words, too many others are one letter away.
_SHORTEST_WITH_A_SLIP = 4
_LONGEST_WITH_A_SLIP = 20

_KNOWN = text(
    "SELECT slip FROM unnest(:slips) slip WHERE EXISTS (SELECT FROM search_words "
    "WHERE account_id = :account AND kind = 'n' AND word >= slip COLLATE \"C\" AND word < (slip || '!') COLLATE \"C\")"
).bindparams(bindparam("slips", type_=ARRAY(TEXT)))


def fold(given: str) -> str:
    """Small letters without accents: `Łukasz MÜLLER` as `lukasz muller`."""
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", given)).lower().translate(_PLAIN)


def split(given: str) -> list[str]:
    """The words of a name, folded."""
    return [word for word in _BETWEEN.split(fold(given)) if word]


def alike(text: str) -> ColumnElement[bool]:
    """Customers whose name, address or metadata this is, or begins like this; any word of a name will do.

    Who may not see addresses has to know the whole of one, also where it stands as a name: guessed letter by letter it would not
    be hidden.
    """
    found = customers_called(text, at_most=_FEW + 1)
    if len(found) <= _FEW:
        return Customer.id.in_(found)
    return Customer.id.in_(union_all(*_entries(text, EVERY_KIND)))


def customers_called(text: str, *, at_most: int = AT_MOST, kinds: Collection[str] = EVERY_KIND) -> list[str]:
    """Their ids, the best first: known whole, then begun like this, then with all its words, then with one letter wrong.

    kinds: what may be compared: names, addresses, parts of them, metadata.
    """
    # One stretch of the index each, in its order: of a thousand Annas no more are read than are wanted.
    stretches = [entries.order_by(SearchWord.word).limit(at_most).subquery() for entries in _entries(text, kinds)]
    begun = _ids(union_all(*(select(stretch.c.customer_id) for stretch in stretches)))[:at_most]
    if begun or NAME not in kinds or "@" in text:
        return begun
    return _with_all(split(text))[:at_most] or _with_a_slip(split(text))[:at_most]


def _entries(text: str, kinds: Collection[str]) -> list[Select[str]]:
    """Customers with an entry that begins like this, as far as this person may see what it says."""
    folded, name = fold(text), " ".join(split(text))
    ways = [and_(SearchWord.kind == kind, SearchWord.word == folded) for kind in (ADDRESS, METADATA) if kind in kinds]
    if name and "@" not in text and NAME in kinds:
        ways.append(and_(SearchWord.kind == NAME, _begins(name)))
    if may(Permission.PERSONAL_READ):
        begun = _begins(folded.removeprefix("@"))
        ways += [and_(SearchWord.kind == kind, begun) for kind in (ADDRESS, PART, METADATA) if kind in kinds]
    mine = SearchWord.account_id == current_account_id()
    return [select(SearchWord.customer_id).where(mine, way) for way in ways or [false()]]


def _begins(start: str) -> ColumnElement[bool]:
    """A stretch of the index. Not LIKE: what was typed may hold its signs."""
    return and_(SearchWord.word >= start, SearchWord.word < start + "\U0010ffff")


def _with_all(words: Sequence[str]) -> list[str]:
    """Customers in whose names all of these words begin, in whatever order they stand."""
    if len(words) < 2:  # noqa: PLR2004 - one word was looked for already
        return []
    left: list[str] | None = None
    for word in sorted(set(words), key=len, reverse=True):
        named = _named(word) if left is None else _named(word).where(SearchWord.customer_id.in_(left))
        left = _ids(named.limit(_COMMON))
        if not left:
            return []
    return left or []


def _with_a_slip(words: Sequence[str]) -> list[str]:
    """Customers of such a name with one letter wrong, missing, too many, or changed with the next."""
    for place, word in enumerate(words):
        if not _SHORTEST_WITH_A_SLIP <= len(word) <= _LONGEST_WITH_A_SLIP:
            continue
        known = db.session.scalars(_KNOWN, {"slips": sorted(slips(word)), "account": current_account_id()}).all()
        for meant in known:
            # Only as whole words: with a slip, half a name says nothing.
            others = [*words[:place], meant, *words[place + 1 :]]
            found = _ids(_named_so(others).limit(AT_MOST))
            if found:
                return found
    return []


def slips(word: str) -> set[str]:
    """Every word one letter away from this one."""
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    letters = ascii_lowercase + (digits if any(letter.isdigit() for letter in word) else "")
    missing = {left + right[1:] for left, right in halves if right}
    turned = {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    wrong = {left + letter + right[1:] for (left, right), letter in product(halves, letters) if right}
    added = {left + letter + right for (left, right), letter in product(halves, letters)}
    return (missing | turned | wrong | added) - {word}


def _named(start: str) -> Select[str]:
    mine = and_(SearchWord.account_id == current_account_id(), SearchWord.kind == NAME)
    return select(SearchWord.customer_id).where(mine, _begins(start)).order_by(SearchWord.word)


def _named_so(words: Iterable[str]) -> Select[str]:
    mine = and_(SearchWord.account_id == current_account_id(), SearchWord.kind == NAME)
    name = " ".join(words)
    whole = or_(SearchWord.word == name, and_(SearchWord.word > name, SearchWord.word < name + "!"))
    return select(SearchWord.customer_id).where(mine, whole).order_by(SearchWord.word)


def _ids(entries: Select[str] | CompoundSelect[str]) -> list[str]:
    return list(dict.fromkeys(db.session.scalars(entries)))
