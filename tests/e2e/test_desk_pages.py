"""Every page of the desk with data that wants to be a script, in every width and colour."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app import clock
from app.database import db
from tests import factories
from tests.e2e.visitor import Scheme, visiting
from tests.servers import drop_database, fresh_database
from tests.stack import Stack, free_port
from tests.world import WEBHOOK_SECRET, application

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PASSWORD = "four unrelated words"
PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "'-alert(4)-'",
    "javascript:alert(5)",
    "{{ 7*7 }}<b>{% raw %}",
    "</textarea><script>alert(6)</script>",
    "<iframe srcdoc='<script>parent.alert(7)</script>'>",
    '" autofocus onfocus=alert(8) x="',
    "<a href=javascript:alert(9)>x</a>",
    "<style>*{display:none}</style>",
    "</pre></details><script>alert(10)</script>",
)


@pytest.fixture(scope="module")
def evil_shop(
    template: str, instance_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, list[str]]]:
    """A shop whose every word is a payload, and the addresses of its pages."""
    url = fresh_database(template)
    with application(url, instance_dir).app_context():
        paths = _fill()
        db.session.remove()
        db.engine.dispose()
    stack = Stack(url, f"http://127.0.0.1:{free_port()}", WEBHOOK_SECRET, tmp_path_factory.mktemp("stack"))
    try:
        stack.run("staff", "add", "ana@shop.example", "--role", "admin", "--password-stdin", given=PASSWORD)
        stack.start_web()
        yield stack, paths
    finally:
        stack.stop()
        drop_database(url)


def _fill() -> list[str]:
    lists = ["", "charges/", "refunds/", "disputes/", "payouts/", "customers/"]
    pages = [*lists, "charges/?q=%3Cscript%3Ealert(1)%3C/script%3E", "refunds/?by=%3Cimg+src=x+onerror=alert(2)%3E"]
    for n, evil in enumerate(PAYLOADS):
        customer = factories.customer(
            email=f"{evil}@example.com", name=evil, phone=evil, description=evil, country=evil, labels={evil: evil}
        )
        factories.payment_method(customer_id=customer.id, brand=evil)
        factories.mandate(customer_id=customer.id, reference=evil)
        charge = factories.charge(
            customer_id=customer.id,
            description=evil,
            labels={evil: evil},
            statement_descriptor=evil,
            brand=evil,
            outcome_type=evil,
            disputed=n % 2 == 0,
            raw=factories.packed({"id": "ch", evil: [evil]}),
        )
        failed = factories.charge(
            customer_id=customer.id,
            status="failed",
            paid=False,
            amount_captured=0,
            failure_code=evil,
            failure_message=evil,
            decline_code=evil,
            advice_code=evil,
            network_decline_code=evil,
        )
        refund = factories.refund(
            charge,
            reason=evil,
            reason_text=evil,
            requested_by=evil,
            requested_at=clock.now(),
            failure_reason=evil,
            status=["failed", "succeeded", "pending"][n % 3],
            trace_reference=evil,
        )
        factories.balance_transaction(source_id=charge.id, fee_details=[{"amount": 175, "description": evil}])
        dispute = factories.dispute(
            charge, reason=evil, network_reason_code=evil, status="needs_response" if n % 2 == 0 else "won",
            is_charge_refundable=n % 2 == 1, due_at=clock.now() + timedelta(hours=20 * n),
        )  # fmt: skip
        payout = factories.payout(failure_message=evil, status="failed", statement_descriptor=evil)
        factories.event(type=evil, object_id=charge.id)
        pages += [f"charges/{charge.id}", f"refunds/{refund.id}", f"refunds/new?charge={charge.id}"]
        if n < 2:
            pages += [f"charges/{failed.id}", f"disputes/{dispute.id}", f"payouts/{payout.id}"]
        pages.append(f"customers/{customer.id}")
    return [f"/admin/{page}" for page in pages]


@pytest.mark.parametrize(
    ("width", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_no_word_of_a_customer_ever_runs(
    browser: Browser, evil_shop: tuple[Stack, list[str]], width: str, scheme: Scheme
) -> None:
    stack, paths = evil_shop
    one_of_each, others = paths[:14], paths[14:]
    with visiting(browser, stack.url, width, scheme) as ana:
        ana.page.on("dialog", lambda dialog: ana.complaints.append(dialog.message))
        ana.sign_in("ana@shop.example", PASSWORD)
        for path in one_of_each:
            ana.open(path)
            assert "Our mistake" not in ana.words, path
        # The other payloads on the same pages: once is enough, and how it looks was seen.
        for path in others if (width, scheme) == ("desk", "light") else []:
            answer = ana.page.goto(stack.url + path)
            assert (answer and answer.status, ana.complaints) == (200, []), path
