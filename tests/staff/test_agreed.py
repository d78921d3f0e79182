"""Roles and invitations that another person has to agree to, where an admin wishes it."""

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import clock
from app.actor import Actor
from app.approvals import policies
from app.database import db, transaction
from app.models.approval import Approval, ApprovalVote
from app.models.audit_log import AuditLog
from app.models.invitation import Invitation
from app.models.staff import Staff
from app.staff import agreed, operations
from tests.desk import Desk, staff, visitor

NEW = "quiet lamp over harbour"


@pytest.fixture(autouse=True)
def _rules(app: Flask) -> None:
    for act in (agreed.ROLE_NAME, agreed.INVITE_NAME):
        policies.set_policy(
            act, is_on=True, needed=1, thresholds={}, ask_roles=[], approve_roles=[], expires_after_days=7,
            actor=Actor.command("tests"),
        )  # fmt: skip


def test_a_role_is_given_once_another_person_agreed(app: Flask) -> None:
    ana, ben, cleo = staff(app, "admin"), staff(app, "admin"), staff(app)

    asked = _ask_for_role(ana, cleo, "finance")

    assert _role(cleo) == "support"
    assert "waits for another person’s word" in ana.get(f"/admin/staff/{_id(cleo)}").words
    request = ben.get(asked)
    assert f"Give {cleo.email} the role Finance, in place of Support" in request.words
    ben.post(f"{asked}/approve", {"words": ""})
    assert _role(cleo) == "finance"
    changed = db.session.scalars(select(AuditLog).where(AuditLog.action == "staff.role_changed")).one()
    assert (changed.actor, changed.before, changed.after) == (ana.email, {"role": "support"}, {"role": "finance"})


def test_nobody_agrees_to_what_they_asked_for_and_the_database_holds_to_it(app: Flask) -> None:
    ana, cleo = staff(app, "admin"), staff(app)
    asked = _ask_for_role(ana, cleo, "finance")

    ana.post(f"{asked}/approve", {"words": ""}, expect=None)
    approval = db.session.scalars(select(Approval)).one()
    vote = {"person": ana.email, "verdict": "approve", "at": clock.now(), "words": ""}
    with pytest.raises(IntegrityError, match="nobody decides about what they asked for themselves"), transaction():
        db.session.add(ApprovalVote(approval_id=approval.id, staff_id=_id(ana), **vote))

    assert (_role(cleo), db.session.query(ApprovalVote).count()) == ("support", 0)


def test_who_gets_the_role_is_not_the_one_who_agrees(app: Flask) -> None:
    ana, ben, _ = staff(app, "admin"), staff(app, "admin"), staff(app, "admin")
    asked = _ask_for_role(ana, ben, "finance")

    ben.post(f"{asked}/approve", {"words": ""})

    assert _role(ben) == "admin"
    assert "Who gets the role agreed to it themselves." in ana.get(asked).words


@pytest.mark.parametrize("meanwhile", ["another role", "access ended"])
def test_what_is_true_is_looked_at_again_before_the_role_is_given(app: Flask, meanwhile: str) -> None:
    ana, ben, cleo = staff(app, "admin"), staff(app, "admin"), staff(app)
    asked = _ask_for_role(ana, cleo, "finance")
    if meanwhile == "another role":
        operations.change_role(_id(cleo), role="auditor", actor=Actor.command("tests"))
    else:
        operations.deactivate(_id(cleo), actor=Actor.command("tests"))

    ben.post(f"{asked}/approve", {"words": ""})

    assert _role(cleo) == ("auditor" if meanwhile == "another role" else "support")
    assert "meanwhile. Nothing was done" in ana.get(asked).words


def test_without_a_reason_or_with_the_role_they_have_nothing_is_asked_for(app: Flask) -> None:
    ana, cleo = staff(app, "admin"), staff(app)
    page = f"/admin/staff/{_id(cleo)}"

    ana.post(f"{page}/role", {"role": "finance", "reason": " "})
    assert "Write a sentence on why." in ana.get(page).words
    ana.post(f"{page}/role", {"role": "support", "reason": "Needed"})
    assert "has this role already." in ana.get(page).words
    ana.post(f"{page}/role", {"role": "root", "reason": "Needed"}, expect=400)

    assert db.session.query(Approval).count() == 0


def test_an_invitation_is_made_once_another_person_agreed_and_its_link_shown_to_who_hands_it_over(app: Flask) -> None:
    ana, ben, bob = staff(app, "admin"), staff(app, "admin"), visitor(app)
    asked = _ask_to_invite(ana)
    assert db.session.query(Invitation).count() == 0

    ben.post(f"{asked}/approve", {"words": ""})
    link = db.session.scalars(select(Invitation)).one()
    made = ana.post(f"/admin/invitations/{link.id}/renew", expect=200)

    assert (link.email, link.role, link.invited_by) == ("bob@shop.example", "support", ana.email)
    path = "/join/" + made.html.partition("/join/")[2].partition("<")[0].partition('"')[0]
    bob.get(path)
    bob.post(path, {"name": "Bob", "password": NEW})
    bob.get("/admin/charges/")
    ana.post(f"/admin/invitations/{link.id}/renew")
    assert "no open invitation any more" in ana.get(f"/admin/invitations/{link.id}").words


def test_who_came_in_meanwhile_is_not_invited(app: Flask) -> None:
    ana, ben = staff(app, "admin"), staff(app, "admin")
    asked = _ask_to_invite(ana)
    operations.add_staff("bob@shop.example", role="support", password=NEW, actor=Actor.command("tests"))

    ben.post(f"{asked}/approve", {"words": ""})

    assert "bob@shop.example is here already." in ana.get(asked).words
    assert db.session.query(Invitation).count() == 0


def test_an_invitation_is_not_asked_for_without_a_reason_or_twice(app: Flask) -> None:
    ana = staff(app, "admin")
    form = {"email": "bob@shop.example", "role": "support"}
    page = ana.get("/admin/invitations/new")

    refused = ana.post("/admin/invitations/new", form | {"reason": ""}, expect=422)
    _ask_to_invite(ana)
    again = ana.post("/admin/invitations/new", form | {"reason": "Twice"}, expect=422)

    assert "Another person has to agree." in page.words
    assert "Write a sentence on why." in refused.words
    assert "has already asked for this" in again.words
    assert db.session.query(Approval).count() == 1


def _ask_for_role(desk: Desk, about: Desk, role: str) -> str:
    answer = desk.post(f"/admin/staff/{_id(about)}/role", {"role": role, "reason": "Joins the team"})
    assert answer.location is not None
    assert answer.location.startswith("/admin/approvals/")
    return answer.location


def _ask_to_invite(desk: Desk) -> str:
    form = {"email": "bob@shop.example", "role": "support", "reason": "Starts on Monday"}
    return str(desk.post("/admin/invitations/new", form).location)


def _person(desk: Desk) -> Staff:
    return db.session.scalars(select(Staff).where(Staff.email == desk.email)).one()


def _id(desk: Desk):  # type: ignore[no-untyped-def] # a UUID
    return _person(desk).id


def _role(desk: Desk) -> str:
    db.session.expire_all()
    return _person(desk).role
