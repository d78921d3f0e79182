"""The head of the trail is noted outside each night: what was noted once cannot be cut off or written anew unseen."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import text

from app import clock
from app.audit import anchors, chain
from app.audit.chain import Broken, Head
from app.database import db
from app.errors import ConfigurationError
from app.models.mail import Mail
from app.settings import Settings
from app.sync.doctor import Health, _audit
from jobs.note_audit_head import note_audit_head
from tests import factories
from tests.audit.test_chain import _as_superuser, _flask, _write


@pytest.fixture
def folder(app: Flask, tmp_path: Path) -> Iterator[Path]:
    factories.account()
    plain: Settings = app.extensions["settings"]
    changed = replace(plain, audit_anchors_dir=tmp_path / "noted", audit_anchors_to="auditor@shop.example")
    app.extensions["settings"] = changed
    yield changed.audit_anchors_dir
    app.extensions["settings"] = plain


def heads(folder: Path) -> list[Head]:
    return [anchor.head for anchor in anchors.noted(folder)]


def test_each_night_one_line_is_written_and_mailed(app: Flask, folder: Path) -> None:
    noon = clock.now().replace(hour=12)
    empty = note_audit_head()
    _write(3)
    with time_machine.travel(noon, tick=False):
        twice = [note_audit_head(), note_audit_head()]
    _write(2)
    with time_machine.travel(noon + timedelta(days=1), tick=False):
        next_day = note_audit_head()

    assert (empty, twice, next_day) == (0, [1, 0], 1)
    assert [head.id for head in heads(folder)] == [3, 5]
    assert chain.verify(*heads(folder)) is None
    assert (folder / anchors.FILE).stat().st_mode & 0o777 == 0o600
    letters = db.session.query(Mail).order_by(Mail.queued_at).all()
    assert [letter.recipient for letter in letters] == ["auditor@shop.example"] * 2
    assert all(str(head) in letter.text for head, letter in zip(heads(folder), letters, strict=True))


def test_a_tail_cut_off_is_named_and_nothing_newer_is_noted(app: Flask, folder: Path) -> None:
    _write()
    note_audit_head()
    _as_superuser("DELETE FROM audit_logs WHERE id > 9")

    broken = chain.verify(*heads(folder))
    with pytest.raises(anchors.HeadLost, match="Entry 12 of the trail is not the one that was noted"):
        note_audit_head()

    assert broken == Broken(10, "the trail ends before entry 12, which was there once")
    assert len(heads(folder)) == 1


def test_a_tail_cut_off_that_grew_again_is_named(app: Flask, folder: Path) -> None:
    _write(6)
    note_audit_head()
    _write(6)
    with time_machine.travel(clock.now() + timedelta(days=1)):
        note_audit_head()
    _as_superuser("DELETE FROM audit_logs WHERE id > 9")
    _write(5)

    assert chain.verify() is None
    assert chain.verify(*heads(folder)) == Broken(
        12, "the chain was written anew: the entry is not the one that was noted; up to entry 6 it is"
    )


def test_a_trail_that_was_emptied_is_named(app: Flask, folder: Path) -> None:
    _write(4)
    note_audit_head()
    _as_superuser("DELETE FROM audit_logs")

    assert chain.verify(*heads(folder)) == Broken(1, "the trail ends before entry 4, which was there once")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE audit_logs SET reason = 'another' WHERE id = 5", 5),
        ("DELETE FROM audit_logs WHERE id = 5", 5),
    ],
)
def test_with_heads_noted_the_first_row_that_is_wrong_is_still_the_one_that_is_named(
    app: Flask, folder: Path, change: str, named: int
) -> None:
    _write()
    note_audit_head()
    _as_superuser(change)

    broken = chain.verify(*heads(folder))
    assert broken is not None
    assert broken.id == named


@pytest.mark.parametrize(
    "line", ["", "x", "2026-11-26 5:ff 7", "2026-11-26T03:40:00+00:00 5", "2026-11-26T03:40:00+00:00 five:00", "\N{PILE OF POO}"]
)  # fmt: skip
def test_a_file_that_was_meddled_with_is_no_proof_of_anything(app: Flask, folder: Path, line: str) -> None:
    folder.mkdir()
    (folder / anchors.FILE).write_text(f"{line}\n")

    if not line:
        assert anchors.noted(folder) == []
        return
    with pytest.raises(ConfigurationError, match=r"heads\.txt"):
        anchors.noted(folder)


def test_a_folder_that_cannot_be_written_to_fails_the_job(app: Flask, folder: Path) -> None:
    folder.write_text("a file in its place")
    _write(1)

    with pytest.raises(ConfigurationError, match="cannot be"):
        note_audit_head()


def test_the_doctor_says_when_the_head_was_noted_last(app: Flask, folder: Path) -> None:
    settings: Settings = app.extensions["settings"]
    _write(2)
    never = list(_audit(settings))
    note_audit_head()
    lately = list(_audit(settings))
    with time_machine.travel(clock.now() + timedelta(days=3)):
        long_ago = list(_audit(settings))
    _as_superuser("DELETE FROM audit_logs WHERE id = 2")
    cut = list(_audit(settings))

    assert "never noted" in never[0].what
    assert [found[0].health for found in (never, lately, long_ago, cut)] == [
        Health.GOOD, Health.GOOD, Health.ODD, Health.BAD,
    ]  # fmt: skip


def test_the_command_compares_with_what_was_noted(committed: Flask, tmp_path: Path) -> None:
    _write(6)
    head = chain.head()
    assert head is not None
    anchors.note(head, tmp_path / "audit")
    whole = _flask(committed, tmp_path, "audit", "verify")
    _as_superuser("DELETE FROM audit_logs WHERE id > 4")
    db.session.execute(text("SELECT 1"))
    db.session.rollback()
    broken = _flask(committed, tmp_path, "audit", "verify")

    assert whole.returncode == 0
    assert "It holds all 1 heads that were noted outside" in whole.stdout
    assert broken.returncode == 1
    assert broken.stderr.strip().endswith("broken at entry 5: the trail ends before entry 6, which was there once.")
