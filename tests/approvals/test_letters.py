"""Who is written to about a request."""

from app.actor import Actor
from app.approvals import carrying_out, operations
from app.audit import trail
from app.database import db, transaction
from app.models.approval import APPROVE, DECLINE
from app.models.mail import Mail
from app.models.staff import Staff
from tests import factories
from tests.approvals.conftest import Probe, person
from tests.approvals.test_deciding import ask, rule


def written() -> list[tuple[str, str, str]]:
    db.session.rollback()
    return [(mail.kind, mail.recipient, mail.subject) for mail in db.session.query(Mail).order_by(Mail.recipient)]


def test_those_who_may_decide_are_told_and_nobody_else(probe: Probe) -> None:
    factories.account()
    lea, ana = person("lea@shop.example"), person("ana@shop.example", "support")
    person("ben@shop.example", "support")
    gone = person("max@shop.example")
    with transaction():
        db.session.execute(db.update(Staff).where(Staff.email == gone.name).values(deactivated_at=db.func.now()))

    ask(ana)

    assert written() == [("approval.asked", lea.name, "Waits for your word: Do it to ch_1")]
    text = db.session.query(Mail.text).scalar() or ""
    assert "ana@shop.example asks for this" in text
    assert "Why: The customer waits" in text


def test_the_rule_and_the_shops_own_matrix_say_who_that_is(probe: Probe) -> None:
    factories.account()
    person("lea@shop.example"), person("finn@shop.example", "finance")
    rule(approve_roles=["finance"])

    ask(person("ana@shop.example", "support"))

    assert [to for _, to, _ in written()] == ["finn@shop.example"]


def test_who_asked_is_told_what_came_of_it_and_not_before(probe: Probe) -> None:
    factories.account()
    lea, ana = person("lea@shop.example"), person("ana@shop.example", "support")
    done, declined = ask(ana), ask(ana, object_id="ch_2", summary="Do it to ch_2")
    operations.decide(done.id, APPROVE, "", actor=lea)
    assert [mail for mail in written() if mail[1] == ana.name] == []

    carrying_out.carry_out(done.id, actor=lea)
    operations.decide(declined.id, DECLINE, "Not ours", actor=lea)

    mine = [(kind, subject) for kind, to, subject in written() if to == ana.name]
    assert sorted(mine) == [("approval.ended", "Declined: Do it to ch_2"), ("approval.ended", "Done: Do it to ch_1")]
    texts = [text for (text,) in db.session.query(Mail.text).filter(Mail.recipient == ana.name)]
    assert any("Declined. Not ours" in text for text in texts)
    assert any("Done. Did it." in text for text in texts)


def test_without_an_account_or_an_address_the_request_stands_all_the_same(probe: Probe) -> None:
    person("lea@shop"), person("ana@shop.example", "support")
    first = ask(Actor("staff", "ana@shop.example"))
    assert written() == []
    factories.account()

    ask(Actor("staff", "ana@shop.example"), object_id="ch_2")

    assert written() == []
    assert len(trail.of("approval", str(first.id))) == 1
