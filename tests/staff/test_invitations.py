"""Links that let somebody choose a password: once, for 72 hours, and only whom they were made for."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text

from app import clock
from app.actor import Actor
from app.database import db, transaction
from app.mail.sending import send_waiting
from app.models.audit_log import AuditLog
from app.models.invitation import Invitation
from app.models.mail import Mail
from app.models.role_policy import RolePolicy
from app.models.sign_in_step import SignInStep
from app.models.staff import Staff
from app.settings import Secret, Settings
from app.staff import operations, passwords
from app.staff.entering import Visitor
from app.staff.invitations import operations as invitations
from app.staff.invitations.operations import LinkOver, Post
from app.web.tokens import PROOF
from jobs.mail_password_links import mail_password_links
from tests import factories
from tests.desk import Desk, Page, staff, visitor
from tests.mail.catcher import Caught, catching

NEW = "quiet lamp over harbour"
BOB = "bob@shop.example"


@pytest.fixture
def mailing(app: Flask) -> Iterator[Caught]:
    """A mail server this application knows, and an account whose mail it is."""
    plain: Settings = app.extensions["settings"]
    factories.account()
    with catching() as caught:
        app.extensions["settings"] = replace(plain, smtp_url=Secret(caught.url), mail_from="Desk <desk@shop.example>")
        yield caught
        app.extensions["settings"] = plain


def test_an_invitation_is_shown_once_and_lets_one_person_choose_name_and_password(app: Flask) -> None:
    admin = staff(app, "admin")

    made = admin.post("/admin/invitations/new", {"email": " Bob@Shop.Example ", "role": "support"}, expect=200)
    path = _path(made)
    bob = visitor(app)
    bob.get(path)
    arrived = bob.post(path, {"name": "Bob  Miller", "password": NEW})

    person = _person(BOB)
    assert (person.name, person.role, passwords.matches(NEW, person.password_hash)) == ("Bob Miller", "support", True)
    assert arrived.location == "/admin/"
    bob.get("/admin/charges/")
    assert _actions()[-3:] == ["staff.invited", "staff.joined", "staff.signed_in"]
    assert path not in admin.get("/admin/invitations/").html
    assert db.session.execute(text("SELECT count(*) FROM mails")).scalar_one() == 0


def test_a_link_is_good_once(app: Flask) -> None:
    path = _invited(app)
    visitor(app).get(path)
    _accept(app, path)

    again = visitor(app)
    page = again.get(path, expect=404)

    assert page.headings == ["This link is no longer good"]
    again.get("/login")
    again.post(path, {"name": "Eve", "password": "other words than those"}, expect=404)
    assert passwords.matches(NEW, _person(BOB).password_hash)


def test_looking_at_a_link_does_not_use_it_up(app: Flask) -> None:
    path = _invited(app)
    for _ in range(3):
        visitor(app).get(path)

    _accept(app, path)

    assert _person(BOB).is_active


@pytest.mark.parametrize(("hours", "status"), [(71.9, 200), (72, 404)])
def test_a_link_is_good_for_three_days(app: Flask, hours: float, status: int) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        path = _invited(app)
        travel.shift(timedelta(hours=hours))

        visitor(app).get(path, expect=status)


def test_the_database_holds_no_link_that_works(app: Flask) -> None:
    token = _invited(app).removeprefix("/join/")

    rows = db.session.execute(text("SELECT i::text FROM invitations i")).scalars().all()

    assert len(rows) == 1
    assert token not in rows[0]


def test_a_second_invitation_withdraws_the_first(app: Flask) -> None:
    first, second = _invited(app), _invited(app, role="finance")

    visitor(app).get(first, expect=404)
    _accept(app, second)

    assert _person(BOB).role == "finance"
    assert sorted(link.state for link in db.session.scalars(select(Invitation))) == ["accepted", "withdrawn"]


def test_a_withdrawn_link_and_one_of_an_admin_who_left_let_nobody_in(app: Flask) -> None:
    admin, other = staff(app, "admin"), staff(app, "admin")
    withdrawn = _path(admin.post("/admin/invitations/new", {"email": BOB, "role": "admin"}, expect=200))
    link = db.session.scalars(select(Invitation)).one()
    admin.post(f"/admin/invitations/{link.id}/withdraw")
    left = _path(admin.post("/admin/invitations/new", {"email": "eve@shop.example", "role": "admin"}, expect=200))
    other.post(f"/admin/staff/{_person(admin.email).id}/deactivate")

    visitor(app).get(withdrawn, expect=404)
    visitor(app).get(left, expect=404)
    admin_again = other.post(f"/admin/invitations/{link.id}/withdraw")

    assert "This link is withdrawn already." in other.get(admin_again.location or "").words


@pytest.mark.parametrize(
    ("password", "advice"),
    [
        ("short", "at least 12 characters"),
        ("passwordpassword", "This password could be guessed. Repeats like"),
        ("bob@shop.example", "This password could be guessed."),
        ("qwertyuiop12", "This password could be guessed."),
    ],
)
def test_a_password_that_could_be_guessed_is_refused_with_advice(app: Flask, password: str, advice: str) -> None:
    path = _invited(app)
    bob = visitor(app)
    bob.get(path)

    page = bob.post(path, {"name": "Bob", "password": password}, expect=422)

    assert advice in page.words
    assert 'value="Bob"' in page.html
    assert db.session.scalar(select(Staff).where(Staff.email == BOB)) is None
    _accept(app, path)


def test_somebody_without_a_name_is_refused_and_the_link_stays_good(app: Flask) -> None:
    path = _invited(app)
    bob = visitor(app)
    bob.get(path)

    page = bob.post(path, {"name": " \t\0 ", "password": NEW}, expect=422)

    assert "Write your name" in page.words
    _accept(app, path)


def test_who_works_here_is_not_invited_again(app: Flask) -> None:
    admin, ana = staff(app, "admin"), staff(app)

    page = admin.post("/admin/invitations/new", {"email": ana.email, "role": "admin"}, expect=422)

    assert f"{ana.email} is here already." in page.words
    assert db.session.query(Invitation).count() == 0
    assert _person(ana.email).role == "support"


def test_inviting_asks_who_one_is_and_keeps_what_was_typed(app: Flask) -> None:
    with time_machine.travel(clock.now(), tick=False) as travel:
        admin = staff(app, "admin")
        travel.shift(PROOF)

        asked = admin.post("/admin/invitations/new", {"email": BOB, "role": "finance"})
        page = admin.get("/admin/invitations/new")

    assert asked.location == "/login/again?next=/admin/invitations/new"
    assert f'value="{BOB}"' in page.html
    assert 'selected value="finance"' in page.html
    assert db.session.query(Invitation).count() == 0


def test_only_who_manages_staff_makes_links(app: Flask) -> None:
    lead = staff(app, "support_lead")

    lead.post("/admin/invitations/new", {"email": BOB, "role": "admin"}, expect=403)
    lead.post(f"/admin/invitations/password/{_person(lead.email).id}", expect=403)

    assert "Invite somebody" not in lead.get("/admin/invitations/").words
    assert db.session.query(Invitation).count() == 0


def test_somebody_whose_role_needs_a_second_factor_sets_one_up_next(app: Flask) -> None:
    path = _invited(app)
    with transaction():
        db.session.add(RolePolicy(role="support", second_factor=True, changed_at=clock.now()))

    bob = _accept(app, path)

    assert bob.get("/admin/charges/", expect=303).location == "/admin/second-factor/"
    assert "Your role needs a second factor." in bob.get("/admin/second-factor/").words


def test_the_letter_carries_the_link_and_nothing_else_ever_does(app: Flask, mailing: Caught) -> None:
    admin = staff(app, "admin")
    path = _path(admin.post("/admin/invitations/new", {"email": BOB, "role": "support"}, expect=200))
    waiting = db.session.execute(text("SELECT m::text FROM mails m")).scalar_one()

    send_waiting(app.extensions["settings"])

    mail = db.session.scalars(select(Mail)).one()
    page = admin.get(f"/admin/mails/{mail.id}")
    assert mailing.recipients() == [BOB]
    assert path in mailing.letters[0].get_content()
    assert path not in waiting
    assert path not in page.html
    assert "What this letter says is for its receiver alone." in page.words
    assert (mail.state, mail.sealed) == ("sent", None)
    admin.post(f"/admin/mails/{mail.id}/again", {"promise": "p"})
    assert db.session.query(Mail).count() == 1


def test_an_admin_lets_somebody_choose_a_new_password(app: Flask) -> None:
    admin, ana = staff(app, "admin"), staff(app)
    person = _person(ana.email)
    made = admin.post(f"/admin/invitations/password/{person.id}", expect=200)
    path = _path(made)
    ana.get("/admin/charges/")

    desk = visitor(app)
    desk.get(path)
    done = desk.post(path, {"password": NEW})

    assert done.location == "/login"
    assert "Your password is set. Sign in with it." in desk.get("/login").words
    ana.get("/admin/charges/", expect=303)
    Desk(app, ana.email).sign_in(NEW)
    Desk(app, ana.email).sign_in(expect=401)
    assert "staff.password_chosen" in _actions()


def test_a_password_link_that_is_mailed_is_not_shown_to_the_admin(app: Flask, mailing: Caught) -> None:
    admin, ana = staff(app, "admin"), staff(app)

    made = admin.post(f"/admin/invitations/password/{_person(ana.email).id}", expect=200)
    send_waiting(app.extensions["settings"])

    assert "/join/" not in made.html
    assert "/join/" in mailing.letters[0].get_content()
    assert mailing.recipients() == [ana.email]


def test_a_password_link_dies_with_the_access(app: Flask) -> None:
    admin, ana = staff(app, "admin"), staff(app)
    person = _person(ana.email)
    path = _path(admin.post(f"/admin/invitations/password/{person.id}", expect=200))
    admin.post(f"/admin/staff/{person.id}/deactivate")

    visitor(app).get(path, expect=404)
    admin.post(f"/admin/invitations/password/{person.id}")

    assert [link.state for link in db.session.scalars(select(Invitation))] == ["withdrawn"]


def test_forgetting_a_password_is_answered_alike_whoever_asks(app: Flask, mailing: Caught) -> None:
    ana, gone = staff(app), staff(app)
    operations.deactivate(_person(gone.email).id, actor=Actor.command("tests"))
    pages = []
    for email in (ana.email, gone.email, "nobody@else.example", "no address", ""):
        desk = visitor(app)
        desk.get("/login/forgot")
        pages.append(desk.post("/login/forgot", {"email": email}, expect=200).words)
    # Whatever was asked for, the same was written down by then, and nothing more.
    assert db.session.query(SignInStep).filter_by(kind="forgot").count() == len(pages)
    assert db.session.query(Mail).count() == 0
    assert mail_password_links() == len(pages)
    assert db.session.query(SignInStep).filter_by(kind="forgot").count() == 0
    send_waiting(app.extensions["settings"])

    assert len(set(pages)) == 1
    assert mailing.recipients() == [ana.email]
    path = re.search(r"/join/\S+", mailing.letters[0].get_content())
    assert path
    desk = visitor(app)
    desk.get(path[0])
    desk.post(path[0], {"password": NEW})
    Desk(app, ana.email).sign_in(NEW)
    assert [entry for entry in _actions() if "asked" in entry] == ["staff.password_link_asked"]


def test_asking_for_links_is_slowed_down_and_locks_nobody_out(app: Flask, mailing: Caught) -> None:
    ana, desk = staff(app), visitor(app)
    desk.get("/login/forgot")
    for _ in range(5):
        desk.post("/login/forgot", {"email": ana.email}, expect=200)

    page = desk.post("/login/forgot", {"email": ana.email}, expect=429)

    assert "Too many requests. Ask again in 15 min." in page.words
    assert mail_password_links() == 5
    assert db.session.query(Mail).count() == 5
    Desk(app, ana.email).sign_in()


def test_without_a_mail_server_the_page_says_whom_to_ask(app: Flask) -> None:
    ana, desk = staff(app), visitor(app)

    page = desk.get("/login/forgot")
    desk.get("/login")
    desk.post("/login/forgot", {"email": ana.email}, expect=200)

    assert "Ask an admin for a link" in page.words
    assert db.session.query(Invitation).count() == 0


def test_of_two_who_open_a_link_at_once_one_comes_in(committed: Flask) -> None:
    token = invitations.invite(
        BOB, role="support", post=Post("http://localhost"), actor=Actor.command("tests")
    ).rpartition("/")[2]
    start, came = threading.Barrier(2), []

    def open_it(name: str) -> None:
        with committed.app_context():
            start.wait()
            try:
                invitations.accept(token, name=name, password=NEW, visitor=Visitor("127.0.0.1", "tests"))
            except LinkOver:
                came.append("late")
            else:
                came.append(name)
            db.session.remove()

    both = [threading.Thread(target=open_it, args=(name,)) for name in ("Bob", "Eve")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert sorted(came) in (["Bob", "late"], ["Eve", "late"])
    assert db.session.query(Staff).count() == 1
    assert [e for e in _actions() if e == "staff.joined"] == ["staff.joined"]


def _invited(app: Flask, role: str = "support") -> str:
    admin = Actor.command("tests")
    return invitations.invite(BOB, role=role, post=Post("http://localhost"), actor=admin).removeprefix(
        "http://localhost"
    )


def _accept(app: Flask, path: str) -> Desk:
    bob = visitor(app)
    bob.get(path)
    bob.post(path, {"name": "Bob", "password": NEW})
    bob.get("/login/again", expect=None)
    return bob


def _path(page: Page) -> str:
    found = re.search(r"<code>http[^<]*(/join/[^<]+)</code>", page.html)
    assert found, page.words
    return found[1]


def _person(email: str) -> Staff:
    return db.session.scalars(select(Staff).where(Staff.email == email).execution_options(populate_existing=True)).one()


def _actions() -> list[str]:
    return list(db.session.scalars(select(AuditLog.action).order_by(AuditLog.id)))
