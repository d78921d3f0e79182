"""The header says as of when the data is, and how far that is behind; after five minutes it turns amber."""

from datetime import timedelta

import pytest
from flask import Flask

from app import clock
from app.database import db, transaction
from app.models.account import Account
from app.web.theme import Freshness
from tests import factories
from tests.desk import staff


@pytest.mark.parametrize(
    ("minutes", "tone", "lag"), [(4, "good", "lag 24"), (6, "wait", "lag 6 min"), (200, "wait", "lag 3 h")]
)
def test_the_header_says_how_far_the_data_is_behind(app: Flask, minutes: int, tone: str, lag: str) -> None:
    account = factories.account()
    read_to = clock.now() - timedelta(minutes=minutes)
    with transaction():
        db.session.get_one(Account, account.id).events_read_to = read_to

    page = staff(app, "support").get("/admin/charges/")

    assert f"ata as of {read_to:%-d %b %Y, %H:%M} UTC , {lag}" in page.words
    assert f'class="chip tone-{tone}"' in page.html


def test_before_anything_was_copied_it_says_so(app: Flask) -> None:
    assert "Never synced" in staff(app, "support").get("/admin/charges/").words


@pytest.mark.parametrize(
    ("lag", "words"),
    [(0, "0 s"), (299, "299 s"), (300, "5 min"), (7_199, "119 min"), (7_200, "2 h"), (172_800, "2 days")],
)
def test_a_lag_is_said_in_the_largest_unit_that_tells_enough(lag: int, words: str) -> None:
    assert Freshness(None, lag=lag).lag_words == words
