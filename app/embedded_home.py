"""Where the embedded PostgreSQL lives and which OS user runs it. Everything about ownership is decided here.

PostgreSQL refuses to run as root and refuses data that belong to somebody else, so the owner of the folder is the user
that runs the server. Root starts it as that owner; a folder that root makes new belongs to a system user of its own.
"""

import fcntl
import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SERVICE_USER = "counterfoil-db"
OPEN_PLACE = Path("/var/lib/counterfoil")  # where root puts a server whose project folder no other user may enter
LONGEST_SOCKET = 100  # bytes; Linux allows 107, macOS 103
SOCKET = ".s.PGSQL.5432"

PASSAGE = "; let other users pass through it (chmod o+x), move the project to a folder like /srv, or set DATABASE_URL"


class EmbeddedUnavailable(RuntimeError):
    """The embedded server cannot be used here; the message says why and what to do, in one sentence."""


@dataclass(frozen=True)
class Owner:
    """The OS user who runs the server."""

    name: str
    uid: int
    gid: int

    def run(self, *command: str | Path, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs as this user, from / and without our environment: it holds secrets."""
        root = os.geteuid() == 0
        return subprocess.run(  # noqa: S603 - PostgreSQL's programs and fixed shell lines, never a person's words
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd="/",
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the terminal of the app must not reach the server
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath},
            user=self.uid if root else None,
            group=self.gid if root else None,
            extra_groups=[] if root else None,
        )

    def may_enter(self, folder: Path) -> bool:
        """Whether this user can pass through every parent of the folder; asked of the kernel, not guessed from modes."""
        return self.run("/bin/sh", "-c", 'test -x "$1"', "sh", folder, timeout=5).returncode == 0


@dataclass(frozen=True)
class Home:
    """One embedded server: its folder (0700), the data inside, and where its socket is."""

    folder: Path
    owner: Owner

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def sockets(self) -> Path:
        """Inside the folder; in a private folder in /tmp when no client could name that path.

        A socket's path has a length limit, and a comma separates hosts in a PostgreSQL URL.
        """
        inside = self.folder / "run"
        if len(os.fsencode(inside / SOCKET)) <= LONGEST_SOCKET and "," not in str(inside):
            return inside
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path(f"/tmp/counterfoil-{self.owner.uid}-{name}")  # noqa: S108 - 0700 and its owner is checked

    def give(self, path: Path) -> None:
        """Hand what root made to the user who runs the server."""
        if os.geteuid() == 0:
            os.chown(path, self.owner.uid, self.owner.gid, follow_symlinks=False)


def claim(folder: Path) -> Home:
    """Make the folder ours, or say whose it is. Safe to call from many processes at once."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - Path.resolve would follow the folder's own link too early
    if any(ord(letter) < 32 for letter in str(folder)):  # noqa: PLR2004 - control characters
        raise EmbeddedUnavailable(f"The path {str(folder)!r} has a line break or control character in it; rename it.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return _claim_as_root(folder) if os.geteuid() == 0 else _claim_as_user(folder)
    except PermissionError as error:
        raise _not_yours(Path(error.filename or folder)) from error


def existing(folder: Path) -> Home | None:
    """The home if it was ever made, without making anything."""
    try:
        if not folder.is_dir():
            return None
        home = Home(folder.resolve(), _owner(folder.stat().st_uid))
    except PermissionError as error:
        raise _not_yours(Path(error.filename or folder)) from error
    if os.geteuid() not in {0, home.owner.uid}:
        raise _belongs_to(home.folder, home.owner.uid)
    return home


def check_passage(home: Home) -> None:
    """The folder may have been moved, or its parents closed, since it was made."""
    if not home.owner.may_enter(home.folder):
        raise EmbeddedUnavailable(_closed_parent(home.folder, home.owner))


def private_folder(path: Path, home: Home) -> None:
    """Make a 0700 folder of the home's owner. Somebody else's folder of that name (in /tmp) is refused, never used."""
    try:
        path.mkdir(mode=0o700)
        home.give(path)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {home.owner.uid, os.geteuid()}:
            raise EmbeddedUnavailable(
                f"{path} is needed for the server's socket but belongs to {_name_of(found.st_uid)!r}; remove it."
            ) from None
        home.give(path)
        path.chmod(0o700)


def _claim_as_user(folder: Path) -> Home:
    folder.mkdir(mode=0o700, exist_ok=True)
    folder = folder.resolve()
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        raise _belongs_to(folder, owner)
    folder.chmod(0o700)
    return Home(folder, _owner(owner))


def _claim_as_root(folder: Path) -> Home:
    if folder.is_symlink() and not folder.exists():  # the place outside was deleted: make it again, empty
        folder.readlink().mkdir(mode=0o700, exist_ok=True)
    if folder.exists() and folder.stat().st_uid != 0:
        folder = folder.resolve()
        return Home(folder, _owner(folder.stat().st_uid))
    owner = service_user()
    if owner.may_enter(folder.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
        home = Home(folder.resolve(), owner)
    else:
        home = Home(_elsewhere(folder, owner), owner)
    if home.data.exists() and home.data.stat().st_uid != owner.uid:
        raise EmbeddedUnavailable(
            f"The data in {home.data} belong to {_name_of(home.data.stat().st_uid)!r} but their folder to root; "
            "give the folder to the same user (chown) and start again."
        )
    home.give(home.folder)
    home.folder.chmod(0o700)
    return home


def _elsewhere(folder: Path, owner: Owner) -> Path:
    """Root's project lies where no other user may look (/root, a 0700 folder): keep the data outside, leave a link.

    Opening up the parents instead would show root's files to everybody on the machine.
    """
    try:
        OPEN_PLACE.mkdir(mode=0o755, parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="pg-", dir=OPEN_PLACE))
    except OSError as error:
        raise EmbeddedUnavailable(_closed_parent(folder, owner)) from error
    if not owner.may_enter(OPEN_PLACE):
        made.rmdir()
        raise EmbeddedUnavailable(_closed_parent(folder, owner))
    os.chown(made, owner.uid, owner.gid)
    try:
        if folder.is_dir() and not folder.is_symlink():
            folder.rmdir()
        folder.symlink_to(made)
    except FileExistsError:  # another process was first
        made.rmdir()
    except OSError as error:  # not empty: somebody's files
        made.rmdir()
        raise EmbeddedUnavailable(_closed_parent(folder, owner)) from error
    return folder.resolve()


def _closed_parent(folder: Path, owner: Owner) -> str:
    closed = next((parent for parent in reversed(folder.parents) if not owner.may_enter(parent)), folder)
    return f"PostgreSQL does not run as root, and its user {owner.name!r} may not pass through {closed}{PASSAGE}."


def service_user(name: str = SERVICE_USER) -> Owner:
    """The system user for servers that root starts; made when missing, by however many processes at once.

    Two `useradd`s at once both succeed and the later number replaces the earlier, on which a folder may already have
    been given away: so one of our processes at a time asks and makes. The folder /etc serves as the lock, with no file.
    """
    held = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            entry = _made_user(name)
    finally:
        os.close(held)
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _made_user(name: str) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    for _attempt in range(50):
        try:
            made = subprocess.run(  # noqa: S603 - a fixed command
                [*command, "--shell", "/usr/sbin/nologin", name], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            break
        if made.returncode != 0:  # most often: another program holds the lock on /etc/passwd
            time.sleep(0.1)
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedUnavailable(
        f"PostgreSQL does not run as root and the OS user {name!r} for it could not be made (useradd); "
        "start as an ordinary user, or set DATABASE_URL."
    )


def _owner(uid: int) -> Owner:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedUnavailable(
            f"The OS user with number {uid} has no name on this machine, which PostgreSQL needs; "
            "add it to /etc/passwd, start as another user, or set DATABASE_URL."
        ) from None
    return Owner(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _belongs_to(folder: Path, owner: int) -> EmbeddedUnavailable:
    return EmbeddedUnavailable(
        f"The database in {folder} belongs to the OS user {_name_of(owner)!r} and you are {_name_of(os.geteuid())!r}; "
        f"start as {_name_of(owner)!r}, or set INSTANCE_DIR to a folder of your own, or set DATABASE_URL."
    )


def _not_yours(path: Path) -> EmbeddedUnavailable:
    return EmbeddedUnavailable(
        f"The OS user {_name_of(os.geteuid())!r} may not use {path}; start as the user it belongs to, "
        "or set INSTANCE_DIR to a folder of your own, or set DATABASE_URL."
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
