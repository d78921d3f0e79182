"""`flask staff`, as an admin types it and as a script does."""

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from app.actor import Actor
from app.database import db
from app.models.audit_log import AuditLog
from app.models.second_factor import Authenticator, RecoveryCode
from app.models.staff import Staff
from app.staff import operations, passwords
from app.staff.commands import staff as commands
from tests.desk import PASSWORD, staff
from tests.phone import enrol


def _run(*words: str, given: str = "") -> Result:
    return CliRunner().invoke(commands, words, input=given)


def test_somebody_is_let_in_with_a_password_from_standard_input(app: Flask) -> None:
    outcome = _run(
        "add", "Ana.Lovelace@Shop.example", "--role", "support_lead", "--password-stdin", given=f"{PASSWORD}\n"
    )

    person = db.session.execute(select(Staff)).scalar_one()
    assert (outcome.exit_code, outcome.output) == (0, "ana.lovelace@shop.example may sign in as support_lead.\n")
    assert (person.email, person.name, person.role) == ("ana.lovelace@shop.example", "Ana Lovelace", "support_lead")
    assert person.password_hash.startswith("$argon2id$")
    assert passwords.matches(PASSWORD, person.password_hash)
    entry = db.session.execute(select(AuditLog)).scalar_one()
    assert (entry.actor_kind, entry.actor, entry.action, entry.object_id) == (
        "command",
        "staff add",
        "staff.added",
        person.email,
    )
    assert PASSWORD not in str(entry.after)


@pytest.mark.parametrize(
    ("words", "given", "why"),
    [
        (("add", "ana", "--role", "admin", "--password-stdin"), PASSWORD, "This is not an e-mail address."),
        (
            ("add", "ana@shop.example\0", "--role", "admin", "--password-stdin"),
            PASSWORD,
            "This is not an e-mail address.",
        ),
        (
            ("add", "İana@shop.example", "--role", "admin", "--password-stdin"),
            PASSWORD,
            "This is not an e-mail address.",
        ),
        (("add", "ana@shop.example", "--role", "admin", "--password-stdin"), "short", "at least 12 characters"),
        (("add", "ana@shop.example", "--role", "admin", "--password-stdin"), "", "at least 12 characters"),
        (
            ("add", "ana@shop.example", "--role", "admin", "--password-stdin"),
            "aaaaaaaaaaaaaaaa",
            "could be guessed. Repeats",
        ),
        (("add", "ana@shop.example", "--role", "admin"), PASSWORD, "There is no terminal to ask at"),
        (("password", "ana@shop.example", "--password-stdin"), PASSWORD, "Nobody here has the address"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(app: Flask, words: tuple[str, ...], given: str, why: str) -> None:
    outcome = _run(*words, given=given)

    assert outcome.exit_code == 1
    assert why in outcome.output
    assert "Traceback" not in outcome.output
    assert db.session.execute(select(Staff)).all() == []


def test_a_role_that_does_not_exist_is_refused_with_those_that_do(app: Flask) -> None:
    outcome = _run("add", "ana@shop.example", "--role", "root", "--password-stdin", given=PASSWORD)

    assert outcome.exit_code == 2
    assert "dispute_analyst" in outcome.output


def test_nobody_is_let_in_twice(app: Flask) -> None:
    first = _run("add", "ana@shop.example", "--role", "admin", "--password-stdin", given=PASSWORD)
    second = _run("add", "ANA@shop.example", "--role", "support", "--password-stdin", given=PASSWORD)

    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "ana@shop.example is here already." in second.output
    assert db.session.execute(select(Staff.role)).scalars().all() == ["admin"]


def test_a_new_password_ends_every_session(app: Flask) -> None:
    ana = staff(app, "admin")

    outcome = _run("password", ana.email, "--password-stdin", given="five other unrelated words\n")

    assert outcome.exit_code == 0
    ana.get("/admin/audit/", expect=303)
    ana.sign_in(expect=401)
    ana.sign_in("five other unrelated words")


def test_who_lost_the_second_factor_comes_in_with_the_password_alone(app: Flask) -> None:
    ana = staff(app)
    enrol(ana)

    outcome = _run("remove-factor", ana.email.upper())

    assert outcome.output == f"{ana.email} signs in with the password alone; every session was ended.\n"
    assert (db.session.query(Authenticator).count(), db.session.query(RecoveryCode).count()) == (0, 0)
    ana.get("/admin/charges/", expect=303)
    ana.sign_in()
    ana.get("/admin/charges/")
    removed = db.session.scalars(select(AuditLog).where(AuditLog.action == "factor.all_removed")).one()
    assert (removed.actor_kind, removed.actor, removed.object_id) == ("command", "staff remove-factor", ana.email)


@pytest.mark.parametrize(
    ("email", "why"),
    [("nobody@shop.example", "Nobody here has the address"), ("nonsense", "This is not an e-mail address.")],
)
def test_nobody_s_second_factor_cannot_be_removed(app: Flask, email: str, why: str) -> None:
    outcome = _run("remove-factor", email)

    assert outcome.exit_code == 1
    assert why in outcome.output


def test_the_list_names_everybody(app: Flask) -> None:
    operations.add_staff("ben@shop.example", role="support", password=PASSWORD, actor=Actor.command("tests"))

    assert _run("list").output.split() == ["ben@shop.example", "support", "last", "sign-in", "never"]
