"""From the boxes in the list of payments, or a file, to the result."""

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from app.database import db
from app.models.audit_log import AuditLog
from app.models.refund_batch import RefundBatch, RefundBatchRow
from app.refunds.batches import running
from tests import factories
from tests.desk import Desk, Page, staff
from tests.queries import counted
from tests.refunds.fake_gateway import FakeGateway

NEW = "/admin/refund-batches/new"


def send(desk: Desk, *, expect: int = 303, **fields: Any) -> Page:
    desk.get(NEW)
    plain = {"promise": str(uuid4()), "payments": "", "reason": "goodwill", "words": "Storm damage"}
    return desk.post(NEW, plain | fields, expect=expect)


def upload(desk: Desk, content: bytes, *, name: str = "list.csv", expect: int = 303) -> Page:
    return send(desk, expect=expect, file=(BytesIO(content), name))


def nothing_was_kept() -> bool:
    db.session.rollback()
    return db.session.query(RefundBatch).count() == 0


def test_ticked_payments_lead_to_the_form_and_only_those_that_can_be_given_back_have_a_box(app: Flask) -> None:
    good, failed = factories.charge(), factories.charge(status="failed", captured=False)
    support, viewer = staff(app, "support"), staff(app, "view_only")

    page = support.get("/admin/charges/")
    form = support.get(f"{NEW}?charge={good.id}&charge=<b>&charge={failed.id}")

    assert f'value="{good.id}" form="choose"' in page.html
    assert f'value="{failed.id}" form="choose"' not in page.html
    assert 'form="choose"' not in viewer.get("/admin/charges/").html
    assert f"{good.id}\n{failed.id}</textarea>" in form.html.replace("\r\n", "\n")


def test_from_the_check_to_the_result(app: Flask) -> None:
    charges, gateway = [factories.charge(amount=2_000) for _ in range(2)], FakeGateway()
    support = staff(app, "support")
    content = f"payment,amount,words\n{charges[0].id},5.00,=HYPERLINK(1)\n=1+1,,\n{charges[1].id},,\n"

    page = support.get(upload(support, content.encode()).location or "")
    url = page.answer.request.path
    assert "Checked, and not started. Nothing was given back yet. 1 of the lines are not possible" in page.words
    assert "25.00" in page.words
    assert "There is no payment with this id here." in page.words
    started = support.get(support.post(f"{url}/start").location or "")
    assert "0 of 2 are through." in started.words
    assert support.get(f"{url}/state").answer.json == {"state": "running 0 of 2"}
    running.run(gateway)
    done = support.get(url)
    result = support.get(f"{url}/result.csv").html.splitlines()

    assert "Done. 2 refunds were made." in done.words
    assert len(gateway.made) == 2
    assert result[0] == "Line,Payment,Charge,Amount,Currency,State,Why not,Refund,Reason,Words"
    assert result[1].startswith(f"2,{charges[0].id},{charges[0].id},5.00,EUR,succeeded,,re_")
    assert result[1].endswith("goodwill,'=HYPERLINK(1)")
    assert result[2] == "3,'=1+1,,,,bad,There is no payment with this id here.,,,"
    acts = [act for (act,) in db.session.query(AuditLog.action).order_by(AuditLog.id)]
    assert acts[-1] == "list.exported"
    assert "list.csv" in support.get("/admin/refund-batches/").words


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"payment\nch_1\0", "NUL character"),
        (b'payment\n"ch_1', "check its quotes"),
        (b"payment\n" + b"ch_1\n" * 5_001, "more than 5,000 payments"),
        (b"\x89PNG\r\n\x1a\n\x00", "NUL character"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_words_and_nothing_is_kept(app: Flask, content: bytes, why: str) -> None:
    page = upload(staff(app, "support"), content, expect=400)

    assert why in page.words
    assert "Choose the file again" in page.words
    assert nothing_was_kept()


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"words": " "}, {"promise": "x"}, {"payments": ""}])
def test_a_form_that_is_not_whole_keeps_nothing(app: Flask, wrong: dict[str, str]) -> None:
    send(staff(app, "support"), expect=400, **{"payments": "ch_1"} | wrong)

    assert nothing_was_kept()


def test_the_same_form_twice_is_one_batch(app: Flask) -> None:
    support, promise = staff(app, "support"), str(uuid4())
    charge = factories.charge()

    first, second = (send(support, payments=charge.id, promise=promise) for _ in range(2))

    assert first.location == second.location
    assert db.session.query(RefundBatchRow).count() == 1


def test_another_accounts_batch_is_unknown_and_nonsense_is_refused(app: Flask) -> None:
    support = staff(app, "support")
    url = send(support, payments=factories.charge().id).location or ""
    for query in ("state=all", "after=x", "after=-1", "after=" + "9" * 30):
        support.get(f"{url}?{query}", expect=400)
    factories.another_account()
    db.session.rollback()
    with db.session.begin_nested():
        db.session.execute(
            db.text("UPDATE refund_batches SET account_id = (SELECT id FROM accounts WHERE stripe_id = 'acct_other')")
        )
    db.session.commit()

    support.get(url, expect=404)
    support.get(f"{url}/result.csv", expect=404)
    support.post(f"{url}/start", expect=404)
    support.post(f"{url}/withdraw", expect=404)

    assert db.session.query(RefundBatch.state).scalar() == "draft"


def test_a_page_of_many_lines_asks_a_fixed_number_of_questions(app: Flask) -> None:
    support = staff(app, "support")
    charges = [factories.charge().id for _ in range(30)]
    few = send(support, payments="\n".join(charges[:2])).location or ""
    many = send(support, payments="\n".join(charges)).location or ""

    with counted() as of_few:
        support.get(few)
    with counted() as of_many:
        support.get(many)

    assert len(of_few) == len(of_many)
