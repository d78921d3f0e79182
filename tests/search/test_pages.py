"""Everything is found from one box, as far as the role goes."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import text

from app.database import db, transaction
from app.models.invoice import Invoice
from app.models.subscription import Subscription
from app.money import MinorUnits
from tests import factories
from tests.desk import Desk, Page, staff
from tests.factories import NOON
from tests.queries import counted
from tests.web.test_lists import NASTY


def _find(desk: Desk, typed: str, expect: int = 200) -> Page:
    return desk.get(f"/admin/search/?q={quote(typed)}", expect=expect)


def _groups(desk: Desk, typed: str) -> dict[str, list[str]]:
    answer = desk.client.get(f"/admin/search/suggest?q={quote(typed)}").get_json()
    return {group["label"]: [hit["url"] for hit in group["hits"]] for group in answer["groups"]}


def _things(groups: dict[str, list[str]]) -> dict[str, list[str]]:
    return {label: urls for label, urls in groups.items() if label not in {"Search", "Pages", "Go to"}}


def test_conditions_bring_hits_of_every_kind_they_fit(app: Flask) -> None:
    customer = factories.customer(name="Mona Berg").id
    failed = factories.charge(
        status="failed", amount=600_000, brand="visa", customer_id=customer, outcome_type="issuer_declined"
    )
    factories.charge(status="failed", amount=500_000, brand="visa", customer_id=customer)
    factories.charge(status="failed", amount=600_000, brand="amex", customer_id=customer)
    paid = factories.charge(amount=700_000, brand="visa", customer_id=factories.customer().id)
    back = factories.refund(paid, amount=600_000, status="failed")
    support = staff(app, "support")

    found = _things(_groups(support, "status:failed amount:>5000 brand:visa"))

    assert found == {
        "Customers": [f"/admin/customers/{customer}"],
        "Payments": [f"/admin/charges/{failed.id}"],
        "Refunds": [f"/admin/refunds/{back.id}"],
    }
    page = _find(support, "status:failed amount:>5000 brand:visa")
    assert {f"/admin/charges/{failed.id}", f"/admin/refunds/{back.id}"} <= set(page.links)
    assert "6,000.00" in page.words


def test_an_amount_is_meant_in_each_currency(app: Flask) -> None:
    yen = factories.charge(amount=6_000, currency="jpy")
    factories.charge(amount=6_000, currency="eur")

    assert _things(_groups(staff(app), "amount:>5000")) == {"Payments": [f"/admin/charges/{yen.id}"]}


def test_disputes_are_found_by_status_reason_and_the_card_behind(app: Flask) -> None:
    charge = factories.charge(brand="amex", disputed=True)
    dispute = factories.dispute(charge, reason="product_not_received")
    factories.dispute(factories.charge(), reason="fraudulent")
    support = staff(app, "support")

    for typed in (
        "in:disputes brand:amex",
        "reason:product_not_received",
        "in:disputes reason:product-not-received status:needs_response",
    ):
        assert _things(_groups(support, typed)) == {"Disputes": [f"/admin/disputes/{dispute.id}"]}, typed


def test_a_person_brings_everything_that_is_theirs(app: Flask) -> None:
    customer = factories.customer(name="Mona Berg", email="mona@example.com", labels={"crm": "X-1"})
    charge = factories.charge(customer_id=customer.id, last4="1881")
    refund = factories.refund(charge)
    dispute = factories.dispute(charge)
    invoice, _ = _billing(customer.id)
    factories.charge(customer_id=factories.customer(name="Jo").id)
    everything = {
        "Customers": [f"/admin/customers/{customer.id}"],
        "Payments": [f"/admin/charges/{charge.id}"],
        "Refunds": [f"/admin/refunds/{refund.id}"],
        "Disputes": [f"/admin/disputes/{dispute.id}"],
    }
    support = staff(app, "support")

    for typed in (
        "mona berg",
        "berg",
        "Bergg mona",
        "mona@example.com",
        "mona@",
        "email:mona@example.com",
        "name:berg",
        "X-1",
        "metadata:x-1",
    ):
        found = _things(_groups(support, typed))
        assert {label: found[label] for label in everything} == everything, typed
        assert set(found) == {*everything, "Invoices", "Subscriptions"}, typed
    assert _things(_groups(support, "1881")) == {label: everything[label] for label in ("Customers", "Payments")}
    assert _things(_groups(support, f"in:payments customer:{customer.id}")) == {"Payments": everything["Payments"]}
    assert len(_things(_groups(support, "name:berg status:succeeded"))["Payments"]) == 1
    assert "Payments" not in _things(_groups(support, "name:berg status:failed"))
    assert _find(support, invoice).location is None


def test_an_id_leads_straight_to_its_page(app: Flask) -> None:
    customer = factories.customer().id
    charge = factories.charge(id="ch_1", payment_intent_id="pi_1", customer_id=customer)
    refund = factories.refund(charge, id="re_1").id
    dispute = factories.dispute(charge, id="dp_1").id
    payout = factories.payout(id="po_1").id
    _, subscription = _billing(customer)
    finance = staff(app, "finance")
    ways = {
        "cus": (customer, f"/admin/customers/{customer}"),
        "ch": ("ch_1", "/admin/charges/ch_1"),
        "pi": (" pi_1 ", "/admin/charges/ch_1"),
        "re": ("re_1", f"/admin/refunds/{refund}"),
        "dp": ("dp_1", f"/admin/disputes/{dispute}"),
        "po": ("po_1", f"/admin/payouts/{payout}"),
    }

    for key, (typed, page) in ways.items():
        assert _find(finance, typed, expect=302).location == page, key
        assert _groups(finance, typed)["Go to"] == [page], key
    for typed in ("in_1", subscription):
        assert (_find(finance, typed, expect=302).location or "").startswith("/admin/"), typed
    assert "Nothing found" in _find(finance, "ch_unknown").words


def test_a_role_finds_only_what_it_may_see(app: Flask) -> None:
    customer = factories.customer(name="Mona Berg", email="mona@example.com").id
    factories.charge(customer_id=customer, payment_intent_id="pi_1")
    factories.payout(status="failed")

    assert _things(_groups(staff(app, "auditor"), "mona berg")) == {}
    assert _things(_groups(staff(app, "auditor"), "status:failed")) == {}
    assert "Go to" not in _groups(staff(app, "auditor"), customer)
    assert "Payouts" not in _groups(staff(app, "support"), "status:failed")
    assert "Payouts" in _groups(staff(app, "finance"), "status:failed")


def test_without_the_right_to_see_addresses_none_is_shown_or_guessed(app: Flask) -> None:
    factories.customer(name="Mona Berg", email="mona@example.com")
    view_only = staff(app, "view_only")

    whole = _find(view_only, "mona@example.com")

    assert "Mona Berg" in whole.words
    assert "m***@example.com" in whole.words
    for typed in ("mona@exam", "email:mona", "email:example.com", "metadata:m"):
        assert _things(_groups(view_only, typed)) == {}, typed


def test_another_accounts_things_are_not_found(app: Flask) -> None:
    factories.account()
    other = factories.another_account().id
    factories.customer(name="Mona Berg", account_id=other, id="cus_other")
    factories.charge(last4="9999", account_id=other, customer_id="cus_other")

    for typed in ("mona berg", "9999", "last4:9999", "cus_other", "status:succeeded"):
        assert _things(_groups(staff(app, "admin"), typed)) == {}, typed


def test_an_unknown_key_is_answered_with_the_keys_there_are(app: Flask) -> None:
    support = staff(app, "support")

    page = _find(support, "colour:red", expect=400)
    answer = support.client.get("/admin/search/suggest?q=colour:red")

    assert "There is no key “colour”. You can use: status, amount, currency, created" in page.words
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith("There is no key “colour”.")
    assert answer.get_json()["groups"] == []


@pytest.mark.parametrize(
    "typed",
    [
        "amount:>100000000000000000000", "amount:abc", "amount:>>5", "created:2026-13", "created:tomorrow", "created:99999-01-01",
        "created:9999-12-31", "amount:NaN", "brand:>visa", "\0", "email:\0", "name:a\0b",
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_in_words(app: Flask, typed: str) -> None:
    page = _find(staff(app, "support"), typed, expect=400)

    assert page.headings in (["Search results"], ["Find anything"])


def test_nothing_that_is_typed_breaks_or_delays_the_search(app: Flask) -> None:
    factories.charge(customer_id=factories.customer().id)
    admin = staff(app, "admin")
    tried = [
        *NASTY,
        *(
            f"{key}:{value}"
            for key in ("status", "amount", "created", "email", "name", "last4", "metadata", "in")
            for value in NASTY[:9]
        ),
    ]
    wrong = []
    for value in tried:
        for page in ("", "suggest"):
            path = f"/admin/search/{page}?q={value if '%' in value else quote(value)}"
            answer = admin.client.get(path)
            if answer.status_code not in {200, 400}:
                wrong.append((path, answer.status_code))

    assert wrong == []
    assert _things(_groups(admin, "' OR '1'='1")) == {}
    assert _things(_groups(admin, "email:x'/**/OR/**/1=1--")) == {}


def test_times_are_days_months_and_since_when(app: Flask) -> None:
    old = factories.charge(created_at=NOON - timedelta(days=40))
    new = factories.charge(created_at=NOON)
    support = staff(app, "support")

    def found(typed: str) -> set[str]:
        return {url.rpartition("/")[2] for url in _groups(support, f"in:payments {typed}").get("Payments", [])}

    assert found("created:2026-11-02") == {new.id}
    assert found("created:2026-11") == {new.id}
    assert found("created:>2026-11-02") == set()
    assert found("created:>=2026-11-02") == {new.id}
    assert found("created:<2026-11-02") == {old.id}
    assert found("created:2026-09..2026-10") == {old.id}
    assert found("created:2026-09-01..2026-11-02") == {old.id, new.id}


def test_a_search_asks_few_questions_and_is_not_written_down(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    customer = factories.customer(name="Mona Berg", email="mona@example.com").id
    factories.charge(customer_id=customer)
    support = staff(app, "support")

    with counted() as asked, caplog.at_level("INFO"):
        _find(support, "mona@example.com")

    looks = [statement for statement in asked if not statement.startswith("SET LOCAL")]
    assert len(looks) <= 11, looks
    said = " ".join(str(record.__dict__) for record in caplog.records if record.name.startswith("app"))
    assert "request.answered" in said
    assert "mona" not in said


def test_the_palette_knows_the_pages_of_the_menu(app: Flask) -> None:
    assert _groups(staff(app, "support"), "disp")["Pages"] == ["/admin/disputes/", "/admin/dispute-results/"]
    assert "Pages" not in _groups(staff(app, "support"), "audit")
    assert _groups(staff(app, "auditor"), "audit")["Pages"] == ["/admin/audit/"]


def test_a_question_that_would_take_too_long_is_given_up(committed: Flask) -> None:
    factories.charge()
    support = staff(committed, "support")
    with transaction():
        db.session.execute(text("CREATE VIEW slow AS SELECT 1"))
        db.session.execute(text("ALTER TABLE charges RENAME TO charges_kept"))
        db.session.execute(text("CREATE VIEW charges AS SELECT * FROM charges_kept WHERE pg_sleep(1) IS NOT NULL"))

    page = _find(support, "in:payments status:succeeded")

    assert "This would take too long to find." in page.words


def _billing(customer: str) -> tuple[str, str]:
    """An invoice and a subscription of this customer."""
    invoice = Invoice(
        **_row("in_1"), number="CF-0001", status="open", currency="eur", customer_id=customer, amount_due=MinorUnits(500),
        amount_paid=MinorUnits(0), amount_remaining=MinorUnits(500), subtotal=MinorUnits(500), total=MinorUnits(500),
    )  # fmt: skip
    subscription = Subscription(**_row("sub_1"), status="active", customer_id=customer)
    with transaction():
        db.session.add_all([invoice, subscription])
    return "CF-0001", "sub_1"


def _row(key: str) -> dict[str, object]:
    return {
        "id": key, "account_id": factories.account().id, "created_at": NOON, "seen_at": NOON, "heard_at": NOON, "rank": 0,
        "raw": b"",
    }  # fmt: skip
