"""Figures of what was fought equal a count by hand, whatever the disputes are, and lead to the rows they were counted from."""

import csv
import io
import random
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.database import db, transaction
from app.disputes.results import DIMENSIONS, Result, behind, results, total
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeSubmission
from tests import factories
from tests.desk import Desk, staff
from tests.factories import NOON

CURRENCIES = ("eur", "usd", "jpy")
BANDS = ((50, "under-50"), (200, "50-200"), (1_000, "200-1000"), (10**9, "from-1000"))


def one(**columns: Any) -> Dispute:
    plain = {"status": "won", "submission_count": 1, "brand": "visa", "closed_at": NOON, "fee": 1_500}
    columns = {**plain, **columns}
    closed_at = columns.pop("closed_at")
    of = factories.charge(amount=columns.pop("amount", 5_000), currency=columns.pop("currency", "eur"))
    made = factories.dispute(of, **{"deducted_currency": of.currency} | columns)
    with transaction():
        # The trigger knows better than a test when a dispute closed, unless it was told the day the money came back.
        db.session.execute(db.text("ALTER TABLE disputes DISABLE TRIGGER disputes_closed_at"))
        db.session.execute(db.update(Dispute).where(Dispute.id == made.id).values(closed_at=closed_at))
        db.session.execute(db.text("ALTER TABLE disputes ENABLE TRIGGER disputes_closed_at"))
    return made


def booked(dispute: Dispute, *, answered: int = 0) -> tuple[int, int]:
    """The lines of the ledger as Stripe books them; (recovered, fees)."""
    code, amount = str(dispute.deducted_currency), dispute.amount

    def line(category: str, gross: int, fee: int) -> None:
        factories.balance_transaction(
            source_id=dispute.id, reporting_category=category, amount=gross, fee=fee, net=gross - fee, currency=code
        )

    line("dispute", -amount, 1_500)
    if answered:
        line("fee", -answered, 0)
    if dispute.status == "won":
        line("dispute_reversal", amount, 0)
    return (amount if dispute.status == "won" else 0), 1_500 + answered


def sent_by(dispute: Dispute, who: str) -> None:
    with transaction():
        db.session.add(
            DisputeSubmission(
                account_id=dispute.account_id, dispute_id=dispute.id, round="chargeback", act_id=uuid4(), draft_number=1,
                submitted_by=who, submitted_at=NOON,
            )
        )  # fmt: skip


def account() -> int:
    return factories.account().id


def test_won_of_won_and_lost_and_what_it_brought(app: Flask) -> None:
    for status in ("won", "won", "lost"):
        booked(one(status=status), answered=1_000)

    [line] = results(account(), "reason")["eur"]

    assert (line.key, line.won, line.lost, line.rate) == ("fraudulent", 2, 1, "66.7 %")
    assert (str(line.recovered), str(line.fees), str(line.net)) == ("100.00 EUR", "75.00 EUR", "25.00 EUR")


@pytest.mark.parametrize(
    "other",
    [
        {"status": "warning_closed"},
        {"status": "warning_under_review"},
        {"status": "prevented"},
        {"status": "lost", "case_type": "resolution"},
        {"status": "lost", "fee": 0},
        {"status": "lost", "submission_count": 0},
        {"status": "lost", "submission_count": None},
        {"status": "under_review"},
        {"status": "appeal_needs_response"},
    ],
)
def test_what_was_not_fought_or_not_decided_does_not_count(app: Flask, other: dict[str, Any]) -> None:
    booked(one())
    booked(one(**other))

    [line] = results(account(), "reason")["eur"]

    assert (line.won, line.lost) == (1, 0)


