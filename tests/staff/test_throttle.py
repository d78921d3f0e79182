"""Guessing passwords is slow, whatever the guesser claims to be, and the lock opens by itself."""

import threading
from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import func, select

from app import clock
from app.actor import Actor
from app.database import db
from app.models.staff import SignInAttempt, StaffSession
from app.staff import operations, sign_in
from app.staff.throttle import FOR_ONE_EMAIL, FROM_ONE_ADDRESS, TooManyTries
from tests.desk import PASSWORD, Desk


def _add(email: str) -> None:
    operations.add_staff(email, role="admin", password=PASSWORD, actor=Actor.command("tests"))


def _guess(app: Flask, email: str, password: str, number: int) -> int:
    desk = Desk(app, email)
    desk.get("/login")
    forged = {
        "X-Forwarded-For": f"203.0.113.{number % 250}",
        "X-Real-Ip": f"198.51.100.{number % 250}",
        "Forwarded": "for=9.9.9.9",
    }
    return desk.post("/login", {"email": email, "password": password}, expect=None, headers=forged).status


def test_two_hundred_guesses_for_one_person_are_stopped_after_five(app: Flask) -> None:
    _add("ana@shop.example")

    answers = [_guess(app, "ana@shop.example", f"guess {number}", number) for number in range(200)]

    assert answers == [401] * FOR_ONE_EMAIL + [429] * (200 - FOR_ONE_EMAIL)
    assert db.session.execute(select(func.count()).select_from(SignInAttempt)).scalar_one() == FOR_ONE_EMAIL


def test_one_guess_each_for_two_hundred_people_is_stopped_after_ten(app: Flask) -> None:
    answers = [_guess(app, f"person{number}@shop.example", "guess", number) for number in range(200)]

    assert answers == [401] * FROM_ONE_ADDRESS + [429] * (200 - FROM_ONE_ADDRESS)


def test_the_right_password_is_not_looked_at_while_locked_and_works_a_quarter_of_an_hour_later(app: Flask) -> None:
    _add("ana@shop.example")
    with time_machine.travel(clock.now(), tick=False) as travel:
        for number in range(20):
            _guess(app, "ana@shop.example", "guess", number)
        locked = Desk(app, "ana@shop.example").sign_in(expect=429)
        travel.shift(timedelta(minutes=15))
        opened = Desk(app, "ana@shop.example").sign_in()

    assert "Too many tries. You can sign in again in 15 minutes." in locked.words
    assert locked.answer.headers["Retry-After"] == "900"
    assert opened.location == "/admin/"


def test_an_unknown_address_is_locked_like_a_known_one(app: Flask) -> None:
    answers = [_guess(app, "who@shop.example", "guess", number) for number in range(7)]

    assert answers == [401] * FOR_ONE_EMAIL + [429] * 2


def test_signing_in_rightly_costs_nothing(app: Flask) -> None:
    _add("ana@shop.example")

    answers = [_guess(app, "ana@shop.example", PASSWORD, number) for number in range(12)]

    assert answers == [303] * 12


def test_what_is_no_address_is_not_kept(app: Flask) -> None:
    _guess(app, "hunter2 typed in the wrong field", "x", 1)

    assert db.session.execute(select(SignInAttempt.email)).scalars().all() == ["(no address)"]


def test_guesses_sent_all_at_once_are_no_cheaper(committed: Flask) -> None:
    _add("ana@shop.example")
    outcomes: list[str] = []
    start = threading.Barrier(20)

    def guess() -> None:
        with committed.app_context():
            start.wait()
            try:
                sign_in.sign_in("ana@shop.example", "guess", visitor=sign_in.Visitor(ip="203.0.113.9", agent="test"))
            except (TooManyTries, sign_in.WrongPassword) as refusal:
                outcomes.append(type(refusal).__name__)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["TooManyTries"] * (20 - FOR_ONE_EMAIL) + ["WrongPassword"] * FOR_ONE_EMAIL
    assert db.session.execute(select(StaffSession)).unique().all() == []
