"""One row per mode, and never two accounts in one database."""

import threading
from datetime import timedelta

import pytest
from flask import Flask

from app import clock
from app.database import db, transaction
from app.errors import ConfigurationError
from app.gateways.answer import Answer
from app.mirror import accounts
from app.models.account import Account


def answer(stripe_id: str) -> Answer:
    body = {"id": stripe_id, "object": "account", "business_profile": {"name": "Shop"}}
    now = clock.now()
    return Answer(body, 200, "req_1", now.replace(microsecond=0), now, timedelta(), None)


def test_test_and_live_are_two_accounts(app: Flask):
    assert accounts.current(livemode=False).id != accounts.current(livemode=True).id
    assert accounts.current(livemode=False).id == accounts.current(livemode=False).id


def test_many_at_once_make_one_row(committed: Flask):
    def ask() -> None:
        with committed.app_context():
            accounts.current(livemode=False)
            db.session.remove()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert db.session.query(Account).count() == 1


def test_an_account_learns_its_id_and_refuses_another(committed: Flask):
    account = accounts.current(livemode=False)
    with transaction():
        accounts.learn(db.session.get_one(Account, account.id), answer("acct_1"))

    known = db.session.get_one(Account, account.id)
    assert (known.stripe_id, known.name) == ("acct_1", "Shop")
    with pytest.raises(ConfigurationError, match=r"acct_1.*acct_2"), transaction():
        accounts.learn(db.session.get_one(Account, account.id), answer("acct_2"))
    assert db.session.get_one(Account, account.id).stripe_id == "acct_1"
