"""A refund of what an invoice was paid with, and the credit note that goes with it, against a real sandbox."""

from uuid import UUID, uuid4

import pytest
import stripe

from app.database import db
from app.models.act import Act
from app.models.charge import Charge
from app.models.credit_note import CreditNote
from app.models.invoice import Invoice
from app.models.refund import Refund
from app.refunds import credit_notes
from jobs.run_refund_batches import run_refund_batches
from jobs.settle_refunds import settle_refunds
from tests.desk import staff
from tests.sandbox.billing import customer
from tests.sandbox.client import Sandbox
from tests.sandbox.money import refused
from tests.system.shop import Shop, form

pytestmark = pytest.mark.timeout(120)
NEW = "/admin/refunds/new"
NOTES = "/v1/credit_notes"


def paid_invoice(shop: Shop, amount: int = 5_000) -> tuple[stripe.Invoice, str]:
    """An invoice that was paid by card, as the mirror knows it, and its charge."""
    client = shop.sandbox.stripe()
    ana = customer(client)
    client.v1.invoice_items.create({"customer": ana.id, "amount": amount, "currency": "usd"})
    draft = client.v1.invoices.create({"customer": ana.id, "pending_invoice_items_behavior": "include"})
    client.v1.invoices.finalize_invoice(draft.id)
    paid = client.v1.invoices.pay(draft.id)
    shop.catch_up()
    charge_id = db.session.query(Charge.id).filter_by(customer_id=ana.id).scalar()
    db.session.rollback()
    return paid, charge_id


def test_two_refunds_have_a_note_each_and_the_amounts_agree(shop: Shop) -> None:
    invoice, charge_id = paid_invoice(shop)
    finance, client = staff(shop.app, "finance"), shop.sandbox.stripe()

    page = finance.get(f"{NEW}?charge={charge_id}")
    assert 'type="checkbox" value="y"' in page.html
    assert f"Invoice {invoice.number} over 50.00 USD" in page.words
    urls = [
        finance.post(NEW, form(charge_id, amount) | {"credit_note": "y"}).location or ""
        for amount in ("20.00", "30.00")
    ]
    assert "Being written" in finance.get(urls[0]).words
    settle_refunds()
    settle_refunds()

    notes = client.v1.credit_notes.list({"invoice": invoice.id}).data
    bill = client.v1.invoices.retrieve(invoice.id)
    assert sorted(note.total for note in notes) == [2_000, 3_000]
    assert (bill.amount_paid, bill.post_payment_credit_notes_amount) == (5_000, 5_000)
    mirrored = {note.id: (note.total, note.refund_ids, note.invoice_id) for note in db.session.query(CreditNote)}
    made = {refund["amount"]: refund["id"] for refund in shop.made()}
    assert mirrored == {note.id: (note.total, [made[note.total]], invoice.id) for note in notes}
    assert len(shop.made()) == 2
    db.session.rollback()
    assert f"Credit note {notes[-1].number}" in finance.get(urls[0]).words
    assert "50.00 USD Credited 50.00 USD" in finance.get(f"/admin/customers/{bill.customer}").words


def test_without_the_tick_or_an_invoice_none_is_written(shop: Shop) -> None:
    _, charge_id = paid_invoice(shop)
    other, finance = shop.pay(), staff(shop.app, "finance")

    finance.post(NEW, form(charge_id, "20.00"))
    finance.post(NEW, form(other, "20.00") | {"credit_note": "y"})
    settle_refunds()

    assert shop.sandbox.requests("POST", NOTES) == []
    assert db.session.query(Act).count() == 0
    assert {wish for (wish,) in db.session.query(Refund.credit_note)} == {None, "dropped"}
    db.session.rollback()


@pytest.mark.parametrize("wished", [True, False])
def test_a_batch_writes_the_notes_that_single_refunds_would(shop: Shop, wished: bool) -> None:
    first, second = paid_invoice(shop), paid_invoice(shop, 3_000)
    other, finance = shop.pay(), staff(shop.app, "finance")
    batches = "/admin/refund-batches/"
    assert 'name="credit_notes" type="checkbox" value="y"' in finance.get(f"{batches}new").html
    sent = {
        "promise": str(uuid4()), "payments": f"{first[1]},20.00\n{second[1]}\n{other}", "reason": "goodwill",
        "words": "Storm damage", **({"credit_notes": "y"} if wished else {}),
    }  # fmt: skip

    url = finance.post(f"{batches}new", sent).location or ""
    finance.post(f"{url}/start")
    run_refund_batches()
    settle_refunds()
    settle_refunds()

    client = shop.sandbox.stripe()
    notes = {
        invoice.id: [(note.total, [one.refund for one in note.refunds]) for note in listed]
        for invoice, _ in (first, second)
        if (listed := client.v1.credit_notes.list({"invoice": invoice.id}).data)
    }
    made = {refund["charge"]: refund["id"] for refund in shop.made()}
    assert set(made) == {first[1], second[1], other}
    assert notes == (
        {first[0].id: [(2_000, [made[first[1]]])], second[0].id: [(3_000, [made[second[1]]])]} if wished else {}
    )
    assert len(shop.sandbox.requests("POST", NOTES)) == len(notes)
    bill = client.v1.invoices.retrieve(first[0].id)
    assert (bill.amount_paid, bill.post_payment_credit_notes_amount) == (5_000, 2_000 if wished else 0)


