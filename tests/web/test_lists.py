"""Lists of whatever length, asked whatever, stay right, quick and harmless."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import Index, text

from app import clock
from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.models.account import Account
from app.models.webhook_event import WebhookEvent
from app.web.listing import ListView
from tests.desk import Desk, staff
from tests.queries import counted
from tests.web.routes import lists, routes_with_rows

START = datetime(2026, 11, 1, tzinfo=UTC)
NASTY = (
    "%00", "100000000000000000000", "'", "x'; select pg_sleep(5)--", "-1", "9999-12-31", "\N{FULLWIDTH DIGIT ONE}", "x" * 5_000,
    "NaN", "0", "1", "999", "abc", "1.5", "a%00b", "%FF%FE", "%ED%A0%80", "1) OR 1=1--", "%25", "\\", "%0d%0aLocation:%20https://evil.example",
    "{{7*7}}", "[]", "2026-02-30", "0001-01-01", "99999-01-01", "-Infinity", "1_000", "١٢",
)  # fmt: skip
WORST = NASTY[:9]
UNKNOWN = "search=%00&page=-1&page_size=1000000&flt99_99=x&flt0_0=%00&desc=-1&id=abc&limit=x"


def _event(number: int, **changes: object) -> WebhookEvent:
    plain = {
        "id": f"evt_{number:04}",
        "account_id": _account(),
        "type": "charge.succeeded",
        "created_at": START,
        # Three at a time share an instant, so that only the id tells them apart.
        "received_at": START + timedelta(seconds=number // 3),
        "object_id": f"ch_{number:04}",
        "object_type": "charge",
        "body": b"",
        "source": "webhook",
        "state": "processed",
    }
    return WebhookEvent(**{**plain, **changes})


def _account() -> int:
    account = db.session.query(Account).first()
    if account is None:
        account = Account(livemode=False, stripe_id="acct_1", created_at=clock.now())
        db.session.add(account)
        db.session.flush()
    return account.id


def _fill(number: int) -> None:
    with transaction():
        db.session.add_all([_event(count) for count in range(number)])


def _shown(html: str) -> list[str]:
    """The events on the page, top to bottom."""
    return re.findall(r'<tr role="row">.*?href="/admin/webhooks/(evt_\d+)"', html, re.DOTALL)


def _turn(desk: Desk, html: str, label: str) -> str | None:
    """The page behind a button of the pager, None where it leads nowhere."""
    found = re.search(rf'<a class="btn[^"]*" href="([^"]+)"[^>]*>(?:(?!</a>).)*{label}', html, re.DOTALL) or re.search(
        rf'<a class="btn[^"]*" href="([^"]+)"[^>]*aria-label="{label} page"', html
    )
    return desk.get(found.group(1).replace("&amp;", "&")).html if found else None


@pytest.mark.parametrize("direction", ["desc", "asc"])
def test_every_row_is_met_once_on_the_way_down_and_on_the_way_up(app: Flask, direction: str) -> None:
    _fill(130)
    developer = staff(app, "developer")
    expected = [f"evt_{number:04}" for number in range(130)]
    if direction == "desc":
        expected.reverse()

    html: str | None = developer.get(f"/admin/webhooks/?sort=received&dir={direction}&size=25").html
    down = []
    while html:
        down.append(_shown(html))
        last, html = html, _turn(developer, html, "Next")
    up = [_shown(last)]
    while before := _turn(developer, last, "Previous"):
        up.append(_shown(before))
        last = before

    assert [len(page) for page in down] == [25, 25, 25, 25, 25, 5]
    assert [event for page in down for event in page] == expected
    # Upwards from the short last page, pages are whole again and end with the first one.
    assert up[-1] == down[0]
    assert set(expected) == {event for page in up for event in page}


def test_the_last_page_is_whole_and_leads_back(app: Flask) -> None:
    _fill(130)
    developer = staff(app, "developer")

    last = _turn(developer, developer.get("/admin/webhooks/?size=25").html, "Last")
    before = _turn(developer, last or "", "Previous")
    first = _turn(developer, last or "", "First")

    assert _shown(last or "") == [f"evt_{number:04}" for number in range(24, -1, -1)]
    assert _shown(before or "") == [f"evt_{number:04}" for number in range(49, 24, -1)]
    assert _shown(first or "") == [f"evt_{number:04}" for number in range(129, 104, -1)]
    assert _turn(developer, last or "", "Next") is None


def test_rows_that_come_in_while_paging_are_neither_repeated_nor_skipped(app: Flask) -> None:
    _fill(60)
    developer = staff(app, "developer")
    first = developer.get("/admin/webhooks/?size=25").html

    with transaction():
        db.session.add_all([_event(number, received_at=START + timedelta(days=1)) for number in range(100, 110)])
    second = _turn(developer, first, "Next")

    assert _shown(second or "") == [f"evt_{number:04}" for number in range(34, 9, -1)]


def test_rows_that_vanish_while_paging_do_not_end_in_an_empty_page(app: Flask) -> None:
    _fill(30)
    developer = staff(app, "developer")
    first = developer.get("/admin/webhooks/?size=25").html

    with transaction():
        db.session.execute(text("DELETE FROM webhook_events WHERE id < 'evt_0010'"))
    second = _turn(developer, first, "Next")

    assert len(_shown(second or "")) == 20


def test_filters_and_search_stay_while_paging_and_sorting(app: Flask) -> None:
    _fill(60)
    with transaction():
        db.session.add_all([_event(number, state="ignored") for number in range(100, 140)])
    developer = staff(app, "developer")

    page = developer.get("/admin/webhooks/?state=ignored&size=25")
    second = _turn(developer, page.html, "Next")

    assert "40 events" in page.words
    assert "State: Ignored" in page.words
    assert _shown(second or "") == [f"evt_{number:04}" for number in range(114, 99, -1)]
    assert all(
        "state=ignored" in link for link in page.links if "sort=" in link or "cursor=" in link or "export" in link
    )


@pytest.mark.parametrize(("size", "rows"), [("25", 25), ("200", 200), ("201", 200), ("1000000", 200), ("9" * 30, 200)])
def test_no_page_has_more_than_two_hundred_rows(app: Flask, size: str, rows: int) -> None:
    _fill(230)
    developer = staff(app, "developer")

    assert len(_shown(developer.get(f"/admin/webhooks/?size={size}").html)) == rows


# Every list with every oddity: some two thousand pages.
@pytest.mark.timeout(600)
def test_nothing_that_is_typed_into_an_address_breaks_a_list(app: Flask) -> None:
    _fill(5)
    admin = staff(app, "admin")
    broken = []
    for view in lists(app):
        names = [name for filter_ in view.filters for name in filter_.parameters]
        queries = [UNKNOWN, *(f"q={_encoded(value)}" for value in NASTY)]
        queries += [
            f"{name}={_encoded(value)}" for name in [*names, "sort", "dir", "size", "cursor"] for value in WORST
        ]
        for query in queries:
            answer = admin.client.get(f"{_folder(app, view)}?{query}")
            if answer.status_code not in {200, 400} or "evil.example" in str(answer.headers):
                broken.append((view.endpoint, query, answer.status_code))

    assert broken == []


def test_nothing_that_is_typed_into_an_address_breaks_a_download(app: Flask) -> None:
    admin = staff(app, "admin")
    broken = []
    for view in lists(app):
        names = [name for filter_ in view.filters for name in filter_.parameters]
        for name in [*names, "q", "sort", "size", "cursor"]:
            for value in WORST[:3]:
                answer = admin.client.get(f"{_folder(app, view)}export.csv?{name}={_encoded(value)}", buffered=True)
                if answer.status_code not in {200, 400}:
                    broken.append((view.endpoint, name, value, answer.status_code))

    assert broken == []


def _folder(app: Flask, view: ListView) -> str:  # type: ignore[type-arg]
    return app.url_map.bind("localhost").build(f"{view.endpoint}.index_view")


def _encoded(value: str) -> str:
    return value if "%" in value else quote(value)


def test_nothing_that_is_typed_as_an_id_breaks_a_page(app: Flask) -> None:
    admin = staff(app, "admin")
    broken = []
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or set()) and len(rule.arguments) == 1 and rule.endpoint != "static":
            [argument] = rule.arguments
            for value in NASTY[:-1]:
                encoded = value if "%" in value else quote(value, safe="")
                path = re.sub(rf"<(\w+:)?{argument}>", "HERE", rule.rule).replace("HERE", encoded)
                answer = admin.client.get(path)
                known = value in {"0", "1"} and answer.status_code == 200
                # A link of a letter says the same whatever stands in it, so that nobody learns which are good.
                known = known or (rule.rule.startswith(("/card/", "/checkout/")) and answer.status_code in {200, 410})
                if answer.status_code not in {400, 404, 308} and not known:
                    broken.append((path, answer.status_code))

    assert broken == []


@pytest.mark.parametrize("tampered", ["x", "eyJ9.abc", "last.last", "W3RydWVd.forged", "..", "a.b.c", "=" * 100])
def test_a_cursor_that_was_changed_is_refused(app: Flask, tampered: str) -> None:
    developer = staff(app, "developer")

    page = developer.get(f"/admin/webhooks/?cursor={tampered}", expect=400)

    assert "This page of the list is no longer valid." in page.words


def test_a_cursor_is_worth_nothing_in_another_list_or_order(app: Flask) -> None:
    _fill(60)
    admin = staff(app, "admin")
    cursor = re.search(r"cursor=([^\"&]+)", admin.get("/admin/webhooks/?size=25").html)
    assert cursor

    for path in ("/admin/audit/", "/admin/staff/", "/admin/webhooks/refusals/"):
        admin.get(f"{path}?cursor={cursor.group(1)}", expect=400)
    admin.get(f"/admin/webhooks/?dir=asc&cursor={cursor.group(1)}", expect=400)


def test_the_injection_that_everybody_tries_finds_nothing_and_waits_for_nothing(app: Flask) -> None:
    _fill(5)
    developer = staff(app, "developer")

    for tried in ("' OR '1'='1", "x'; select pg_sleep(5)--", "') OR pg_sleep(5) IS NULL--", "%' OR 1=1--"):
        page = developer.get(f"/admin/webhooks/?q={quote(tried)}")
        assert _shown(page.html) == [], tried
    for name in ("sort", "dir"):
        developer.get(f"/admin/webhooks/?{name}=received;select pg_sleep(5)", expect=400)


def test_a_percent_sign_is_a_percent_sign(app: Flask) -> None:
    _fill(5)
    developer = staff(app, "developer")

    assert _shown(developer.get("/admin/webhooks/?type=%25").html) == []
    assert len(_shown(developer.get("/admin/webhooks/?type=charge.").html)) == 5


def test_rows_of_another_account_are_not_there(app: Flask) -> None:
    _fill(3)
    with transaction():
        other = Account(livemode=True, stripe_id="acct_live", created_at=clock.now())
        db.session.add(other)
        db.session.flush()
        db.session.add(_event(999, account_id=other.id))
    developer = staff(app, "developer")

    assert _shown(developer.get("/admin/webhooks/").html) == ["evt_0002", "evt_0001", "evt_0000"]
    developer.get("/admin/webhooks/evt_0999", expect=404)


def test_a_download_holds_exactly_the_rows_of_the_list(app: Flask) -> None:
    with transaction():
        db.session.add_all([_event(number, state="ignored" if number % 2 else "processed") for number in range(4_500)])
    admin = staff(app, "admin")

    answer = admin.client.get("/admin/webhooks/export.csv?state=ignored&dir=asc")

    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    events = [row[rows[0].index("Event")] for row in rows[1:]]
    assert events == [f"evt_{number:04}" for number in range(1, 4_500, 2)]


def test_what_would_be_a_formula_is_text_in_a_download(app: Flask) -> None:
    dangerous = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\u200b=1",
        "＝1",
        '=cmd|"/C calc"!A0',
        'say "hi"',
        "a,b",
        "line\r\nbreak",
        "plain",
    ]
    with transaction():
        for words in dangerous:
            trail.record(Actor("staff", "ana@shop.example"), "refund.requested", "refund", "r-1", reason=words)
    auditor = staff(app, "auditor")

    answer = auditor.client.get("/admin/audit/export.csv?object=r-1&dir=asc")

    raw = answer.get_data(as_text=True)
    rows = list(csv.reader(io.StringIO(raw, newline="")))
    reasons = [row[rows[0].index("Reason")] for row in rows[1:]]
    assert reasons == [f"'{words}" for words in dangerous[:10]] + dangerous[10:]
    assert raw.endswith("\r\n")


def test_a_download_is_for_those_who_may(app: Flask) -> None:
    developer = staff(app, "developer")

    developer.get("/admin/webhooks/export.csv", expect=403)
    assert "Export" not in developer.get("/admin/webhooks/").words


# Session with account, kept views, rows; what a list asks beyond that stands beside it.
THREE = 3
MORE = {
    "alerts": 1,  # channels
    "charges": 1,  # customers
    "payments": 1,  # customers
    "reviews": 1,  # payments
    "fraud_warnings": 5,  # payments, rule for them and for its words, block list, fees
    "mandates": 1,  # customers
    "methods": 1,  # customers
    "expiring_cards": 1,  # customers
    "debit_stops": 1,  # customers
    "debits_to_come": 4,  # customers, rules, notices, what they are paid with
    "views": 1,  # owners
}


def test_every_list_asks_as_often_as_it_says_however_many_rows_it_has(app: Flask) -> None:
    ours, _ = routes_with_rows(app)
    assert ours
    admin = staff(app, "admin")
    said: dict[str, int] = {}
    for view in lists(app):
        with counted() as asked:
            admin.get(_folder(app, view))
        said[view.endpoint] = len(asked)

    assert said == {view.endpoint: THREE + MORE.get(view.endpoint, 0) for view in lists(app)}


def test_every_order_that_can_be_asked_for_has_an_index(app: Flask) -> None:
    missing = [
        f"{view.endpoint} by {column.name}"
        for view in lists(app)
        for column in view.columns
        if column.sort is not None and not _ordered_by_an_index(view, column.sort.key)
    ]

    assert missing == []


def _ordered_by_an_index(view: ListView, key: str) -> bool:  # type: ignore[type-arg]
    table = view.model.__table__
    name = view.model.__mapper__.columns[key].name
    wanted = [*(["account_id"] if view.of_account else []), *([name] if name != "id" else []), "id"]
    indexes = [[column.name for column in index.columns] for index in table.indexes if isinstance(index, Index)]  # type: ignore[attr-defined]
    unique = [[column.name for column in index.columns] for index in table.indexes if index.unique]  # type: ignore[attr-defined]
    # A table that is read whole by few people may leave the id out: an instant and an id differ in nothing that matters.
    return wanted in [*indexes, ["id"]] or [name] in unique or (not view.of_account and [name] in indexes)
