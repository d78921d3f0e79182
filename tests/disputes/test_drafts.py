"""Nothing that somebody wrote is lost, whoever else writes at the same time."""

import pytest
from flask import Flask

from app.actor import Actor
from app.database import db
from app.disputes import drafts
from app.disputes.drafts import SavedMeanwhile, Written, save
from app.errors import Conflict, EvidenceTooLarge
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft
from tests import factories

ANA, BEN = Actor("staff", "ana@shop.example"), Actor("staff", "ben@shop.example")


@pytest.fixture
def dispute(app: Flask) -> Dispute:
    return factories.dispute(factories.charge())


def told(text: str) -> Written:
    return Written("physical_product", {"product_description": text})


def kept(dispute: Dispute) -> list[tuple[int, bool, str, str]]:
    db.session.rollback()
    states = reversed(drafts.earlier(dispute.id))
    return [(one.number, one.is_aside, one.saved_by, one.texts.get("product_description", "")) for one in states]


def test_the_second_of_two_people_sees_the_first_and_loses_nothing(dispute: Dispute) -> None:
    save(dispute.id, told("A blue chair"), based_on=0, actor=ANA)

    with pytest.raises(SavedMeanwhile, match=r"ana@shop\.example saved this evidence on") as conflict:
        save(dispute.id, told("A green chair"), based_on=0, actor=BEN)

    assert conflict.value.theirs.texts == {"product_description": "A blue chair"}
    assert kept(dispute) == [
        (1, False, "ana@shop.example", "A blue chair"),
        (2, True, "ben@shop.example", "A green chair"),
    ]
    save(dispute.id, told("A blue and a green chair"), based_on=1, actor=BEN)
    assert drafts.latest(dispute.id).texts == {"product_description": "A blue and a green chair"}  # type: ignore[union-attr]


def test_the_same_text_twice_is_one_state(dispute: Dispute) -> None:
    first = save(dispute.id, told("A chair"), based_on=0, actor=ANA)
    second = save(dispute.id, told("A chair"), based_on=0, actor=ANA)

    assert first.id == second.id
    assert len(kept(dispute)) == 1


def test_one_sitting_saved_by_itself_is_one_state_that_others_still_notice(dispute: Dispute) -> None:
    for number, text in enumerate(("A", "A ch", "A chair")):
        save(dispute.id, told(text), based_on=number, actor=ANA, by_itself=True)

    assert kept(dispute) == [(3, False, "ana@shop.example", "A chair")]
    with pytest.raises(SavedMeanwhile):
        save(dispute.id, told("B"), based_on=2, actor=BEN)


def test_another_person_s_sitting_is_a_state_of_its_own(dispute: Dispute) -> None:
    save(dispute.id, told("A chair"), based_on=0, actor=ANA, by_itself=True)
    save(dispute.id, told("A table"), based_on=1, actor=BEN, by_itself=True)

    assert [text for *_, text in kept(dispute)] == ["A chair", "A table"]


def test_what_is_written_after_the_submission_is_kept_beside_it(app: Flask) -> None:
    sent = factories.dispute(factories.charge(), status="under_review", submission_count=1)

    with pytest.raises(Conflict, match="with the bank"):
        save(sent.id, told("Too late"), based_on=0, actor=BEN)

    assert kept(sent) == [(1, True, "ben@shop.example", "Too late")]


def test_more_text_than_stripe_takes_is_refused_with_the_number_found(dispute: Dispute) -> None:
    written = Written(texts={f"field_{n}": "x" * 20_000 for n in range(7)} | {"last": "x" * 10_001})

    with pytest.raises(EvidenceTooLarge, match="150,001 characters; Stripe takes 150,000"):
        save(dispute.id, written, based_on=0, actor=ANA)

    assert db.session.query(DisputeDraft).count() == 0