def test_a_note_s_page_is_reached_from_its_refund_and_its_sums_are_stripe_s(shop: Shop) -> None:
    invoice, charge_id = paid_invoice(shop)
    finance = staff(shop.app, "finance")
    url = finance.post(NEW, form(charge_id, "20.00") | {"credit_note": "y"}).location or ""
    settle_refunds()

    [note] = shop.sandbox.stripe().v1.credit_notes.list({"invoice": invoice.id}).data
    [link] = [link for link in finance.get(url).links if link.startswith("/admin/credit-notes/cn_")]
    page = finance.get(link)

    assert link == f"/admin/credit-notes/{note.id}"
    assert url in page.links
    for words in (f"Credit note {note.number}", "By refunds 20.00 USD", "Total 50.00 USD", "Paid 50.00 USD"):
        assert words in page.words
    assert "Credited in all 20.00 USD Left of the bill 30.00 USD" in page.words
    assert finance.get(f"/admin/charges/?q={note.id}", expect=302).location == link


def test_one_that_was_written_elsewhere_is_linked_and_not_written_again(shop: Shop) -> None:
    invoice, charge_id = paid_invoice(shop)
    finance = staff(shop.app, "finance")
    url = finance.post(NEW, form(charge_id, "20.00") | {"credit_note": "y"}).location or ""
    [refund] = shop.made()
    note = shop.sandbox.stripe().v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 2_000, "refunds": [{"refund": refund["id"], "amount_refunded": 2_000}]}
    )
    shop.catch_up()
    settle_refunds()

    assert len(shop.sandbox.requests("POST", NOTES)) == 1
    assert f"Credit note {note.number}" in finance.get(url).words


def test_a_lost_answer_is_found_and_written_once(shop: Shop) -> None:
    _, charge_id = paid_invoice(shop)
    finance = staff(shop.app, "finance")
    url = finance.post(NEW, form(charge_id, "20.00") | {"credit_note": "y"}).location or ""
    shop.sandbox.fault("POST", NOTES, status=500, when="after")
    settle_refunds()
    shop.sandbox.heal()
    settle_refunds()

    refund = db.session.get_one(Refund, UUID(url.rpartition("/")[2]))
    act = credit_notes.act_of(refund)
    assert act is not None
    assert len(shop.sandbox.objects("credit_note")) == 1
    assert len({request["idempotency_key"] for request in shop.sandbox.requests("POST", NOTES)}) == 1
    db.session.rollback()


def test_the_sandbox_links_a_refund_only_up_to_its_amount_and_to_its_own_invoice(sandbox: Sandbox, shop: Shop) -> None:
    invoice, charge_id = paid_invoice(shop)
    other, _ = paid_invoice(shop)
    client = sandbox.stripe()
    refund = client.v1.refunds.create({"charge": charge_id, "amount": 2_000})

    def note(invoice_id: str, amount: int) -> dict[str, object]:
        linked = [{"refund": refund.id, "amount_refunded": amount}]
        return {"invoice": invoice_id, "amount": amount, "refunds": linked}

    assert "not of a payment" in str(refused(client.v1.credit_notes.create, note(other.id, 2_000)).user_message)
    assert "already on credit notes" in str(
        refused(client.v1.credit_notes.create, note(invoice.id, 2_001)).user_message
    )
    made = client.v1.credit_notes.create(note(invoice.id, 1_500))  # type: ignore[arg-type]
    assert "already on credit notes" in str(refused(client.v1.credit_notes.create, note(invoice.id, 501)).user_message)

    assert [(one.refund, one.amount_refunded) for one in made.refunds] == [(refund.id, 1_500)]
    assert len(sandbox.objects("refund")) == 1
    assert db.session.query(Invoice).count() == 2
    db.session.rollback()
