"""Many writers at once: nobody waits in a circle, and the newest news is in the row."""

import random
import threading
from collections.abc import Callable

from flask import Flask

from app.database import db, transaction
from app.mirror import kinds
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.invoice import Invoice, InvoiceLine
from tests import factories, objects
from tests.objects import told

WRITERS = 16
ROUNDS = 12


def test_sixteen_writers_in_opposite_order_never_deadlock(committed: Flask):
    account_id = factories.account().id
    errors: list[Exception] = []

    def write(number: int) -> None:
        order = random.Random(number)  # noqa: S311 - the same shuffle every time
        with committed.app_context():
            for turn in range(ROUNDS):
                second = turn * WRITERS + number
                batch = {
                    "customer": [objects.customer(id=f"cus_{n}", name=f"at {second}") for n in range(20)],
                    "charge": [objects.charge(id=f"ch_{n}", description=f"at {second}") for n in range(20)],
                }
                try:
                    for kind, found in batch.items():
                        order.shuffle(found)
                        with transaction():
                            kinds.save_all(kind, found, told(account_id, second))
                except Exception as error:  # noqa: BLE001 - counted below
                    errors.append(error)
            db.session.remove()

    run_all(write)

    assert errors == []
    last = WRITERS * ROUNDS - 1
    assert {row.name for row in db.session.query(Customer)} == {f"at {last}"}
    assert {row.description for row in db.session.query(Charge)} == {f"at {last}"}
    assert db.session.query(Charge).count() == 20


def test_lines_are_those_of_the_newest_invoice_whoever_wrote_last(committed: Flask):
    account_id = factories.account().id
    errors: list[Exception] = []

    def write(number: int) -> None:
        with committed.app_context():
            for turn in range(ROUNDS):
                second = turn * WRITERS + number
                lines = [objects.line(id=f"il_{second}_{n}", amount=second) for n in range(5)]
                try:
                    with transaction():
                        kinds.save_all("invoice", [objects.invoice(lines, id="in_1")], told(account_id, second))
                except Exception as error:  # noqa: BLE001 - counted below
                    errors.append(error)
            db.session.remove()

    run_all(write)

    assert errors == []
    last = WRITERS * ROUNDS - 1
    assert db.session.get_one(Invoice, "in_1").total == last * 5
    assert sorted(row.id for row in db.session.query(InvoiceLine)) == [f"il_{last}_{n}" for n in range(5)]


def run_all(write: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
