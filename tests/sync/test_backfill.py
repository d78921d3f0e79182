"""Every object arrives, whatever happens on the way, and a run is only a success when it did."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.database import db
from app.models.account import Account
from app.models.charge import Charge
from app.models.customer import Customer
from app.models.payment_method import PaymentMethod
from app.models.sync_window import SyncRun, SyncWindow
from app.sync.reading import SyncIncomplete
from tests import objects
from tests.canned import Canned, Obj, charge
from tests.sync.conftest import Copy

ROOT = Path(__file__).parents[2]
LIST = "/v1/charges"
Reply = tuple[int, dict[str, str], bytes]


def newest_first(count: int) -> list[Obj]:
    return [charge(number) for number in reversed(range(count))]


def ids_here() -> set[str]:
    found = set(db.session.scalars(select(Charge.id)))
    db.session.rollback()
    return found


def pages_asked(canned: Canned) -> int:
    return sum(target.startswith(LIST) for _, target, _ in canned.requests)


def test_every_page_of_every_kind_arrives_once(copy_of_canned: Copy, canned: Canned):
    canned.lists = {
        LIST: newest_first(1_234),
        "/v1/customers": [objects.customer(id="cus_1")],
        "/v1/customers/cus_1/payment_methods": [{"id": "pm_1", "object": "payment_method", "type": "card", "card": {}}],
    }

    outcome = copy_of_canned.sync()

    assert outcome.objects["charge"] == 1_234
    assert ids_here() == {obj["id"] for obj in canned.lists[LIST]}
    assert db.session.scalars(select(Customer.id)).all() == ["cus_1"]
    assert db.session.scalars(select(PaymentMethod.id)).all() == ["pm_1"]
    run = db.session.scalars(select(SyncRun)).one()
    assert run.finished_at is not None
    assert run.error is None
    assert db.session.scalars(select(Account)).one().synced_at == run.started_at


def test_a_run_killed_after_page_seven_goes_on_and_finds_what_was_made_meanwhile(
    database_url: str, instance_dir: Path, canned: Canned, copy_of_canned: Copy
):
    canned.lists = {LIST: newest_first(23_517)}
    killed = threading.Event()
    child: list[subprocess.Popen[bytes]] = []

    def kill_after_seven(_method: str, target: str, _headers: dict[str, str]) -> None:
        if target.startswith(LIST) and not killed.is_set() and saved_pages(database_url) >= 7:
            killed.set()
            child[0].kill()

    canned.hooks = [kill_after_seven]
    child.append(start_sync(database_url, instance_dir, canned))
    assert child[0].wait(60) == -9
    saved = len(ids_here())
    counted = db.session.scalar(select(func.sum(SyncWindow.objects)))
    db.session.rollback()
    canned.hooks.clear()
    canned.requests.clear()
    created = {**charge(99_999), "created": int(time.time())}
    canned.lists[LIST].insert(0, created)
    canned.forget()

    outcome = copy_of_canned.sync()

    assert outcome.resumed
    assert 700 <= saved == counted  # a page and its cursor are one transaction
    assert ids_here() == {obj["id"] for obj in canned.lists[LIST]}
    windows = db.session.scalar(select(func.count()).select_from(SyncWindow).where(SyncWindow.kind == "charge"))
    # What was saved is not asked for again; each stretch may end with a page that is not full.
    assert pages_asked(canned) <= (23_517 - saved) // 100 + 1 + (windows or 0)


def start_sync(database_url: str, instance_dir: Path, canned: Canned) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "INSTANCE_DIR": str(instance_dir),
        "STRIPE_API_BASE": canned.url,
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "sync", "run"]
    return subprocess.Popen(command, cwd=ROOT, env=environment)


def saved_pages(database_url: str) -> int:
    from sqlalchemy import create_engine

    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg2://"))
    try:
        with engine.connect() as connection:
            return (
                int(connection.execute(text("SELECT coalesce(sum(objects), 0) FROM sync_windows")).scalar_one()) // 100
            )
    finally:
        engine.dispose()


def test_objects_made_while_the_run_reads_are_in_the_copy(copy_of_canned: Copy, canned: Canned):
    canned.lists = {LIST: newest_first(950)}
    made = iter([{**charge(50_000 + n), "created": int(time.time())} for n in range(5)])

    def make(_method: str, target: str, _headers: dict[str, str]) -> None:
        if "starting_after" in target and (fresh := next(made, None)):
            canned.lists[LIST].insert(0, fresh)
            canned.forget()

    canned.hooks = [make]
    copy_of_canned.sync()

    assert len(canned.lists[LIST]) == 955
    assert ids_here() == {obj["id"] for obj in canned.lists[LIST]}


def test_a_storm_of_429_is_waited_out_below_twenty_calls_a_second(copy_of_canned: Copy, canned: Canned):
    canned.lists = {LIST: newest_first(800)}
    dice, guard, times = random.Random(5), threading.Lock(), []  # noqa: S311 - the same storm every time

    def storm(_method: str, target: str, _headers: dict[str, str]) -> Reply | None:
        with guard:
            times.append(time.monotonic())
            stormy = target.startswith(LIST) and dice.random() < 0.6
        return (
            (429, {}, b'{"error":{"type":"invalid_request_error","code":"rate_limit","message":"Slow."}}')
            if stormy
            else None
        )

    canned.hooks = [storm]
    copy_of_canned.sync("charge")

    assert ids_here() == {obj["id"] for obj in canned.lists[LIST]}
    assert db.session.scalars(select(SyncRun)).one().finished_at is not None
    calm = times[5:]  # the first ones were sent before anybody knew of a limit
    assert len(calm) > 5
    assert max(sum(start <= one < start + 1 for one in calm) for start in calm) <= 20


@pytest.mark.parametrize("status", [403, 500])
def test_a_run_that_could_not_read_everything_is_never_a_success(copy_of_canned: Copy, canned: Canned, status: int):
    canned.lists = {LIST: newest_first(250), "/v1/customers": [objects.customer(id="cus_1")]}

    def broken(_method: str, target: str, _headers: dict[str, str]) -> Reply | None:
        if not target.startswith("/v1/customers?"):
            return None
        body = b'{"error":{"type":"invalid_request_error","message":"Not with this key."}}' if status == 403 else b"{}"
        return status, {"Stripe-Should-Retry": "false"}, body

    canned.hooks = [broken]
    with pytest.raises(SyncIncomplete, match="customer"):
        copy_of_canned.sync()

    assert len(ids_here()) == 250
    run = db.session.scalars(select(SyncRun)).one()
    assert run.finished_at is None
    assert (run.error or "").startswith("customer: ")
    assert db.session.scalars(select(Account)).one().synced_at is None
    db.session.rollback()

    canned.hooks.clear()
    canned.requests.clear()
    assert copy_of_canned.sync().resumed
    assert db.session.scalars(select(Customer.id)).all() == ["cus_1"]
    assert db.session.scalars(select(SyncRun)).one().error is None
    # Charges were read to their end before; only the last look at new ones is repeated.
    assert pages_asked(canned) == 1


def test_two_runs_at_once_are_refused(copy_of_canned: Copy, canned: Canned):
    from app.sync.operations import SyncRunning

    canned.lists = {LIST: newest_first(50)}
    inside, go_on = threading.Event(), threading.Event()

    def hold(_method: str, target: str, _headers: dict[str, str]) -> None:
        if target.startswith(LIST):
            inside.set()
            go_on.wait(20)

    canned.hooks = [hold]

    def first() -> None:
        with copy_of_canned.app.app_context():
            copy_of_canned.sync("charge")
            db.session.remove()

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    with pytest.raises(SyncRunning):
        copy_of_canned.sync("charge")
    go_on.set()
    thread.join()

    assert len(ids_here()) == 50


def test_nul_and_half_surrogates_in_a_list_do_not_stop_it(copy_of_canned: Copy, canned: Canned):
    body = (
        b'{"object":"list","has_more":false,"data":[{"id":"cus_1","object":"customer","created":1,'
        b'"name":"a\\u0000b","email":"\\ud800","metadata":{"k\\u0000":"\\udfff"}}]}'
    )
    canned.hooks = [lambda _m, target, _h: (200, {}, body) if target.startswith("/v1/customers?") else None]

    copy_of_canned.sync("customer")

    row = db.session.get_one(Customer, "cus_1")
    assert (row.name, row.email, row.labels) == ("a\ufffdb", "\ufffd", {"k\ufffd": "\ufffd"})


def test_another_account_is_not_mixed_in(copy_of_canned: Copy, canned: Canned):
    from app.errors import ConfigurationError

    canned.lists = {LIST: newest_first(10)}
    copy_of_canned.sync("charge")
    canned.answers["/v1/account"] = 200, {}, {"id": "acct_other", "object": "account"}
    canned.lists = {LIST: newest_first(20)}
    canned.forget()

    with pytest.raises(ConfigurationError, match="acct_canned"):
        copy_of_canned.sync("charge")

    assert len(ids_here()) == 10
