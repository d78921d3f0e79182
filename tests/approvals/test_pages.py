"""The queue, one request, the rules."""

from flask import Flask

from app.actor import Actor
from app.database import db, transaction
from app.models.approval import Approval, ApprovalPolicy
from app.models.audit_log import AuditLog
from app.models.staff import StaffSession
from tests.approvals.conftest import Probe
from tests.approvals.test_deciding import ask, rule, state
from tests.desk import staff
from tests.factories import another_account
from tests.queries import counted
from tests.web.routes import fingerprint


def test_the_queue_of_each_person_is_their_own(app: Flask, probe: Probe) -> None:
    ana, lea, eve = staff(app, "support"), staff(app, "support_lead"), staff(app, "dispute_analyst")
    ask(Actor("staff", ana.email))

    assert "Do it to ch_1" in ana.get("/admin/approvals/?queue=asked").words
    assert "Do it to ch_1" not in ana.get("/admin/approvals/?queue=decide").words
    assert "Do it to ch_1" in lea.get("/admin/approvals/?queue=decide").words
    assert "Do it to ch_1" not in lea.get("/admin/approvals/?queue=asked").words
    assert "Do it to ch_1" not in eve.get("/admin/approvals/").words


def test_a_lead_sees_then_and_now_and_agrees(app: Flask, probe: Probe) -> None:
    ana, lea = staff(app, "support"), staff(app, "support_lead")
    approval = ask(Actor("staff", ana.email), facts={"Left": "80.00 EUR"})
    url = f"/admin/approvals/{approval.id}"

    before = lea.get(url)
    lea.post(f"{url}/approve", {"words": "Fine"})
    after = lea.get(url)

    assert "80.00 EUR 50.00 EUR" in before.words
    assert "Waits for one more person." in before.words
    assert "Done. Did it." in after.words
    assert f"{lea.email} agreed to what {ana.email} asked for: Do it to ch_1" in after.words
    assert probe.done == ["it"]


def test_the_asker_finds_no_button_and_posting_it_by_hand_is_refused(app: Flask, probe: Probe) -> None:
    lea = staff(app, "support_lead")
    approval = ask(Actor("staff", lea.email))
    url = f"/admin/approvals/{approval.id}"

    page = lea.get(url)
    refused = lea.post(f"{url}/approve", expect=403)

    assert "Withdraw" in page.words
    assert 'action="/admin/approvals/' + str(approval.id) + '/approve"' not in page.html
    assert "another person has to decide" in refused.words
    assert state(approval) == "waiting"


def test_declining_without_words_says_so_and_changes_nothing(app: Flask, probe: Probe) -> None:
    approval = ask(Actor("staff", staff(app, "support").email))
    lea = staff(app, "support_lead")

    page = lea.post(f"/admin/approvals/{approval.id}/decline", {"words": " "}, expect=400)

    assert "Write a sentence on why." in page.words
    assert state(approval) == "waiting"


def test_a_decision_asks_for_the_password_and_keeps_the_words(app: Flask, probe: Probe) -> None:
    approval = ask(Actor("staff", staff(app, "support").email))
    lea = staff(app, "support_lead")
    with transaction():
        db.session.execute(db.update(StaffSession).values(proved_at=StaffSession.proved_at - db.text("interval '1 h'")))

    asked = lea.post(f"/admin/approvals/{approval.id}/decline", {"words": "Not ours at all"})
    back = lea.get(f"/admin/approvals/{approval.id}?again=yes")

    assert (asked.location or "").startswith("/login/again")
    assert "Not ours at all" in back.html
    assert state(approval) == "waiting"


def test_another_accounts_request_is_unknown(app: Flask, probe: Probe) -> None:
    ana, lea = staff(app, "support"), staff(app, "support_lead")
    approval = ask(Actor("staff", ana.email), account_id=another_account().id)
    with transaction():
        db.session.execute(db.text("UPDATE accounts SET livemode = true"))

    lea.get(f"/admin/approvals/{approval.id}", expect=404)
    lea.post(f"/admin/approvals/{approval.id}/approve", expect=404)

    assert state(approval) == "waiting"


def test_nonsense_in_the_address_is_no_request(app: Flask, probe: Probe) -> None:
    lea = staff(app, "support_lead")

    for key in ("x", "%00", "1", "00000000-0000-0000-0000-000000000000"):
        lea.get(f"/admin/approvals/{key}", expect=404)
    lea.get("/admin/approvals/?queue=all", expect=400)


def test_the_list_asks_a_fixed_number_of_questions(app: Flask, probe: Probe) -> None:
    lea, ana = staff(app, "support_lead"), Actor("staff", staff(app, "support").email)
    for n in range(12):
        ask(ana, object_id=f"ch_{n}")

    with counted() as queries:
        lea.get("/admin/approvals/")

    assert len(queries) == 3


def test_the_menu_says_how_many_wait_for_this_person_without_another_question(app: Flask, probe: Probe) -> None:
    ana, lea, finn = staff(app, "support"), staff(app, "support_lead"), staff(app, "finance")
    with counted() as before:
        lea.get("/admin/refunds/")
    for n in range(3):
        ask(Actor("staff", ana.email), object_id=f"ch_{n}")
    own = ask(Actor("staff", lea.email), object_id="ch_9")
    rule(approve_roles=["support_lead"])

    with counted() as after:
        page = lea.get("/admin/refunds/")

    assert "Approvals 3 waiting" in page.words
    assert len(after) == len(before)
    assert "waiting" not in ana.get("/admin/refunds/").words
    assert "waiting" not in finn.get("/admin/refunds/").words
    rule()
    assert "Approvals 4 waiting" in finn.get("/admin/refunds/").words
    finn.post(f"/admin/approvals/{own.id}/decline", {"words": "No"})
    assert "Approvals 3 waiting" in finn.get("/admin/refunds/").words


def test_an_admin_sets_a_rule_and_it_is_written_down(app: Flask, probe: Probe) -> None:
    admin = staff(app, "admin")
    page = admin.get("/admin/approval-rules/probe")

    admin.post(
        "/admin/approval-rules/probe",
        {"is_on": "y", "needed": "2", "expires_after_days": "3", "thresholds": "EUR 500.00\nJPY 60000"},
    )

    assert "Another person has to agree" in page.words
    policy = db.session.query(ApprovalPolicy).one()
    assert (policy.needed, policy.expires_after_days, policy.thresholds) == (2, 3, {"eur": 50_000, "jpy": 60_000})
    entry = db.session.query(AuditLog).order_by(AuditLog.id.desc()).first()
    assert entry is not None
    assert (entry.action, entry.actor) == ("approval.policy_set", admin.email)


def test_a_rule_that_makes_no_sense_is_refused_in_words(app: Flask, probe: Probe) -> None:
    admin = staff(app, "admin")
    before = fingerprint(without=("staff_sessions",))

    for wrong in ({"thresholds": "EUR 5,00"}, {"thresholds": "500"}, {"thresholds": "EUR 1\nEUR 2"}, {"needed": "9"}):
        admin.post("/admin/approval-rules/probe", {"needed": "1", "expires_after_days": "3"} | wrong, expect=400)
    staff(app, "support_lead").get("/admin/approval-rules/", expect=403)

    assert db.session.query(ApprovalPolicy).count() == 0
    assert db.session.query(Approval).count() == 0
    assert before["approvals"] == fingerprint()["approvals"]
