"""What somebody who makes a rule wants, read from a form and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.alerts import targets
from app.alerts.sources import BY_NAME
from app.alerts.targets import Reach
from app.currencies import CURRENCIES
from app.errors import BadRequest
from app.mail import addresses
from app.models.alert import MEASURES, VIEW
from app.money import Money

LONGEST_WINDOW = 8_760
MOST_CHANNELS = 10
_LARGEST_NUMBER = 100_000
_LONGEST_DIGITS = 7


@dataclass(frozen=True, slots=True)
class Wish:
    """A rule that is to be. channels: pairs of a kind and an address; see models/alert.py for the rest."""

    source: str
    channels: tuple[tuple[str, str], ...]
    measure: str = "number"
    more_than: int = 0
    currency: str | None = None
    within_hours: int = 0
    window_hours: int = 24
    view_id: UUID | None = None
    maker_id: UUID | None = None


def read(typed: Mapping[str, str], *, views: Mapping[str, object], maker_id: UUID) -> Wish:
    """The wish of a form. views: the kept views that can be chosen, by their ids.

    Raises:
        BadRequest: with a sentence for who typed it. BadAmount: what should be an amount is none.
    """
    source, _, view = typed.get("source", "").partition(":")
    measure = typed.get("measure", "") or "number"
    if source not in BY_NAME and (source != VIEW or view not in views):
        raise BadRequest("Choose what to be told of.")
    if measure not in MEASURES:
        raise BadRequest("Choose what is compared: how many, how much together, or how old the oldest is.")
    currency = typed.get("currency", "").lower() if measure == "sum" else None
    if currency is not None and currency not in CURRENCIES:
        raise BadRequest("Choose the currency of the sum.")
    more_than = typed.get("more_than", "").strip() or "0"
    return Wish(
        source=source,
        channels=_channels(typed),
        measure=measure,
        more_than=Money.parse(more_than, currency).minor if currency else _number(more_than),
        currency=currency,
        within_hours=_number(typed.get("within_hours", "") or "0"),
        window_hours=_number(typed.get("window_hours", "") or "0"),
        view_id=UUID(view) if source == VIEW else None,
        maker_id=maker_id,
    )


def checked(wish: Wish, reach: Reach) -> tuple[tuple[str, str], ...]:
    """Its channels with each address as it is written to, each once.

    Raises:
        BadRequest: a value makes no sense, or two of them do not together.
    """
    source = BY_NAME.get(wish.source)
    if wish.measure == "sum" and source is not None and not source.sums:
        raise BadRequest(f"“{source.label}” have no amounts that could be summed up. Count them.")
    if wish.measure == "oldest" and source is not None and not source.ages:
        raise BadRequest(f"“{source.label}” have no age. Count them.")
    if wish.within_hours and source is not None and not source.ages:
        raise BadRequest(f"Of “{source.label}” it is not known when they began: leave the hours empty.")
    if max(wish.within_hours, wish.window_hours) > LONGEST_WINDOW:
        raise BadRequest("A window has 0 to 8760 hours.")
    if wish.measure == "number" and wish.more_than > _LARGEST_NUMBER:
        raise BadRequest("A number to exceed is at most 100,000.")
    if wish.source == VIEW and not wish.window_hours:
        raise BadRequest("An alert about a view is told again while it is so: after 1 to 8760 hours.")
    found = {
        (kind, addresses.checked(to) if kind == "mail" else targets.checked(to, reach=reach))
        for kind, to in wish.channels
    }
    if not found:
        raise BadRequest("Say who is told: by mail, in Slack, or by a webhook.")
    if len(found) > MOST_CHANNELS:
        raise BadRequest(f"One rule tells by at most {MOST_CHANNELS} ways. Make a second rule for more.")
    return tuple(sorted(found))


def _channels(typed: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    mails = typed.get("mail", "").replace(",", "\n").splitlines()
    found = [("mail", line.strip()) for line in mails if line.strip()]
    found += [(kind, url) for kind in ("slack", "webhook") if (url := typed.get(kind, "").strip(" "))]
    return tuple(found)


def _number(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < _LONGEST_DIGITS):
        raise BadRequest("Write a whole number.")
    return int(text)
