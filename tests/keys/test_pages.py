"""Keys at the desk: shown once, rotated with an overlap, ended at once, and told to the admins."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from app import clock
from app.actor import Actor
from app.database import db
from app.errors import Conflict, DomainError, NotAllowed
from app.keys import operations
from app.keys.operations import Wish
from app.models.api_key import ApiKey
from app.models.audit_log import AuditLog
from app.models.mail import Mail
from app.staff import operations as staff_operations
from app.staff import roles
from app.web.key_format import WORD
from app.web.permissions import ROLES, Permission
from tests import factories
from tests.desk import PASSWORD, Desk, Page, staff
from tests.keys.conftest import TESTS, Maker, Program, house, owner

FORM = {"name": "Billing", "scope": ["sync"], "per_minute": "600", "lasts": "90"}


@pytest.fixture
def admin(app: Flask) -> Desk:
    factories.account()
    return staff(app, "admin")


def _make(admin: Desk, **form: object) -> Page:
    admin.get("/admin/keys/new")
    return admin.post("/admin/keys/new", {**FORM, "promise": str(uuid4()), **form}, expect=200)


def _key_on(page: Page) -> str:
    found = set(WORD.findall(page.html))
    assert len(found) == 1, found
    return str(found.pop())


def test_a_key_is_shown_once_and_works(app: Flask, admin: Desk) -> None:
    page = _make(admin)
    key = _key_on(page)
    row = db.session.scalars(select(ApiKey)).one()

    assert "no-store" in page.answer.headers["Cache-Control"]
    assert Program(app, key).ping().json["scopes"] == ["sync"]  # type: ignore[index]
    assert (row.created_by, row.owner.email, row.scopes, row.per_minute) == (admin.email, admin.email, ["sync"], 600)
    assert row.expires_at - row.created_at == timedelta(days=90)  # type: ignore[operator]
    for path in ("/admin/keys/", f"/admin/keys/{row.id}", f"/admin/keys/?q={key}", f"/admin/keys/{row.id}/rotate"):
        seen = admin.get(path)
        assert key[20:] not in seen.html.replace(f"q={key}", "").replace(f'value="{key}"', "")
        assert row.prefix in seen.html or "rotate" in path
    assert "Billing" in admin.get(f"/admin/keys/?q={key[:20]}").words


def test_the_same_form_sent_twice_makes_one_key(app: Flask, admin: Desk) -> None:
    promise = str(uuid4())
    _make(admin, promise=promise)

    again = admin.post("/admin/keys/new", {**FORM, "promise": promise}, expect=409)

    assert WORD.search(again.html) is None
    assert "made a key already" in again.words
    assert len(db.session.scalars(select(ApiKey)).all()) == 1
    assert len(db.session.scalars(select(AuditLog).where(AuditLog.action == "api_key.made")).all()) == 1


def test_every_admin_hears_of_a_new_key_and_nothing_in_the_letter_opens_a_door(app: Flask, admin: Desk) -> None:
    other, _ = staff(app, "admin"), staff(app, "support")
    gone = staff(app, "admin")
    person = db.session.scalars(select(operations.Staff).where(operations.Staff.email == gone.email)).one()
    staff_operations.deactivate(person.id, actor=TESTS)

    key = _key_on(_make(admin))

    letters = db.session.scalars(select(Mail).where(Mail.kind == "key.made").order_by(Mail.recipient)).all()
    assert [letter.recipient for letter in letters] == sorted([admin.email, other.email])
    assert letters[0].subject == "A key for programs was made: Billing"
    assert key[:20] in letters[0].text
    assert key[20:] not in letters[0].text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": ""}, "Give the key a name"),
        ({"name": "x" * 61}, "61 characters"),
        ({"scope": []}, "Tick at least one"),
        ({"scope": ["staff.manage"]}, "No key can have the scope staff.manage"),
        ({"scope": ["sync", "nonsense"]}, "No key can have the scope nonsense"),
        ({"per_minute": "100000"}, "Choose one of the speeds"),
        ({"lasts": "-5"}, "Choose one of the speeds"),
        ({"lasts": "soon"}, "damaged"),
        ({"promise": "1"}, "damaged"),
    ],
)
def test_a_form_that_cannot_be_meant_makes_nothing(app: Flask, admin: Desk, form: dict[str, object], said: str) -> None:
    admin.get("/admin/keys/new")

    page = admin.post("/admin/keys/new", {**FORM, "promise": str(uuid4()), **form}, expect=400)

    assert said in page.words
    assert db.session.scalars(select(ApiKey)).all() == []


def test_nobody_makes_a_key_that_may_more_than_they(app: Flask) -> None:
    factories.account()
    wanted = (ROLES["view_only"] | {Permission.API_KEY_MANAGE}) - {Permission.SYNC}
    roles.change("view_only", wanted, second_factor=False, actor=TESTS)
    person = staff(app, "view_only")

    form = person.get("/admin/keys/new")
    page = person.post("/admin/keys/new", {**FORM, "promise": str(uuid4())}, expect=403)

    assert 'value="sync"' not in form.html
    assert "no key of yours can: Read objects again from Stripe" in page.words
    assert db.session.scalars(select(ApiKey)).all() == []


def test_making_and_rotating_ask_first_who_one_is_and_revoking_does_not(app: Flask, admin: Desk) -> None:
    _make(admin)
    row = db.session.scalars(select(ApiKey)).one()

    with time_machine.travel(clock.now() + timedelta(minutes=11)):
        admin.get("/admin/keys/new")
        asked = admin.post("/admin/keys/new", {**FORM, "name": "Second", "promise": str(uuid4())})
        kept = admin.get("/admin/keys/new")
        rotated = admin.post(f"/admin/keys/{row.id}/rotate", {"overlap": "24", "promise": str(uuid4())})
        taken = admin.post(f"/admin/keys/{row.id}/take-over")
        revoked = admin.post(f"/admin/keys/{row.id}/revoke")

    assert [(page.location or "").partition("?")[0] for page in (asked, rotated, taken)] == ["/login/again"] * 3
    assert 'value="Second"' in kept.html
    assert revoked.location == f"/admin/keys/{row.id}"
    assert len(db.session.scalars(select(ApiKey)).all()) == 1


def test_a_rotated_key_works_for_the_overlap_beside_its_successor(app: Flask, admin: Desk) -> None:
    old = Program(app, _key_on(_make(admin)))
    row, now = db.session.scalars(select(ApiKey)).one(), clock.now()

    with time_machine.travel(now, tick=False) as time:
        page = admin.post(f"/admin/keys/{row.id}/rotate", {"overlap": "24", "promise": str(uuid4())}, expect=200)
        new = Program(app, _key_on(page))
        assert "The old key works until" in page.words
        assert "Rotated, ending" in admin.get(f"/admin/keys/{row.id}").words
        time.move_to(now + timedelta(hours=23, minutes=59))
        assert (old.ping().status_code, new.ping().status_code) == (200, 200)
        time.move_to(now + timedelta(hours=24))
        assert (old.ping().status_code, new.ping().status_code) == (401, 200)

    acts = db.session.scalars(select(AuditLog).where(AuditLog.action == "api_key.rotated")).all()
    assert [(act.object_id, act.after["by"]) for act in acts] == [(old.key[:20], new.key[:20])]  # type: ignore[index]
    subject = "A key for programs was rotated: Billing"
    assert len(db.session.scalars(select(Mail).where(Mail.subject == subject)).all()) == 1


def test_an_overlap_never_lengthens_a_key_s_life_and_none_ends_it_at_once(app: Flask, program: Maker) -> None:
    short, leaked = program(lasts=30), program()
    rows = {row.prefix: row.id for row in db.session.scalars(select(ApiKey))}
    end = db.session.get_one(ApiKey, rows[short.key[:20]]).expires_at

    with time_machine.travel(clock.now() + timedelta(days=29, hours=20)):
        _rotate(app, rows[short.key[:20]], overlap=24)
    assert db.session.get_one(ApiKey, rows[short.key[:20]], populate_existing=True).expires_at == end
    _rotate(app, rows[leaked.key[:20]], overlap=0)
    assert leaked.ping().status_code == 401


def test_what_works_no_more_cannot_be_rotated_revoked_or_taken_over(app: Flask, program: Maker) -> None:
    revoked, rotated = program(), program()
    rows = {row.prefix: row.id for row in db.session.scalars(select(ApiKey))}
    gone, ending = rows[revoked.key[:20]], rows[rotated.key[:20]]
    account = factories.account().id
    operations.revoke(gone, account_id=account, actor=TESTS)
    _rotate(app, ending)

    for key_id, said in ((gone, "revoked already"), (ending, "rotated already")):
        with pytest.raises(Conflict, match=said):
            _rotate(app, key_id)
    with pytest.raises(Conflict, match="revoked already"):
        operations.revoke(gone, account_id=account, actor=TESTS)
    with pytest.raises(DomainError, match="no such key"):
        operations.revoke(ending, account_id=factories.another_account().id, actor=TESTS)


def test_a_key_nobody_answers_for_stops_until_somebody_takes_it_over(app: Flask, admin: Desk, program: Maker) -> None:
    theirs = program()
    row = db.session.scalars(select(ApiKey)).one()
    staff_operations.deactivate(owner().id, actor=TESTS)

    page = admin.get(f"/admin/keys/{row.id}")
    assert "Nobody answers for it" in page.words
    assert theirs.ping().status_code == 401

    admin.post(f"/admin/keys/{row.id}/take-over")
    assert theirs.ping().status_code == 200
    act = db.session.scalars(select(AuditLog).where(AuditLog.action == "api_key.taken_over")).one()
    assert (act.before, act.after) == ({"owner": "ana@shop.example"}, {"owner": admin.email})


def test_nobody_takes_over_a_key_that_may_more_than_they(app: Flask, program: Maker) -> None:
    program("sync", "personal.read")
    row = db.session.scalars(select(ApiKey)).one()
    bo = owner("view_only", "bo@shop.example")

    with pytest.raises(NotAllowed, match="no key of yours can"):
        operations.take_over(row.id, account_id=row.account_id, owner_id=bo.id, actor=TESTS)
    assert db.session.get_one(ApiKey, row.id, populate_existing=True).owner_id == owner().id


def test_of_many_who_rotate_one_key_at_once_one_does(committed: Flask) -> None:
    staff_operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=TESTS)
    here, ana = house(committed), owner().id
    key_id = uuid4()
    operations.make(Wish("Billing", ("sync",), 600, 30), key_id=key_id, owner_id=ana, house=here, actor=TESTS)
    gate, outcomes = threading.Barrier(6), []

    def rotate() -> None:
        with committed.app_context():
            gate.wait()
            try:
                operations.rotate(key_id, new_id=uuid4(), overlap=24, owner_id=ana, house=here, actor=TESTS)
                outcomes.append("rotated")
            except Conflict:
                outcomes.append("refused")
            db.session.remove()

    _at_once(rotate, 6)

    assert sorted(outcomes) == ["refused"] * 5 + ["rotated"]
    assert len(db.session.scalars(select(ApiKey)).all()) == 2


def test_no_request_that_began_after_a_key_was_revoked_gets_through(committed: Flask) -> None:
    staff_operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=TESTS)
    here, key_id = house(committed), uuid4()
    wish = Wish("Billing", ("sync",), 3000, 30)
    key = operations.make(wish, key_id=key_id, owner_id=owner().id, house=here, actor=TESTS)
    db.session.remove()
    revoked, after = threading.Event(), []

    def ask() -> None:
        program = Program(committed, key)
        for _ in range(40):
            late = revoked.is_set()
            status = program.ping().status_code
            if late:
                after.append(status)

    def revoke() -> None:
        with committed.app_context():
            operations.revoke(key_id, account_id=here.account_id, actor=Actor.command("tests"))
            db.session.remove()
        revoked.set()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    revoke()
    for thread in threads:
        thread.join()

    assert set(after) == {401}


def test_many_requests_at_once_never_get_more_than_their_pace(committed: Flask) -> None:
    staff_operations.add_staff("ana@shop.example", role="admin", password=PASSWORD, actor=TESTS)
    wish = Wish("Billing", ("sync",), 60, 30)
    key = operations.make(wish, key_id=uuid4(), owner_id=owner().id, house=house(committed), actor=TESTS)
    db.session.remove()
    answers: list[int] = []
    started = clock.now()

    _at_once(lambda: answers.extend(Program(committed, key).ping().status_code for _ in range(8)), 5)

    allowed = 10 + 1 + int((clock.now() - started).total_seconds())
    assert set(answers) == {200, 429}
    assert 10 <= answers.count(200) <= allowed


def _rotate(app: Flask, key_id: UUID, *, overlap: int = 24) -> str:
    return operations.rotate(
        key_id, new_id=uuid4(), overlap=overlap, owner_id=owner().id, house=house(app), actor=TESTS
    )


def _at_once(work: object, times: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(times)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
