"""A file is looked into before anybody promises the bank anything with it."""

import pytest
from flask import Flask

from app.actor import Actor
from app.database import db
from app.disputes import files
from app.errors import Conflict, EvidenceTooLarge, NotEvidence, Unknown
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeFile
from tests import factories
from tests.disputes.papers import pdf, picture

ANA = Actor("staff", "ana@shop.example")


@pytest.fixture
def dispute(app: Flask) -> Dispute:
    return factories.dispute(factories.charge())


def kept() -> list[tuple[str, str, int]]:
    db.session.rollback()
    live = db.session.query(DisputeFile).filter(DisputeFile.removed_at.is_(None))
    return sorted((file.field, file.kind, file.pages) for file in live)


@pytest.mark.parametrize(
    ("content", "found"),
    [(pdf(3), ("pdf", 3)), (picture("PNG"), ("png", 1)), (picture("JPEG"), ("jpg", 1))],
)
def test_the_bytes_say_what_a_file_is(content: bytes, found: tuple[str, int]) -> None:
    assert files.read(content) == found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"MZ\x90\x00 an exe called receipt.pdf", "none of them"),
        (b"GIF89a" + bytes(20), "none of them"),
        (b"%PDF-1.7 and nothing else", "broken"),
        (picture("PNG")[:60], "broken"),
        (b"\xff\xd8\xff\xe0 no picture", "broken"),
        (pdf(password="secret"), "password"),
    ],
)
def test_what_no_bank_can_read_is_refused(dispute: Dispute, content: bytes, words: str) -> None:
    with pytest.raises(NotEvidence, match=words):
        files.attach(dispute.id, "receipt", content, "receipt.pdf", actor=ANA)

    assert kept() == []


def test_forty_nine_pages_fit_and_fifty_do_not(dispute: Dispute) -> None:
    files.attach(dispute.id, "receipt", pdf(40), "a.pdf", actor=ANA)
    files.attach(dispute.id, "refund_policy", pdf(9), "b.pdf", actor=ANA)

    with pytest.raises(EvidenceTooLarge, match="have 50 pages; banks take fewer than 50"):
        files.attach(dispute.id, "uncategorized_file", picture(), "c.png", actor=ANA)

    assert kept() == [("receipt", "pdf", 40), ("refund_policy", "pdf", 9)]


def test_the_sum_of_all_files_is_what_counts(dispute: Dispute) -> None:
    files.attach(dispute.id, "receipt", pdf(padding=2_400_000), "a.pdf", actor=ANA)

    with pytest.raises(EvidenceTooLarge, match=r"have 4\.8\d MB; Stripe takes 4\.5 MB"):
        files.attach(dispute.id, "customer_communication", pdf(padding=2_400_000), "b.pdf", actor=ANA)

    assert kept() == [("receipt", "pdf", 1)]


def test_a_field_has_one_file_and_the_one_before_is_kept(dispute: Dispute) -> None:
    files.attach(dispute.id, "receipt", pdf(40), "a.pdf", actor=ANA)
    files.attach(dispute.id, "receipt", pdf(45), "b.pdf", actor=ANA)

    assert kept() == [("receipt", "pdf", 45)]
    assert db.session.query(DisputeFile).count() == 2


def test_a_name_leads_nowhere(dispute: Dispute) -> None:
    file = files.attach(dispute.id, "receipt", picture(), '../../etc/pass"wd\r\nX: y.exe', actor=ANA)

    assert file.filename == 'pass"wdX: y.png'


def test_there_is_no_file_where_the_form_has_none(dispute: Dispute) -> None:
    with pytest.raises(Unknown):
        files.attach(dispute.id, "customer_name", picture(), "a.png", actor=ANA)


def test_what_is_with_the_bank_takes_no_more_files(app: Flask) -> None:
    sent = factories.dispute(factories.charge(), status="under_review", submission_count=1)

    with pytest.raises(Conflict, match="with the bank"):
        files.attach(sent.id, "receipt", picture(), "a.png", actor=ANA)

    assert kept() == []
