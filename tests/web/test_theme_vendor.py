"""What comes from others is pinned, unchanged, and all that a page loads."""

import base64
import hashlib
import json
import re

import pytest

from app.web.theme import ROOT, STATIC, TEMPLATES

VENDOR = STATIC / "vendor"
MANIFEST = json.loads((VENDOR / "manifest.json").read_text())["files"]
SCRIPT = (ROOT / ".ci/vendor.sh").read_text()
SPRITE = (VENDOR / "tabler-icons/sprite.svg").read_text()


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["path"])
def test_every_vendored_file_is_as_it_was_fetched(entry: dict[str, str]) -> None:
    digest = hashlib.sha384((VENDOR / entry["path"]).read_bytes()).digest()

    assert base64.b64encode(digest).decode() == entry["sha384"]
    assert entry["licence"] in {"MIT", "Apache-2.0", "OFL-1.1"}
    assert f"={entry['version']}\n" in SCRIPT


def test_nothing_lies_in_the_folder_that_the_manifest_does_not_name() -> None:
    there = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()}

    assert there == {entry["path"] for entry in MANIFEST} | {"manifest.json"}


def test_the_sprite_holds_every_icon_the_script_names() -> None:
    named = re.search(r'ICONS="\n(.*?)"', SCRIPT, re.DOTALL)

    assert named is not None
    assert re.findall(r'<symbol id="([a-z0-9-]+)"', SPRITE) == sorted(named.group(1).split())


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    source = "\n".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    known = set(re.findall(r'<symbol id="([a-z0-9-]+)"', SPRITE))
    named = set(re.findall(r'icon\("([a-z0-9-]+)"', source))
    named |= set(re.findall(r'\("(?:good|wait|bad|note|calm)", "([a-z0-9-]+)"', source))

    assert len(named) > 30
    assert named <= known
