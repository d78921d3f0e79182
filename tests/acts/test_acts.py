"""An act is asked for once, whatever happens between the promise and the answer."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from flask import Flask

from app import clock
from app.actor import Actor
from app.acts import recovery
from app.acts.kinds import ActKind, Promise, on_object
from app.acts.operations import perform, promise
from app.acts.registry import init_acts
from app.audit import trail
from app.audit.sentences import sentence
from app.database import db, transaction
from app.errors import BadRequest, Conflict, ReasonMissing
from app.models.act import Act
from tests import factories
from tests.acts.fake_stripe import FakeStripe

ANA = Actor("staff", "ana@shop.example")
ON = ActKind("thing.on", "Switch on", on_object(lambda thing, _: thing["status"] == "on"), keeps=("level",))
OFF = ActKind("thing.off", "Switch off", on_object(lambda thing, _: thing["status"] == "off"))
KINDS = {kind.name: kind for kind in (ON, OFF)}


@pytest.fixture
def stripe(app: Flask) -> FakeStripe:
    factories.account()
    return FakeStripe()


def what() -> Promise:
    return Promise(
        account_id=factories.account().id,
        object_type="thing",
        object_id="thing_1",
        path="/v1/things/thing_1/on",
        form={"level": 3, "secret_words": "Jo lives at 5 Elm Street"},
        lock="thing:thing_1",
        before={"status": "off"},
        after={"level": 3},
    )


def switch_on(
    stripe: FakeStripe, *, promise_id: UUID | None = None, prepare: Callable[[], Promise] | None = None
) -> Act:
    ready = what()
    return perform(
        ON,
        prepare or (lambda: ready),
        promise_id=promise_id or uuid4(),
        actor=ANA,
        reason="It was dark",
        gateway=stripe,
    )


def told() -> list[str]:
    db.session.rollback()
    return [sentence(entry) for entry in reversed(trail.of("thing", "thing_1"))]


def test_an_act_is_promised_asked_for_and_kept(stripe: FakeStripe) -> None:
    act = switch_on(stripe)

    assert (act.status, act.result_id, act.result) == ("done", "thing_1", {"status": "on"})
    assert stripe.keys == [f"act:{act.id}"]
    assert told() == [
        "ana@shop.example: thing.on.requested (thing thing_1)",
        "Stripe answered on of thing_1: on",
    ]


def test_what_need_not_stay_is_removed_with_the_answer(stripe: FakeStripe) -> None:
    act = switch_on(stripe)

    assert stripe.forms == [{"level": 3, "secret_words": "Jo lives at 5 Elm Street"}]
    assert act.form == {"level": 3}


def test_the_same_form_twice_is_one_act(stripe: FakeStripe) -> None:
    form = uuid4()

    first, second = switch_on(stripe, promise_id=form), switch_on(stripe, promise_id=form)

    assert first.id == second.id
    assert len(stripe.keys) == 1


def test_a_form_that_was_sent_for_something_else_is_refused(stripe: FakeStripe) -> None:
    form, ready = uuid4(), what()
    switch_on(stripe, promise_id=form)

    with pytest.raises(Conflict, match="already sent for something else"):
        promise(OFF, lambda: ready, promise_id=form, actor=ANA, reason=None)

    assert len(stripe.keys) == 1


def test_a_rule_that_says_no_leaves_nothing_behind(stripe: FakeStripe) -> None:
    def prepare() -> Promise:
        raise BadRequest("It is bright already.")

    with pytest.raises(BadRequest, match="It is bright already"):
        switch_on(stripe, prepare=prepare)

    assert stripe.keys == []
    assert db.session.query(Act).count() == 0
    assert told() == []


def test_a_second_act_on_the_same_thing_waits_for_the_first_one_s_answer(stripe: FakeStripe) -> None:
    stripe.lose_answers = 1
    switch_on(stripe)

    with pytest.raises(Conflict, match="already being changed"):
        switch_on(stripe)

    assert len(stripe.keys) == 1
    assert db.session.query(Act).count() == 1


def test_a_clear_no_ends_the_promise(stripe: FakeStripe) -> None:
    stripe.refuse = "This thing is broken."

    act = switch_on(stripe)

    assert (act.status, act.refusal) == ("refused", "This thing is broken.")
    assert told()[1:] == ["Stripe refused on of thing_1: This thing is broken."]
    stripe.refuse = ""
    assert switch_on(stripe).status == "done"


def test_a_lost_answer_is_looked_up_and_not_asked_for_again(stripe: FakeStripe) -> None:
    stripe.lose_answers = 1
    act = switch_on(stripe)
    assert act.state == "being_checked"

    assert recovery.recover(stripe, KINDS) == 1

    assert len(stripe.keys) == 1
    assert db.session.get_one(Act, act.id, populate_existing=True).status == "done"


def test_what_never_arrived_is_asked_for_with_the_same_key(stripe: FakeStripe) -> None:
    stripe.down = True
    act = switch_on(stripe)
    assert recovery.recover(stripe, KINDS) == 0
    stripe.down = False

    assert recovery.recover(stripe, KINDS) == 1

    assert stripe.keys == [f"act:{act.id}"]
    assert stripe.things["thing_1"]["status"] == "on"


def test_somebody_who_is_still_asking_is_left_alone(stripe: FakeStripe) -> None:
    ready = what()
    promise(ON, lambda: ready, promise_id=uuid4(), actor=ANA, reason=None)

    assert recovery.recover(stripe, KINDS) == 0
    assert (stripe.keys, stripe.looks) == ([], 0)

    with time_machine.travel(clock.now() + timedelta(seconds=41)):
        assert recovery.recover(stripe, KINDS) == 1
    assert len(stripe.keys) == 1


def test_a_refused_look_is_no_answer(stripe: FakeStripe) -> None:
    stripe.down = True
    act = switch_on(stripe)
    stripe.down, stripe.refuse_looks = False, True

    assert recovery.recover(stripe, KINDS) == 0

    assert stripe.keys == []
    assert db.session.get_one(Act, act.id, populate_existing=True).status == "requested"


def test_a_replayed_answer_whose_effect_is_gone_again_is_still_an_answer(stripe: FakeStripe) -> None:
    stripe.lose_answers = 1
    act = switch_on(stripe)
    stripe.things["thing_1"]["status"] = "off"  # somebody undid it in Stripe's dashboard

    assert recovery.recover(stripe, KINDS) == 1

    assert db.session.get_one(Act, act.id, populate_existing=True).status == "done"
    assert stripe.things["thing_1"]["status"] == "off"


def test_after_stripe_forgot_the_key_a_person_is_called_and_may_give_it_up(stripe: FakeStripe) -> None:
    stripe.down = True
    act = switch_on(stripe)
    stripe.down = False

    with time_machine.travel(clock.now() + timedelta(hours=24)):
        assert recovery.recover(stripe, KINDS) == 0
        assert db.session.get_one(Act, act.id, populate_existing=True).state == "needs_person"
        with pytest.raises(ReasonMissing):
            recovery.withdraw(act.id, KINDS, words=" ", actor=ANA, gateway=stripe)
        given_up = recovery.withdraw(act.id, KINDS, words="Not needed any more", actor=ANA, gateway=stripe)

    assert given_up.status == "withdrawn"
    assert stripe.keys == []
    assert told()[-1] == "ana@shop.example withdrew on of thing_1, which had never reached Stripe"


def test_what_stripe_has_after_all_cannot_be_given_up(stripe: FakeStripe) -> None:
    stripe.down = True
    act = switch_on(stripe)
    stripe.down = False
    with time_machine.travel(clock.now() + timedelta(hours=24)):
        recovery.recover(stripe, KINDS)
        stripe.things["thing_1"]["status"] = "on"

        with pytest.raises(Conflict, match="has done this after all"):
            recovery.withdraw(act.id, KINDS, words="Not needed any more", actor=ANA, gateway=stripe)

    assert db.session.get_one(Act, act.id, populate_existing=True).status == "done"


def test_only_what_waits_for_a_person_can_be_given_up(stripe: FakeStripe) -> None:
    act = switch_on(stripe)

    with pytest.raises(Conflict, match="does not wait for a person"):
        recovery.withdraw(act.id, KINDS, words="Not needed any more", actor=ANA, gateway=stripe)

    assert db.session.get_one(Act, act.id, populate_existing=True).status == "done"


def test_the_feature_s_own_rows_change_with_the_answer(stripe: FakeStripe) -> None:
    def note(act: Act, body: dict[str, object]) -> None:
        trail.record(ANA, "thing.noted", "note", act.object_id, after={"status": body["status"]})

    noting = ActKind("thing.noting", "Note", ON.find, after=note)
    ready = what()

    perform(noting, lambda: ready, promise_id=uuid4(), actor=ANA, reason=None, gateway=stripe)

    [entry] = trail.of("note", "thing_1")
    assert entry.after == {"status": "on"}


def test_two_kinds_of_one_name_are_a_mistake(app: Flask) -> None:
    known = app.extensions["acts"]

    with pytest.raises(ValueError, match=r"thing\.on"):
        init_acts(app, [ON], [ON])

    assert app.extensions["acts"] is known


def test_the_database_knows_the_states(stripe: FakeStripe) -> None:
    act = switch_on(stripe)

    with pytest.raises(Exception, match="ck_acts_asked_while_requested"), transaction():
        db.session.get_one(Act, act.id).asked_at = clock.now()