def test_another_account_s_disputes_are_not_in_it(app: Flask) -> None:
    account_id = account()
    one(account_id=factories.another_account().id)

    assert results(account_id, "reason") == {}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_disputes_are_every_figure_equals_the_rows_and_every_cell_leads_to_them(
    app: Flask, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same dice for the same seed
    expected: dict[tuple[str, str, str], list[tuple[str, int, int]]] = {}
    for _ in range(40):
        code = dice.choice(CURRENCIES)
        whole = dice.choice((1, 49, 50, 199, 200, 999, 1_000, 5_000))
        dispute = one(
            status=dice.choice(("won", "lost", "under_review", "warning_closed", "prevented")),
            submission_count=dice.choice((0, 1, 2)),
            fee=dice.choice((0, 1_500)),
            reason=dice.choice(("fraudulent", "duplicate", "product_not_received")),
            brand=dice.choice(("visa", "mastercard", None)),
            amount=whole if code == "jpy" else whole * 100,
            currency=code,
        )
        money = booked(dispute, answered=dice.choice((0, 2_000)))
        person = dice.choice(("ana@shop.example", "ben@shop.example", None))
        if person:
            sent_by(dispute, person)
        counts = dispute.status in {"won", "lost"} and dispute.submission_count and not dispute.is_settled_early
        keys = {
            "reason": dispute.reason,
            "network": dispute.brand or "unknown",
            "person": person or "elsewhere",
            "band": next(name for below, name in BANDS if whole < below),
        }
        for by, key in keys.items() if counts else ():
            expected.setdefault((by, code, key), []).append((dispute.id, *money))
    desk = staff(app, "admin")

    for by in DIMENSIONS:
        found = {(code, line.key): line for code, lines in results(account(), by).items() for line in lines}
        wanted = {(code, key): rows for (of, code, key), rows in expected.items() if of == by}
        assert set(found) == set(wanted)
        for place, line in found.items():
            rows = wanted[place]
            assert line.fought == len(rows)
            assert (line.recovered.minor, line.fees.minor) == (sum(r[1] for r in rows), sum(r[2] for r in rows))
            assert line.unbooked == 0
        for place in list(found)[:2]:
            assert listed(desk, found[place], by, "all") == {row[0] for row in wanted[place]}
            both = listed(desk, found[place], by, "won"), listed(desk, found[place], by, "lost")
            assert [len(listing) for listing in both] == [found[place].won, found[place].lost]


def listed(desk: Desk, line: Result, by: str, status: str) -> set[str]:
    """The disputes of the list behind a cell."""
    words = behind(line, by, status, {})
    answer = desk.client.get("/admin/disputes/", query_string=words)
    return set(re.findall(r"/admin/disputes/(dp_\d+)", answer.get_data(as_text=True)))


def test_the_day_it_closed_decides_and_not_the_day_it_was_opened(app: Flask) -> None:
    booked(one(closed_at=NOON + timedelta(days=40)))
    booked(one(status="lost", closed_at=None))
    desk = staff(app, "admin")

    page = desk.get("/admin/dispute-results/?closed_from=2026-12-12&closed_to=2026-12-12")
    assert "100.0 %" in page.words
    assert "Not in here: 1 dispute was closed before this program knew the account" in page.words
    assert "50.0 %" in desk.get("/admin/dispute-results/").words
    assert "No dispute that was answered closed" in desk.get("/admin/dispute-results/?closed_from=2026-12-13").words


def test_two_currencies_are_two_tables_and_the_file_says_the_same(app: Flask) -> None:
    booked(one())
    booked(one(currency="jpy", amount=9_000, status="lost"))
    desk = staff(app, "admin")

    page = desk.get("/admin/dispute-results/?by=network")
    lines = list(
        csv.reader(io.StringIO(desk.client.get("/admin/dispute-results/export.csv?by=network").get_data(True)))
    )

    assert ("Settled in EUR" in page.words, "Settled in JPY" in page.words) == (True, True)
    assert lines[1:] == [
        ["EUR", "Visa", "1", "1", "0", "100.0", "50.00", "15.00", "35.00"],
        ["JPY", "Visa", "1", "0", "1", "0.0", "0", "1500", "-1500"],
    ]
    all_of_it = total(results(account(), "network")["eur"])
    assert (all_of_it.won, str(all_of_it.net)) == (1, "35.00 EUR")


def test_without_its_lines_of_the_ledger_a_dispute_says_so(app: Flask) -> None:
    one()

    page = staff(app, "admin").get("/admin/dispute-results/")

    assert "1 of these have no lines in the ledger here yet" in page.words


@pytest.mark.parametrize(
    "words", ["by=nothing", "by=%00", "closed_from=yesterday", "closed_to=2026-13-01", "closed_from=9999-12-31"]
)
def test_an_address_that_makes_no_sense_is_told_so(app: Flask, words: str) -> None:
    page = staff(app, "admin").get(f"/admin/dispute-results/?{words}", expect=400)

    assert "must be a day like" in page.words or "not told apart by that" in page.words


def test_who_may_not_download_is_not_offered_it(app: Flask) -> None:
    analyst = staff(app, "dispute_analyst")

    assert "CSV" not in analyst.get("/admin/dispute-results/").words
    analyst.get("/admin/dispute-results/export.csv", expect=403)
