"""What stands around a staff page: the mode, the person, how old the data is."""

from datetime import datetime, timedelta

from flask import current_app, has_request_context, request, url_for

from app import clock
from app.settings import Settings
from app.web.accounts import current_account
from app.web.admin import sees
from app.web.permissions import ROLE_NAMES, Permission
from app.web.sessions import Person as Somebody
from app.web.sessions import current_person
from app.web.theme import Freshness, Person, Shell

# The catch-up runs every few minutes; after this long something is wrong.
LATE = timedelta(minutes=5)


def shell() -> Shell:
    """The shell of the page of this request."""
    settings: Settings = current_app.extensions["settings"]
    person = current_person() if has_request_context() else None
    mode = "live" if settings.livemode else "sandbox" if settings.sandbox else "test"
    if person is None:
        return Shell(mode=mode)  # type: ignore[arg-type] # one of the three words
    return Shell(
        mode=mode,  # type: ignore[arg-type]
        person=Person(person.name, person.email, ROLE_NAMES[person.role]),
        freshness=_freshness(),
        search_url=_search_url() if person.may(Permission.CUSTOMER_READ) else None,
        search_value=request.args.get("q", "") if request.endpoint == "search.index_view" else "",
        palette_url=_search_url("suggest"),
        search_page_url=_search_url(),
        sign_out_url=url_for("sign_in.leave"),
        seen_as=_seen_as(person),
        unmasked=_unmasked(person),
        links=(
            ("Your sessions", url_for("my_sessions.index_view"), "device-desktop"),
            ("Second factor", url_for("second_factor.index_view"), "shield-lock"),
        ),
    )


def _seen_as(person: Somebody) -> tuple[str, datetime, str] | None:
    if person.seen_as is None or person.seen_as_until is None:
        return None
    return ROLE_NAMES[person.seen_as], person.seen_as_until, url_for("see_as.stop")


def _unmasked(person: Somebody) -> tuple[tuple[str, str, datetime, str], ...]:
    """What the banner tells; nothing where the role sees it anyway, or may no longer ask for it."""
    return tuple(
        (
            shown.customer_id,
            url_for("customers.details", key=shown.customer_id),
            shown.until,
            url_for("customers.mask", key=shown.customer_id),
        )
        for shown in person.unmasked
        if not sees() and sees(shown.customer_id)
    )


def _freshness() -> Freshness:
    account = current_account()
    known = [at for at in (account.events_read_to, account.synced_at) if at] if account else []
    if not known:
        return Freshness(None, "unknown")
    newest = max(known)
    lag = clock.now() - newest
    return Freshness(newest, "late" if lag > LATE else "live", max(0, int(lag.total_seconds())))


def _search_url(page: str = "index_view") -> str | None:
    """The page that finds anything; a build without it has no search bar."""
    return url_for(f"search.{page}") if f"search.{page}" in current_app.view_functions else None
